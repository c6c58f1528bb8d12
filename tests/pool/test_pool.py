import contextlib
import os
import socket
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from forkresize.errors import BrokenPoolError
from forkresize.pool import Activity, Completed, Pool, PoolOptions, available_cpus
from forkresize.pool.protocol import FrameReader, MessageType

WaitUntil = Callable[[Callable[[], object]], None]

pytestmark = pytest.mark.timeout(60)


def double(number: int) -> int:
    return number * 2


def nap(_: object) -> None:
    time.sleep(0.1)


def test_every_item_is_answered_once_with_its_result() -> None:
    with Pool(double, options=PoolOptions(workers=3)) as pool:
        answers = list(pool.imap_unordered(range(500)))
    assert sorted((a.item, a.result) for a in answers if isinstance(a, Completed)) == [(n, n * 2) for n in range(500)]
    assert len(answers) == 500


def test_an_answer_tells_who_did_it_how_often_it_was_tried_and_how_long_it_took() -> None:
    def work(_: int) -> int:
        time.sleep(0.03)
        return os.getpid()

    with Pool(work, options=PoolOptions(workers=1)) as pool:
        (answer,) = pool.imap_unordered([1])
    assert isinstance(answer, Completed)
    assert answer.result == answer.worker != os.getpid()
    assert answer.attempts == 1
    assert 0.03 <= answer.seconds < 1
    assert pool.busy_seconds == answer.seconds
    assert pool.workers_lost == 0


def test_work_and_initializer_may_be_closures_and_see_what_the_parent_had_loaded() -> None:
    heavy = {"loaded": "before the fork"}
    seen: list[str] = []

    def work(key: str) -> tuple[str, list[str]]:
        return heavy[key], seen

    with Pool(work, initializer=lambda: seen.append("once")) as pool:
        (answer,) = pool.imap_unordered(["loaded"])
    assert isinstance(answer, Completed)
    assert answer.result == ("before the fork", ["once"])
    assert seen == []


def test_without_items_nothing_is_forked() -> None:
    with Pool(double) as pool:
        assert list(pool.imap_unordered([])) == []
        with pytest.raises(ChildProcessError):
            os.waitpid(-1, os.WNOHANG)


def test_no_more_workers_are_forked_than_there_are_jobs() -> None:
    with Pool(nap, options=PoolOptions(workers=8)) as pool:
        assert len({answer.worker for answer in pool.imap_unordered(range(3))}) == 3


def test_a_worker_that_is_idle_is_given_the_next_job_before_another_is_forked(wait_until: WaitUntil) -> None:
    def items() -> Iterator[int]:
        for number in range(5):
            yield number
            wait_until(has_come)

    def has_come() -> bool:
        assert pool._supervisor is not None  # noqa: SLF001
        (member,) = pool._supervisor._crew  # noqa: SLF001
        with contextlib.suppress(BlockingIOError):
            waiting = member.station.near.recv(1 << 16, socket.MSG_PEEK)
            return any(report.kind == MessageType.RETURNED for report in FrameReader().feed(waiting))
        return False

    with Pool(double, options=PoolOptions(workers=4)) as pool:
        assert len({answer.worker for answer in pool.imap_unordered(items())}) == 1


def test_jobs_start_before_the_next_item_is_there(tmp_path: Path, wait_until: WaitUntil) -> None:
    def items() -> Iterator[Path]:
        for number in range(4):
            path = tmp_path / str(number)
            yield path
            wait_until(path.exists)

    with Pool(Path.touch, options=PoolOptions(workers=2)) as pool:
        assert len(list(pool.imap_unordered(items()))) == 4


def test_items_are_asked_for_no_more_than_two_a_worker_ahead() -> None:
    pulled, most_ahead, answered = 0, 0, 0

    def items() -> Iterator[int]:
        nonlocal pulled, most_ahead
        for number in range(100):
            pulled += 1
            most_ahead = max(most_ahead, pulled - answered)
            yield number

    with Pool(double, options=PoolOptions(workers=3)) as pool:
        for _ in pool.imap_unordered(items()):
            answered += 1
    # Two that each worker holds, and two that it has answered but that are still to be taken.
    assert most_ahead <= 2 * 3 + 2 * 3
    assert answered == 100


def test_a_job_is_prefetched_only_when_every_worker_has_one() -> None:
    with Pool(nap, options=PoolOptions(workers=4)) as pool:
        assert len({answer.worker for answer in pool.imap_unordered(range(4))}) == 4


@pytest.mark.parametrize("max_tasks", [1, 2, 3])
def test_a_worker_is_replaced_after_max_tasks_and_does_not_count_as_lost(max_tasks: int) -> None:
    with Pool(double, options=PoolOptions(workers=2, max_tasks=max_tasks)) as pool:
        answers = list(pool.imap_unordered(range(12)))
    workers = [answer.worker for answer in answers]
    assert max(workers.count(worker) for worker in workers) == max_tasks
    assert len(answers) == 12
    assert pool.workers_lost == 0


