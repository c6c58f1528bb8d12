"""When a pool forks workers, which worker gets the next task, and how far ahead the source is read."""

import mmap
import os
import select
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from forkresize.pool import Completed, Pool, PoolOptions
from forkresize.pool.backlog import MAX_TASKS, MIN_TASKS
from tests.children import child_processes, write_pid

WaitUntil = Callable[[Callable[[], object]], None]
Meet = Callable[[int], Callable[[int], None]]
pytestmark = pytest.mark.timeout(60)


def double(number: int) -> int:
    return number * 2


@pytest.fixture
def meet(tmp_path: Path, wait_until: WaitUntil) -> Meet:
    """Work for a number of tasks. Each waits for all others, so that a worker that holds two waits for itself."""

    def work_for(count: int) -> Callable[[int], None]:
        def work(number: int) -> None:
            (tmp_path / str(number)).touch()
            wait_until(lambda: len(os.listdir(tmp_path)) == count)

        return work

    return work_for


def test_no_more_workers_are_forked_than_there_are_tasks(meet: Meet) -> None:
    before = child_processes()
    with Pool(meet(3), options=PoolOptions(workers=8)) as pool:
        assert len({result.worker for result in pool.imap_unordered(range(3))}) == 3
        assert len(child_processes() - before) <= 3


def test_idle_worker_gets_the_next_task_before_another_is_forked(
    tmp_path: Path, wait_until: WaitUntil, is_asleep: Callable[[int], bool]
) -> None:
    def items() -> Iterator[Path]:
        for number in range(5):
            path = tmp_path / str(number)
            yield path
            wait_until(path.exists)
            wait_until(lambda: is_asleep(int(path.read_text())))  # noqa: B023  Called at once.

    with Pool(write_pid, options=PoolOptions(workers=4)) as pool:
        assert len({result.worker for result in pool.imap_unordered(items())}) == 1


def test_tasks_start_before_the_source_yields_the_next_item(tmp_path: Path, wait_until: WaitUntil) -> None:
    def items() -> Iterator[Path]:
        for number in range(4):
            path = tmp_path / str(number)
            yield path
            wait_until(path.exists)

    with Pool(Path.touch, options=PoolOptions(workers=2)) as pool:
        assert len(list(pool.imap_unordered(items()))) == 4


@pytest.mark.parametrize(("batches", "each"), [(True, MAX_TASKS), (False, MIN_TASKS)])
def test_source_is_read_a_bounded_number_of_items_ahead(batches: bool, each: int) -> None:
    pulled, most_ahead, finished = 0, 0, 0

    def items() -> Iterator[int]:
        nonlocal pulled, most_ahead
        for number in range(20 * each):
            pulled += 1
            most_ahead = max(most_ahead, pulled - finished)
            yield number

    with Pool(double, options=PoolOptions(workers=3, batches=batches)) as pool:
        for _ in pool.imap_unordered(items()):
            finished += 1
    # Those that each worker holds, and those that it has finished but that are still to be taken.
    assert most_ahead <= 3 * each + 3 * each
    assert finished == 20 * each


def test_results_do_not_pile_up_while_workers_are_being_started(wait_until: WaitUntil) -> None:
    """The source takes so long that the first worker is idle each time, and no further one is ever needed."""
    pulled, most_ahead, finished = 0, 0, 0
    done = mmap.mmap(-1, mmap.PAGESIZE)

    def work(_: int) -> None:
        done[0] += 1

    def items() -> Iterator[int]:
        nonlocal pulled, most_ahead
        for number in range(100):
            wait_until(lambda: done[0] == number)  # noqa: B023  Called at once.
            if number:
                # Nothing comes if the pool has read the result before it asked for this item.
                select.select([pool], [], [], 0.05)
            pulled += 1
            most_ahead = max(most_ahead, pulled - finished)
            yield number

    with Pool(work, options=PoolOptions(workers=10)) as pool:
        for _ in pool.imap_unordered(items()):
            finished += 1
    assert finished == 100
    assert most_ahead <= 10


def test_task_is_prefetched_only_when_every_worker_has_one(meet: Meet) -> None:
    with Pool(meet(4), options=PoolOptions(workers=4)) as pool:
        results = list(pool.imap_unordered(range(4)))
    assert all(isinstance(result, Completed) for result in results)
    assert len({result.worker for result in results}) == 4


@pytest.mark.slow
@pytest.mark.parametrize("max_tasks", [1, 2, 3])
def test_worker_is_replaced_after_max_tasks_and_does_not_count_as_lost(max_tasks: int) -> None:
    with Pool(double, options=PoolOptions(workers=2, max_tasks=max_tasks)) as pool:
        results = list(pool.imap_unordered(range(12)))
    workers = [result.worker for result in results]
    assert max(workers.count(worker) for worker in workers) == max_tasks
    assert len(results) == 12
    assert pool.workers_lost == 0
