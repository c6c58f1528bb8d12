"""A pool: results, sources that fail, iterations that are left, ticks, options, initializers."""

import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from forkresize.errors import BrokenPoolError
from forkresize.pool import Activity, Completed, Pool, PoolOptions, available_cpus, progress
from tests.children import child_processes

WaitUntil = Callable[[Callable[[], object]], None]
pytestmark = pytest.mark.timeout(60)


def double(number: int) -> int:
    return number * 2


def nap(_: object) -> None:
    time.sleep(0.1)


def test_every_item_has_one_result() -> None:
    with Pool(double, options=PoolOptions(workers=3)) as pool:
        results = list(pool.imap_unordered(range(500)))
    assert sorted((a.item, a.result) for a in results if isinstance(a, Completed)) == [(n, n * 2) for n in range(500)]
    assert len(results) == 500


def test_result_has_worker_attempts_and_seconds() -> None:
    def work(_: int) -> int:
        time.sleep(0.03)
        return os.getpid()

    with Pool(work, options=PoolOptions(workers=1)) as pool:
        (result,) = pool.imap_unordered([1])
    assert isinstance(result, Completed)
    assert result.result == result.worker != os.getpid()
    assert result.attempts == 1
    assert 0.03 <= result.seconds < 60
    assert pool.busy_seconds == result.seconds
    assert pool.workers_lost == 0


def test_work_and_initializer_may_be_closures_over_loaded_data() -> None:
    heavy = {"loaded": "before the fork"}
    seen: list[str] = []

    def work(key: str) -> tuple[str, list[str]]:
        return heavy[key], seen

    with Pool(work, initializer=lambda: seen.append("once")) as pool:
        (result,) = pool.imap_unordered(["loaded"])
    assert isinstance(result, Completed)
    assert result.result == ("before the fork", ["once"])
    assert seen == []


def test_nothing_is_forked_without_items() -> None:
    before = child_processes()
    with Pool(double) as pool:
        assert list(pool.imap_unordered([])) == []
        assert child_processes() == before


def test_exception_of_the_source_is_raised_after_all_results() -> None:
    def items() -> Iterator[int]:
        yield from range(5)
        raise ValueError("no more")

    finished: list[int] = []
    with Pool(double, options=PoolOptions(workers=2)) as pool, pytest.raises(ValueError, match="no more"):
        finished.extend(result.item for result in pool.imap_unordered(items()))
    assert sorted(finished) == [0, 1, 2, 3, 4]


def test_system_exit_of_the_source_ends_the_iteration_at_once(faults: ModuleType) -> None:
    def items() -> Iterator[int]:
        yield 1
        sys.exit(4)

    with Pool(faults.hang, options=PoolOptions(workers=1)) as pool, pytest.raises(SystemExit):
        list(pool.imap_unordered(items()))


@pytest.mark.parametrize("way", ["break", "close", "raise"])
def test_leaving_an_iteration_early_leaves_no_process(way: str) -> None:
    def work(number: int) -> None:
        time.sleep(30 if number else 0)

    before = child_processes()
    with pytest.raises(ZeroDivisionError), Pool(work, options=PoolOptions(workers=2)) as pool:  # noqa: PT012
        results = pool.imap_unordered(range(100))
        for _ in results:
            if way == "close":
                results.close()  # type: ignore[attr-defined]
            if way == "raise":
                raise ZeroDivisionError
            break
        if way == "close":
            assert child_processes() == before
        raise ZeroDivisionError


def test_pool_can_be_used_again_after_an_iteration_was_left_early() -> None:
    with Pool(double, options=PoolOptions(workers=2)) as pool:
        for count in (3, 30):
            assert len(list(pool.imap_unordered(range(count)))) == count
            next(iter(pool.imap_unordered(range(100))))
            assert len(list(pool.imap_unordered(range(count)))) == count


