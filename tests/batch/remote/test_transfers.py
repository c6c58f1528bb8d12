"""Runs between stores: outputs, objects that change, stores that fail."""

import errno
import os
import threading
from typing import TYPE_CHECKING, Any

import pytest

from forkresize.batch.remote import renderer as remote_renderer
from forkresize.batch.remote.renderer import PackedRecipe, Renderer, Rendering
from forkresize.batch.remote.rendering import to_rendering
from forkresize.batch.remote.source_stores import SourceStores
from forkresize.batch.remote.transfer import Transfer
from forkresize.batch.remote.transfers import Endpoints, TransferExecutor
from forkresize.batch.results import outcomes_from_result
from forkresize.outcome import Outcome, Reason, Written
from forkresize.recipe import Recipe
from forkresize.store import PutOptions
from tests.batch.remote.conftest import width_of
from tests.batch.remote.transferring import DrawBytes, ObservedStore, Start, fill, jobs, run

if TYPE_CHECKING:
    from forkresize.job import Job, Output
    from forkresize.pool import Activity

pytestmark = pytest.mark.slow


def test_outputs_are_in_their_places_when_results_come(
    start: Start, photos: ObservedStore, web: ObservedStore, draw_bytes: DrawBytes
) -> None:
    fill(photos, draw_bytes)
    executor = start()
    for result in executor.run(jobs(photos)):
        for outcome in outcomes_from_result(result, web):
            assert isinstance(outcome.detail, Written)
            key = f"{outcome.source.relative}-{outcome.rendition}.webp"
            assert outcome.destination == web.location(key)
            with web.open(key) as file:
                data = file.read()
            assert (width_of(data), len(data)) == ((16, 32)[outcome.rendition], outcome.detail.out_bytes)
            placed, found = executor.placed.pop(key), web.stat(key)
            assert placed == found
    assert len(list(web.scan())) == 10
    assert executor.stats.busy_seconds > 0
    assert executor.placed == {}


