"""Several short tasks are handed out together: each keeps its own result, blame, deadline and retries."""

import mmap
import signal
import time
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any

import pytest

from forkresize.pool import Completed, LossReason, Pool, PoolOptions, Raised, TaskResult, WorkerLost, backlog
from forkresize.pool.backlog import MAX_TASKS, Backlog
from forkresize.pool.handle import WorkerHandle
from forkresize.pool.workers import WorkerSet

pytestmark = pytest.mark.timeout(120)

WaitUntil = Callable[[Callable[[], object]], None]

FIRST = 1
"""Number of the batch's first task. The task before it ends at once, so that tasks count as short."""

POSITIONS = range(MAX_TASKS)


class Batch:
    """Work whose tasks 1 to 32 are all in the hands of one worker when it begins the first of them.

    Attributes:
        at: the number of the task with the fault.
    """

    def __init__(self, at: int, fault: Callable[[], object], wait_until: WaitUntil) -> None:
        self.at = at
        self._fault = fault
        self._wait_until = wait_until
        self._memory = mmap.mmap(-1, mmap.PAGESIZE)

    def items(self) -> Iterator[int]:
        """Yield the numbers of the tasks, and count them for the worker."""
        for number in range(FIRST + 2 * MAX_TASKS):
            self._memory[0] = number
            yield number

    def __call__(self, number: int) -> object:
        self._memory[FIRST + number] += 1
        if number == FIRST:
            self._wait_until(lambda: self._memory[0] >= FIRST + MAX_TASKS - 1)
        return self._fault() if number == self.at else number * 2

    def starts(self, number: int) -> int:
        """Return how often a task was started."""
        return self._memory[FIRST + number]

    def run(self, **options: Any) -> TaskResult[Any, Any]:
        """Run all tasks; return the result of the one with the fault, after a check of all others."""
        with Pool(self, options=PoolOptions(workers=1, batches=True, **options)) as pool:
            results = list(pool.imap_unordered(self.items()))
        by_number = {result.item: result for result in results}
        assert sorted(result.item for result in results) == list(range(FIRST + 2 * MAX_TASKS))
        victim = by_number.pop(self.at)
        for number, result in by_number.items():
            assert isinstance(result, Completed)
            assert (result.result, result.attempts, self.starts(number)) == (number * 2, 1, 1)
        return victim


