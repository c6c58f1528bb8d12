"""Jobs whose bytes come from and go to stores: what is fetched, put, bounded and abandoned."""

import errno
import os
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from typing import Any, BinaryIO

import pytest

from forkresize.batch.remote.renderer import PackedRecipe, Renderer
from forkresize.batch.remote.source_stores import SourceStores
from forkresize.batch.remote.transfers import Endpoints, TransferExecutor, TransferOptions
from forkresize.batch.results import outcomes_from_result
from forkresize.errors import BrokenPoolError
from forkresize.job import Job, Output, Source
from forkresize.outcome import Outcome, Reason, Written
from forkresize.pool import Activity, NothingYet, PoolOptions
from forkresize.recipe import Recipe
from forkresize.store import PLAIN, ObjectInfo, PutOptions
from tests.batch.remote.conftest import DrawBytes, width_of
from tests.store.memory import MemoryStore

pytestmark = pytest.mark.slow

RECIPE = PackedRecipe.of(Recipe.of(width=(16, 32), format="webp"))
Start = Callable[..., TransferExecutor]


class ObservedStore(MemoryStore):
    """A store in memory that calls a function before each transfer."""

    before: Callable[[str, str], object] = staticmethod(lambda _operation, _key: None)

    def fetch(self, key: str, file: BinaryIO, expected: ObjectInfo | None = None) -> ObjectInfo:
        self.before("fetch", key)
        return super().fetch(key, file, expected)

    def put(self, key: str, data: bytes | memoryview, options: PutOptions = PLAIN) -> ObjectInfo:
        self.before("put", key)
        return super().put(key, data, options)


@pytest.fixture(scope="module")
def renderer() -> Iterator[Renderer]:
    with Renderer(PoolOptions(workers=2, timeout=30)) as renderer:
        yield renderer


@pytest.fixture
def photos() -> ObservedStore:
    return ObservedStore("photos")


@pytest.fixture
def web() -> ObservedStore:
    return ObservedStore("web")


@pytest.fixture
def start(renderer: Renderer, photos: ObservedStore, web: ObservedStore) -> Iterator[Start]:
    with ExitStack() as stack:

        def make(put_options: Any = None, on_tick: Any = None, **options: Any) -> TransferExecutor:
            ends = Endpoints(SourceStores([photos]), web, *([put_options] if put_options else []))
            executor = TransferExecutor(renderer, RECIPE, ends, TransferOptions(**options), on_tick)
            return stack.enter_context(executor)

        yield make


def outputs(relative: str) -> tuple[Output, ...]:
    return tuple(Output(f"{relative}-{number}.webp", number) for number in range(2))


def jobs(store: MemoryStore) -> list[Job]:
    return [
        Job(Source(store.location(each.key), each.key, each.size, each.mtime_ns, each.etag), outputs(each.key))
        for each in store.scan()
    ]


def run(executor: TransferExecutor, items: Iterable[Job | NothingYet], store: MemoryStore) -> list[Outcome]:
    return [outcome for result in executor.run(items) for outcome in outcomes_from_result(result, store)]


def fill(store: MemoryStore, draw_bytes: DrawBytes, count: int = 5) -> None:
    data = draw_bytes(size=(64, 48))
    for number in range(count):
        store.put(f"trip/{number}.jpg", data)


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
