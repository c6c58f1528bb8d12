"""How much a run between stores has under way, and how it stops."""

import os
import threading
from collections.abc import Iterator

import pytest

from forkresize.batch.remote.renderer import PackedRecipe, Renderer
from forkresize.batch.remote.source_stores import SourceStores
from forkresize.batch.remote.transfers import Endpoints, TransferExecutor, TransferOptions
from forkresize.batch.results import outcomes_from_result
from forkresize.errors import BrokenPoolError
from forkresize.job import Job
from forkresize.outcome import Reason
from forkresize.pool import NothingYet, PoolOptions
from forkresize.recipe import Recipe
from tests.batch.remote.transferring import RECIPE, DrawBytes, ObservedStore, Start, fill, jobs, run

pytestmark = pytest.mark.slow


def test_memory_of_pictures_under_way_is_bounded(start: Start, photos: ObservedStore, web: ObservedStore) -> None:
    for number in range(30):
        photos.put(f"{number:02}.jpg", b"\xff\xd8\xff" + bytes(997))
    sizes: list[int] = []
    executor = start(memory=3000)
    photos.before = lambda *_: sizes.append(executor._stages.size)  # noqa: SLF001  Nothing else can see it.
    assert len(run(executor, jobs(photos), web)) == 30
    assert 1000 <= max(sizes) <= 3000


def test_number_of_pictures_under_way_is_bounded(start: Start, photos: ObservedStore, web: ObservedStore) -> None:
    for number in range(30):
        photos.put(f"{number:02}.jpg", b"\xff\xd8\xff" + bytes(997))
    taken: list[int] = []
    results = [0]

    def count_jobs() -> Iterator[Job]:
        for number, job in enumerate(jobs(photos), start=1):
            taken.append(number - results[0])
            yield job

    for _ in start(ahead=3).run(count_jobs()):
        results[0] += 1
    assert results == [30]
    assert 2 <= max(taken) <= 3


def test_picture_larger_than_the_memory_is_alone(
    start: Start, photos: ObservedStore, web: ObservedStore, draw_bytes: DrawBytes
) -> None:
    fill(photos, draw_bytes, 3)
    assert {outcome.status for outcome in run(start(memory=1), jobs(photos), web)} == {"written"}


def test_results_come_while_there_is_no_job_yet(
    start: Start, photos: ObservedStore, web: ObservedStore, draw_bytes: DrawBytes
) -> None:
    fill(photos, draw_bytes, 2)
    first, second = jobs(photos)
    reader, writer = os.pipe()
    finished = threading.Event()

    def upcoming() -> Iterator[Job | NothingYet]:
        yield first
        while not finished.is_set():
            yield NothingYet(reader)
        yield second

    found = []
    for result in start().run(upcoming()):
        found.append(result.item.source.relative)
        finished.set()
        os.write(writer, b"x")
    os.close(reader)
    os.close(writer)
    assert found == ["trip/0.jpg", "trip/1.jpg"]


def test_stop_finishes_what_workers_have_and_drops_the_rest(
    start: Start, photos: ObservedStore, web: ObservedStore, draw_bytes: DrawBytes
) -> None:
    fill(photos, draw_bytes, 60)
    executor = start(ahead=20)
    outcomes = []
    for result in executor.run(jobs(photos)):
        executor.stop()
        outcomes += outcomes_from_result(result, web)
    assert executor.stopping
    assert {outcome.status for outcome in outcomes} == {"written"}
    assert 2 <= len(outcomes) < 60
    assert len(list(web.scan())) == len(outcomes)


def test_stop_does_not_wait_for_a_store_that_does_not_answer(
    start: Start, photos: ObservedStore, web: ObservedStore, draw_bytes: DrawBytes
) -> None:
    fill(photos, draw_bytes)
    answer, asked = threading.Event(), threading.Event()

    def hang(operation: str, key: str) -> None:
        if key == "trip/3.jpg" and operation == "fetch":
            asked.set()
            assert answer.wait(60)

    photos.before = hang
    executor = start()

    def stop() -> None:
        assert asked.wait(60)
        executor.stop()

    stopping = threading.Thread(target=stop)
    stopping.start()
    found = run(executor, jobs(photos), web)
    assert not answer.is_set()
    answer.set()
    stopping.join()
    assert "trip/3.jpg" not in {outcome.source.relative for outcome in found}
    assert {outcome.detail.status for outcome in found} <= {"written"}


def test_abort_interrupts_what_is_under_way(photos: ObservedStore, web: ObservedStore, draw_bytes: DrawBytes) -> None:
    fill(photos, draw_bytes, 20)
    hanging = threading.Event()
    with (
        Renderer(PoolOptions(workers=1)) as own,
        TransferExecutor(own, RECIPE, Endpoints(SourceStores([photos]), web), TransferOptions(ahead=6)) as executor,
    ):

        def hang(operation: str, key: str) -> None:
            if key == "trip/3.jpg":
                executor.abort()
                hanging.wait(60)

        photos.before = hang
        outcomes = run(executor, jobs(photos), web)
        hanging.set()
    interrupted = {each.source.relative for each in outcomes if each.reason is Reason.INTERRUPTED}
    assert "trip/3.jpg" in interrupted
    assert len(interrupted) <= 6


def test_pool_that_cannot_start_is_an_error_of_the_run(photos: ObservedStore, web: ObservedStore) -> None:
    photos.put("a.jpg", b"x")
    recipe = PackedRecipe.of(Recipe.of(width=(16, 32), watermark="/missing/logo.png"))
    with (
        Renderer(PoolOptions(workers=1), recipes=[recipe]) as own,
        TransferExecutor(own, recipe, Endpoints(SourceStores([photos]), web)) as executor,
        pytest.raises(BrokenPoolError, match="logo"),
    ):
        run(executor, jobs(photos), web)


def test_late_run_begins_nothing(
    start: Start, photos: ObservedStore, web: ObservedStore, draw_bytes: DrawBytes
) -> None:
    fill(photos, draw_bytes, 3)
    assert run(start(stop_after=0.0), jobs(photos), web) == []