def test_one_renderer_serves_many_executors_at_the_same_time(
    start: Start, photos: ObservedStore, web: ObservedStore, draw_bytes: DrawBytes
) -> None:
    fill(photos, draw_bytes, 20)
    found: list[list[Outcome]] = []
    threads = [threading.Thread(target=lambda: found.append(run(start(), jobs(photos), web))) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert [{outcome.status for outcome in outcomes} for outcomes in found] == [{"written"}] * 2


def test_object_that_was_replaced_since_it_was_listed_is_made_as_it_is_now(
    start: Start, photos: ObservedStore, web: ObservedStore, draw_bytes: DrawBytes
) -> None:
    fill(photos, draw_bytes, 2)
    listed = jobs(photos)
    new = photos.put("trip/0.jpg", draw_bytes(size=(80, 40), seed=1))
    outcomes = run(start(), listed, web)
    assert {outcome.status for outcome in outcomes} == {"written"}
    replaced = [outcome for outcome in outcomes if outcome.source.relative == "trip/0.jpg"]
    assert {(each.source.size, each.source.etag) for each in replaced} == {(new.size, new.etag)}
    assert {each.detail.in_size for each in replaced if isinstance(each.detail, Written)} == {(80, 40)}


def test_object_that_is_replaced_all_the_time_fails_by_name(
    start: Start, photos: ObservedStore, web: ObservedStore, draw_bytes: DrawBytes
) -> None:
    fill(photos, draw_bytes, 1)
    listed = jobs(photos)
    data = draw_bytes(size=(80, 40))
    photos.before = lambda operation, key: operation == "fetch" and photos.put(key, data)
    (outcome,) = run(start(), listed, web)
    assert outcome.reason is Reason.UNREADABLE
    assert "trip/0.jpg" in outcome.error
    assert "changed" in outcome.error


def test_object_that_is_deleted_in_mid_run_fails_by_name_and_no_other(
    start: Start, photos: ObservedStore, web: ObservedStore, draw_bytes: DrawBytes
) -> None:
    fill(photos, draw_bytes, 4)
    listed = jobs(photos)
    photos.delete("trip/1.jpg")
    outcomes = run(start(), listed, web)
    failed = [outcome for outcome in outcomes if outcome.status != "written"]
    assert [(each.reason, each.error) for each in failed] == [
        (Reason.UNREADABLE, "memory://photos/trip/1.jpg: vanished")
    ]
    assert len(outcomes) == 7


@pytest.mark.parametrize(("code", "fatal"), [(errno.EIO, False), (errno.ENOSPC, True)])
def test_output_that_cannot_be_put_fails_alone(
    start: Start, photos: ObservedStore, web: ObservedStore, draw_bytes: DrawBytes, code: int, fatal: bool
) -> None:
    fill(photos, draw_bytes, 1)

    def refuse(operation: str, key: str) -> None:
        if operation == "put" and key.endswith("-0.webp"):
            raise OSError(code, os.strerror(code), web.location(key))

    web.before = refuse
    first, second = sorted(run(start(), jobs(photos), web), key=lambda outcome: outcome.rendition)
    assert (first.reason, first.error) == (Reason.NOT_WRITTEN, f"{first.destination}: {os.strerror(code)}")
    assert getattr(first.detail, "fatal", None) is fatal
    assert second.status == "written"


def test_bug_of_a_store_costs_one_picture(
    start: Start, photos: ObservedStore, web: ObservedStore, draw_bytes: DrawBytes
) -> None:
    fill(photos, draw_bytes, 3)

    def fail(operation: str, key: str) -> None:
        if key in {"trip/0.jpg", "trip/1.jpg-1.webp"}:
            raise RuntimeError("no such store")

    photos.before = web.before = fail
    outcomes = run(start(), jobs(photos), web)
    assert sorted((each.source.relative, each.status) for each in outcomes if each.status != "written") == [
        ("trip/0.jpg", "failed"),
        ("trip/1.jpg", "failed"),
    ]
    assert {each.reason for each in outcomes} == {None, Reason.INTERNAL}


@pytest.mark.parametrize("place", ["rendering", "transfer"])
def test_bug_behind_the_workers_costs_one_picture(
    start: Start,
    photos: ObservedStore,
    web: ObservedStore,
    draw_bytes: DrawBytes,
    monkeypatch: pytest.MonkeyPatch,
    place: str,
) -> None:
    fill(photos, draw_bytes, 3)
    to_put = Transfer.to_put

    def fail(job: "Job") -> None:
        if job.source.relative == "trip/0.jpg":
            raise RuntimeError("no such rendering")

    def fail_or_convert(job: "Job", returned: Any) -> Rendering:
        fail(job)
        return to_rendering(job, returned)

    def fail_or_put(transfer: Transfer, rendering: Rendering) -> list["Output"]:
        fail(transfer.job)
        return to_put(transfer, rendering)

    if place == "rendering":
        monkeypatch.setattr(remote_renderer, "to_rendering", fail_or_convert)
    else:
        monkeypatch.setattr(Transfer, "to_put", fail_or_put)
    outcomes = run(start(), jobs(photos), web)
    assert {(each.source.relative, each.reason) for each in outcomes if each.status != "written"} == {
        ("trip/0.jpg", Reason.INTERNAL)
    }
    assert len(outcomes) == 5


def test_large_objects_that_are_not_pictures_are_not_fetched(
    start: Start, photos: ObservedStore, web: ObservedStore
) -> None:
    photos.put("film.mp4", b"\0" * 2_000_000)
    photos.put("small.mp4", b"\0" * 200)
    fetched: list[str] = []
    photos.before = lambda _, key: fetched.append(key)
    outcomes = run(start(), jobs(photos), web)
    assert {outcome.reason for outcome in outcomes} == {Reason.NOT_A_PICTURE}
    assert fetched == ["small.mp4"]


def test_object_above_the_limit_is_not_fetched(
    renderer: Renderer, photos: ObservedStore, web: ObservedStore, draw_bytes: DrawBytes
) -> None:
    photos.put("a.jpg", draw_bytes(size=(200, 200)))
    photos.before = lambda _, key: pytest.fail(key)
    recipe = PackedRecipe.of(Recipe.of(width=(16, 32), max_file_size=1000))
    with TransferExecutor(renderer, recipe, Endpoints(SourceStores([photos]), web)) as executor:
        (outcome,) = run(executor, jobs(photos), web)
    assert outcome.reason is Reason.FILE_TOO_LARGE
    assert "max_file_size" in outcome.error


def test_conditions_of_puts_are_asked_for_each_output(
    start: Start, photos: ObservedStore, web: ObservedStore, draw_bytes: DrawBytes
) -> None:
    fill(photos, draw_bytes, 1)
    web.put("trip/0.jpg-0.webp", b"of another program")
    outcomes = run(start(lambda _: PutOptions(create=True)), jobs(photos), web)
    assert sorted((each.rendition, each.status) for each in outcomes) == [(0, "failed"), (1, "written")]
    with web.open("trip/0.jpg-0.webp") as file:
        assert file.read() == b"of another program"


def test_ticks_show_what_workers_have(
    start: Start, photos: ObservedStore, web: ObservedStore, draw_bytes: DrawBytes
) -> None:
    fill(photos, draw_bytes, 30)
    ticks: list[list[Activity[Job]]] = []
    run(start(on_tick=ticks.append), jobs(photos), web)
    assert ticks
    assert {len(activities) for activities in ticks} == {2}


def test_this_process_never_forks_and_workers_inherit_nothing(
    start: Start, photos: ObservedStore, web: ObservedStore, draw_bytes: DrawBytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(photos, draw_bytes, 5)
    monkeypatch.setattr(os, "fork", lambda: pytest.fail("forked"))
    assert {outcome.status for outcome in run(start(), jobs(photos), web)} == {"written"}