@pytest.fixture(autouse=True)
def all_tasks_are_short(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have workers hold the most tasks, however slow this machine is."""
    monkeypatch.setattr(backlog, "_SECONDS", 1e9)
    monkeypatch.setattr(Backlog, "pause", 0.001)


@pytest.mark.slow
@pytest.mark.parametrize("position", POSITIONS)
def test_worker_killed_at_any_position_of_a_batch_costs_that_task_alone(
    position: int, faults: ModuleType, wait_until: WaitUntil
) -> None:
    batch = Batch(FIRST + position, faults.kill_itself, wait_until)
    victim = batch.run(retries=0)
    assert isinstance(victim, WorkerLost)
    assert (victim.reason, victim.signal, victim.attempts) == (LossReason.CRASHED, signal.SIGKILL.name, 1)
    assert batch.starts(batch.at) == 1


@pytest.mark.parametrize("position", [0, 15, MAX_TASKS - 1])
def test_crash_in_a_batch_is_retried(position: int, faults: ModuleType, wait_until: WaitUntil) -> None:
    batch = Batch(FIRST + position, faults.Times(1, faults.segfault), wait_until)
    victim = batch.run(retries=1)
    assert isinstance(victim, Completed)
    assert (victim.result, victim.attempts, batch.starts(batch.at)) == ("spared", 2, 2)


@pytest.mark.parametrize("position", [0, 15, MAX_TASKS - 1])
def test_poison_in_a_batch_is_blamed_after_its_retry(position: int, faults: ModuleType, wait_until: WaitUntil) -> None:
    batch = Batch(FIRST + position, faults.exit_hard, wait_until)
    victim = batch.run(retries=1)
    assert isinstance(victim, WorkerLost)
    assert (victim.reason, victim.exit_code, victim.attempts) == (LossReason.CRASHED, 3, 2)
    assert batch.starts(batch.at) == 2


@pytest.mark.parametrize("position", [0, 15, MAX_TASKS - 1])
def test_task_that_hangs_in_a_batch_times_out_alone(position: int, faults: ModuleType, wait_until: WaitUntil) -> None:
    batch = Batch(FIRST + position, faults.hang, wait_until)
    victim = batch.run(timeout=5.0, retries=2)
    assert isinstance(victim, WorkerLost)
    assert (victim.reason, victim.attempts, batch.starts(batch.at)) == (LossReason.TIMED_OUT, 1, 1)
    assert 5.0 <= victim.seconds < 30


def test_batch_may_take_longer_than_each_of_its_tasks(wait_until: WaitUntil) -> None:
    began = mmap.mmap(-1, mmap.PAGESIZE)

    def work(number: int) -> None:
        if number == FIRST:
            wait_until(lambda: began[0] >= FIRST + MAX_TASKS - 1)
        time.sleep(0.1 if number >= FIRST else 0)

    def items() -> Iterator[int]:
        for number in range(FIRST + MAX_TASKS):
            began[0] = number
            yield number

    with Pool(work, options=PoolOptions(workers=1, timeout=2.0, batches=True)) as pool:
        results = list(pool.imap_unordered(items()))
    assert {type(result) for result in results} == {Completed}
    assert sum(result.seconds for result in results) > 2.0


@pytest.mark.parametrize("position", [0, 15, MAX_TASKS - 1])
def test_result_in_a_batch_that_cannot_be_serialized_is_one_error(
    position: int, faults: ModuleType, wait_until: WaitUntil
) -> None:
    victim = Batch(FIRST + position, faults.return_unpicklable, wait_until).run()
    assert isinstance(victim, Raised)
    assert (victim.error, victim.attempts) == ("MemoryError", 1)


@pytest.mark.parametrize("position", [0, 15, MAX_TASKS - 1])
def test_garbage_among_the_results_of_a_batch_costs_its_task_alone(
    position: int, faults: ModuleType, wait_until: WaitUntil
) -> None:
    def write_garbage() -> None:
        faults.send_to_the_pool(b"\xff" * 1000)
        faults.hang()

    victim = Batch(FIRST + position, write_garbage, wait_until).run(retries=2)
    assert isinstance(victim, WorkerLost)
    assert (victim.reason, victim.attempts) == (LossReason.PROTOCOL_VIOLATION, 1)


def test_stop_in_a_batch_leaves_the_tasks_behind_undone(wait_until: WaitUntil) -> None:
    stopped = mmap.mmap(-1, mmap.PAGESIZE)
    batch = Batch(FIRST + 5, lambda: wait_until(lambda: stopped[0]), wait_until)
    with Pool(batch, options=PoolOptions(workers=1, batches=True)) as pool:
        done = []
        for result in pool.imap_unordered(batch.items()):
            done.append(result.item)
            if result.item == FIRST + 4:
                pool.stop()
                stopped[0] = 1
    assert done == list(range(FIRST + 6))
    assert not any(batch.starts(number) for number in range(FIRST + 6, FIRST + 2 * MAX_TASKS))


def test_tasks_are_sent_together_only_if_the_pool_is_asked_to(monkeypatch: pytest.MonkeyPatch) -> None:
    sends = {}
    flush = WorkerSet.flush
    for batches in (True, False):
        held: list[int] = []

        def count(self: WorkerSet[object], worker: WorkerHandle[object], held: list[int] = held) -> None:
            held.append(len(worker.tasks))
            flush(self, worker)

        monkeypatch.setattr(WorkerSet, "flush", count)
        with Pool(str, options=PoolOptions(workers=1, batches=batches)) as pool:
            results = list(pool.imap_unordered(range(10 * MAX_TASKS)))
        assert [result.item for result in results] == list(range(10 * MAX_TASKS))
        sends[batches] = len(held)
    assert sends[False] == 10 * MAX_TASKS
    assert sends[True] <= 5 * MAX_TASKS