def test_stop_lets_running_tasks_finish_and_starts_no_more(tmp_path: Path, wait_until: WaitUntil) -> None:
    def work(number: int) -> int:
        (tmp_path / str(number)).touch()
        wait_until((tmp_path / "go").exists)
        return number

    def items() -> Iterator[int]:
        yield from range(3)  # Two run, the third is prefetched.
        wait_until(lambda: len(list(tmp_path.iterdir())) == 2)
        pool.stop()
        (tmp_path / "go").touch()
        yield 3

    with Pool(work, options=PoolOptions(workers=2)) as pool:
        results = list(pool.imap_unordered(items()))
        assert pool.stopping
    started = {int(path.name) for path in tmp_path.iterdir() if path.name != "go"}
    assert {result.item for result in results} == started
    assert len(started) == 2


def test_stopped_pool_assigns_nothing() -> None:
    with Pool(double) as pool:
        pool.stop()
        assert list(pool.imap_unordered(range(5))) == []


def test_ticks_report_the_activity_of_every_worker(tmp_path: Path, wait_until: WaitUntil) -> None:
    seen: list[Activity[Path]] = []

    def note(activities: Sequence[Activity[Path]]) -> None:
        seen.extend(activities)
        if any(activity.seconds > 0.1 for activity in activities if activity.item):
            (tmp_path / "go").touch()

    def work(path: Path) -> None:
        if path.name == "waited for":
            wait_until((tmp_path / "go").exists)

    with Pool(work, options=PoolOptions(workers=2, tick=0.01), on_tick=note) as pool:
        items = [tmp_path / "first", tmp_path / "waited for"]
        workers = {result.worker for result in pool.imap_unordered(items)}
    assert {activity.worker for activity in seen} == workers
    assert tmp_path / "waited for" in {activity.item for activity in seen}
    assert all(activity.seconds == 0 for activity in seen if activity.item is None)


def test_ticks_are_at_least_one_interval_apart() -> None:
    ticks: list[float] = []
    options = PoolOptions(workers=1, tick=0.02)
    with Pool(nap, options=options, on_tick=lambda _: ticks.append(time.monotonic())) as pool:
        list(pool.imap_unordered(range(2)))
    assert len(ticks) >= 2
    assert all(later - earlier >= 0.01 for earlier, later in pairwise(ticks))


def test_imap_unordered_requires_an_entered_pool() -> None:
    with pytest.raises(ValueError, match="not entered"):
        Pool(double).imap_unordered([1])


def test_default_number_of_workers_is_available_cpus() -> None:
    assert Pool(double).workers == available_cpus()
    assert Pool(double, options=PoolOptions(workers=7)).workers == 7


@pytest.mark.parametrize(
    "options",
    [{"workers": 0}, {"timeout": 0}, {"timeout": float("nan")}, {"retries": -1}, {"max_tasks": -1}, {"tick": -1}],
)
def test_options_out_of_range_are_rejected_by_name(options: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=next(iter(options))):
        PoolOptions(**options)


def test_raising_initializer_breaks_the_pool_with_its_traceback(faults: ModuleType) -> None:
    with (
        Pool(double, initializer=faults.fail) as pool,
        pytest.raises(BrokenPoolError, match=r"(?s)ValueError: no.*in fail"),
    ):
        list(pool.imap_unordered(range(10)))


@pytest.mark.parametrize(("fault", "how"), [("abort", "SIGABRT: free"), ("exit_hard", "exit code 3")])
def test_crashing_initializer_breaks_the_pool(faults: ModuleType, fault: str, how: str) -> None:
    options = PoolOptions(workers=2)
    with (
        Pool(double, options=options, initializer=getattr(faults, fault)) as pool,
        pytest.raises(BrokenPoolError, match=how),
    ):
        list(pool.imap_unordered(range(10)))
    assert pool.workers_lost == 5


@pytest.mark.slow
def test_hanging_initializer_breaks_the_pool_by_the_timeout(
    faults: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(progress, "_START_GRACE", 0.2)
    options = PoolOptions(workers=1, timeout=0.3)
    with (
        Pool(double, options=options, initializer=faults.hang) as pool,
        pytest.raises(BrokenPoolError, match="SIGKILL"),
    ):
        list(pool.imap_unordered(range(10)))