def test_an_exception_of_the_items_is_raised_when_what_was_handed_out_is_answered() -> None:
    def items() -> Iterator[int]:
        yield from range(5)
        raise ValueError("no more")

    answered: list[int] = []
    with Pool(double, options=PoolOptions(workers=2)) as pool, pytest.raises(ValueError, match="no more"):
        answered.extend(answer.item for answer in pool.imap_unordered(items()))
    assert sorted(answered) == [0, 1, 2, 3, 4]


def test_an_exit_of_the_items_ends_all_at_once(faults: ModuleType) -> None:
    def items() -> Iterator[int]:
        yield 1
        sys.exit(4)

    with Pool(faults.hang, options=PoolOptions(workers=1)) as pool, pytest.raises(SystemExit):
        list(pool.imap_unordered(items()))


@pytest.mark.parametrize("way", ["break", "close", "raise"])
def test_leaving_early_leaves_no_process(way: str) -> None:
    def work(number: int) -> None:
        time.sleep(30 if number else 0)

    with pytest.raises(ZeroDivisionError), Pool(work, options=PoolOptions(workers=2)) as pool:  # noqa: PT012
        answers = pool.imap_unordered(range(100))
        for _ in answers:
            if way == "close":
                answers.close()  # type: ignore[attr-defined]
            if way == "raise":
                raise ZeroDivisionError
            break
        if way == "close":
            with pytest.raises(ChildProcessError):
                os.waitpid(-1, os.WNOHANG)
        raise ZeroDivisionError


def test_a_pool_can_be_used_again_even_after_an_iteration_left_early() -> None:
    with Pool(double, options=PoolOptions(workers=2)) as pool:
        for count in (3, 30):
            assert len(list(pool.imap_unordered(range(count)))) == count
            next(iter(pool.imap_unordered(range(100))))
            assert len(list(pool.imap_unordered(range(count)))) == count


def test_stop_answers_what_runs_and_starts_nothing_more(tmp_path: Path, wait_until: WaitUntil) -> None:
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
        answers = list(pool.imap_unordered(items()))
        assert pool.stopping
    started = {int(path.name) for path in tmp_path.iterdir() if path.name != "go"}
    assert {answer.item for answer in answers} == started
    assert len(started) == 2


def test_a_stopped_pool_hands_out_nothing() -> None:
    with Pool(double) as pool:
        pool.stop()
        assert list(pool.imap_unordered(range(5))) == []


def test_ticks_tell_what_every_worker_is_doing(tmp_path: Path, wait_until: WaitUntil) -> None:
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
        workers = {answer.worker for answer in pool.imap_unordered(items)}
    assert {activity.worker for activity in seen} == workers
    assert tmp_path / "waited for" in {activity.item for activity in seen}
    assert all(activity.seconds == 0 for activity in seen if activity.item is None)


def test_ticks_come_at_their_interval() -> None:
    ticks: list[float] = []
    options = PoolOptions(workers=1, tick=0.02)
    with Pool(nap, options=options, on_tick=lambda _: ticks.append(time.monotonic())) as pool:
        list(pool.imap_unordered(range(2)))
    assert len(ticks) >= 2
    assert all(later - earlier >= 0.02 for earlier, later in pairwise(ticks))


def test_without_an_entered_pool_there_is_no_iteration() -> None:
    with pytest.raises(ValueError, match="not entered"):
        Pool(double).imap_unordered([1])


def test_by_default_there_are_as_many_workers_as_cpus() -> None:
    assert Pool(double).workers == available_cpus()
    assert Pool(double, options=PoolOptions(workers=7)).workers == 7


@pytest.mark.parametrize(
    "options",
    [{"workers": 0}, {"timeout": 0}, {"timeout": float("nan")}, {"retries": -1}, {"max_tasks": -1}, {"tick": -1}],
)
def test_options_out_of_range_are_refused_by_name(options: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=next(iter(options))):
        PoolOptions(**options)


def test_an_initializer_that_raises_breaks_the_pool_with_its_traceback(faults: ModuleType) -> None:
    with (
        Pool(double, initializer=faults.fail) as pool,
        pytest.raises(BrokenPoolError, match=r"(?s)ValueError: no.*in fail"),
    ):
        list(pool.imap_unordered(range(10)))


@pytest.mark.parametrize(("fault", "how"), [("abort", "SIGABRT: free"), ("exit_hard", "exit code 3")])
def test_an_initializer_that_crashes_breaks_the_pool_soon(faults: ModuleType, fault: str, how: str) -> None:
    options = PoolOptions(workers=2)
    with (
        Pool(double, options=options, initializer=getattr(faults, fault)) as pool,
        pytest.raises(BrokenPoolError, match=how),
    ):
        list(pool.imap_unordered(range(10)))
    assert pool.workers_lost == 5


def test_an_initializer_that_hangs_breaks_the_pool_by_the_timeout(faults: ModuleType) -> None:
    options = PoolOptions(workers=1, timeout=0.3)
    with (
        Pool(double, options=options, initializer=faults.hang) as pool,
        pytest.raises(BrokenPoolError, match="SIGKILL"),
    ):
        list(pool.imap_unordered(range(10)))
