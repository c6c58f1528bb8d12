import os
import select
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from forkresize.pool import Completed, LossReason, NothingYet, Pool, PoolOptions, TaskResult, WorkerLost
from forkresize.pool.workers import WorkerSet

Run = Callable[..., list[TaskResult[Any, Any]]]

pytestmark = pytest.mark.timeout(60)


@pytest.mark.parametrize("times", [1, 2])
def test_task_completes_if_it_crashes_no_more_often_than_retries_allow(
    run: Run, faults: ModuleType, times: int
) -> None:
    results = run(faults.At(3, faults.Times(times, faults.kill_itself)), range(8), retries=2)
    assert [result.item for result in results if isinstance(result, Completed)] == list(range(8))
    assert [result.attempts for result in results] == [1, 1, 1, 1 + times, 1, 1, 1, 1]


@pytest.mark.parametrize("retries", [0, 1, 4])
def test_poison_task_costs_one_worker_per_attempt(run: Run, faults: ModuleType, retries: int) -> None:
    with Pool(faults.At(0, faults.exit_hard), options=PoolOptions(workers=2, retries=retries)) as pool:
        results = list(pool.imap_unordered(range(5)))
    (victim,) = [result for result in results if isinstance(result, WorkerLost)]
    assert (victim.item, victim.reason, victim.exit_code) == (0, LossReason.CRASHED, 3)
    assert victim.attempts == pool.workers_lost == retries + 1


def _mark_then_crash_if_victim(faults: ModuleType, folder: Path) -> Callable[[int], object]:
    def work(number: int) -> None:
        others = [path.name for path in folder.iterdir() if path.name.startswith("running")]
        mark = folder / f"running-{number}"
        mark.touch()
        (folder / "log").open("a").write(f"{number}:{len(others)}\n")
        if number % 4 == 0:
            mark.unlink()
            faults.kill_itself()
        time.sleep(0.002)
        mark.unlink()

    return work


def test_crashed_tasks_are_retried_alone_after_all_others(faults: ModuleType, tmp_path: Path) -> None:
    work = _mark_then_crash_if_victim(faults, tmp_path)
    with Pool(work, options=PoolOptions(workers=3, retries=1)) as pool:
        results = list(pool.imap_unordered(range(12)))
    assert [result.item % 4 for result in results[-3:]] == [0, 0, 0]
    retried = [line.split(":") for line in (tmp_path / "log").read_text().splitlines()[-3:]]
    assert sorted(int(number) for number, _ in retried) == [0, 4, 8]
    assert [others for _, others in retried] == ["0", "0", "0"]


@pytest.mark.slow
def test_a_task_is_retried_alone_if_the_source_yields_another_in_the_meantime(
    faults: ModuleType, tmp_path: Path
) -> None:
    reader, writer = os.pipe()

    def work(name: str) -> bool:
        (tmp_path / name).touch()
        if name == "other":
            return True
        if not (tmp_path / "crashed").exists():
            (tmp_path / "crashed").touch()
            faults.kill_itself()
        os.write(writer, b"x")  # The source goes on, and the other worker has nothing else to do.
        deadline = time.monotonic() + 1
        while time.monotonic() < deadline and not (tmp_path / "other").exists():
            time.sleep(0.01)
        return not (tmp_path / "other").exists()

    def source() -> Iterator[str | NothingYet]:
        yield "victim"
        while not select.select([reader], [], [], 0)[0]:
            yield NothingYet(reader)
        yield "other"

    with Pool(work, options=PoolOptions(workers=2, retries=1)) as pool:
        results = list(pool.imap_unordered(source()))
    os.close(reader)
    os.close(writer)
    assert [(each.item, each.attempts, each.result) for each in results if isinstance(each, Completed)] == [
        ("victim", 2, True),
        ("other", 1, True),
    ]


def test_tasks_prefetched_by_a_dead_worker_come_next_and_are_not_blamed(faults: ModuleType) -> None:
    with Pool(faults.At(0, faults.kill_itself), options=PoolOptions(workers=1, retries=0)) as pool:
        results = list(pool.imap_unordered(range(4)))
    assert [result.item for result in results] == [0, 1, 2, 3]
    assert [result.attempts for result in results] == [1, 1, 1, 1]


def test_task_that_waits_for_its_retry_gets_its_result_when_the_pool_is_stopped(faults: ModuleType) -> None:
    with Pool(faults.At(0, faults.kill_itself, pause=0.001), options=PoolOptions(workers=2, retries=5)) as pool:
        results = []
        for result in pool.imap_unordered(range(1000)):
            results.append(result)
            if result.item > 50:
                pool.stop()
    (victim,) = [result for result in results if isinstance(result, WorkerLost)]
    assert (victim.item, victim.reason, victim.signal, victim.attempts) == (0, LossReason.CRASHED, "SIGKILL", 1)
    assert len(results) < 1000


def test_task_that_crashes_while_the_pool_stops_is_not_retried(
    faults: ModuleType, tmp_path: Path, wait_until: Callable[[Callable[[], object]], None]
) -> None:
    started, stopped = tmp_path / "started", tmp_path / "stopped"

    def crash_when_stopped() -> None:
        started.touch()
        wait_until(stopped.exists)
        faults.exit_hard()

    def items() -> Iterator[int]:
        yield 0
        wait_until(started.exists)
        pool.stop()
        stopped.touch()
        yield 1

    with Pool(faults.At(0, crash_when_stopped), options=PoolOptions(workers=2, retries=5)) as pool:
        (result,) = pool.imap_unordered(items())
    assert isinstance(result, WorkerLost)
    assert (result.item, result.reason, result.exit_code, result.attempts) == (0, LossReason.CRASHED, 3, 1)


def test_retry_not_started_by_a_stopping_pool_has_its_last_loss_as_result(
    faults: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The pool is stopped when the retry is on its way to a worker."""
    flush_all = WorkerSet.flush_all

    def stop_and_flush(self: WorkerSet[object]) -> None:
        if any(task.last_loss for worker in self for task in worker.tasks.values()):
            pool.stop()
        flush_all(self)

    monkeypatch.setattr(WorkerSet, "flush_all", stop_and_flush)
    with Pool(faults.At(0, faults.kill_itself), options=PoolOptions(workers=1, retries=1)) as pool:
        results = list(pool.imap_unordered(range(3)))
    assert [(result.item, type(result)) for result in results] == [(1, Completed), (2, Completed), (0, WorkerLost)]
    assert results[2].attempts == 1
