import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from forkresize.pool import Completed, LossReason, Pool, PoolOptions, TaskResult, WorkerLost
from forkresize.pool.workers import WorkerSet

Run = Callable[..., list[TaskResult[Any, Any]]]

pytestmark = pytest.mark.timeout(60)


@pytest.mark.parametrize("times", [1, 2])
def test_a_victim_is_done_in_the_end_if_its_crashes_are_no_more_than_its_retries(
    run: Run, faults: ModuleType, times: int
) -> None:
    answers = run(faults.At(3, faults.Times(times, faults.kill_itself)), range(8), retries=2)
    assert [answer.item for answer in answers if isinstance(answer, Completed)] == list(range(8))
    assert [answer.attempts for answer in answers] == [1, 1, 1, 1 + times, 1, 1, 1, 1]


@pytest.mark.parametrize("retries", [0, 1, 4])
def test_a_poison_job_costs_as_many_workers_as_it_has_attempts(run: Run, faults: ModuleType, retries: int) -> None:
    with Pool(faults.At(0, faults.exit_hard), options=PoolOptions(workers=2, retries=retries)) as pool:
        answers = list(pool.imap_unordered(range(5)))
    (victim,) = [answer for answer in answers if isinstance(answer, WorkerLost)]
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


def test_victims_are_tried_again_one_at_a_time_when_all_else_is_answered(faults: ModuleType, tmp_path: Path) -> None:
    work = _mark_then_crash_if_victim(faults, tmp_path)
    with Pool(work, options=PoolOptions(workers=3, retries=1)) as pool:
        answers = list(pool.imap_unordered(range(12)))
    assert [answer.item % 4 for answer in answers[-3:]] == [0, 0, 0]
    retried = [line.split(":") for line in (tmp_path / "log").read_text().splitlines()[-3:]]
    assert sorted(int(number) for number, _ in retried) == [0, 4, 8]
    assert [others for _, others in retried] == ["0", "0", "0"]


def test_jobs_that_waited_behind_a_victim_come_next_and_unblamed(faults: ModuleType) -> None:
    with Pool(faults.At(0, faults.kill_itself), options=PoolOptions(workers=1, retries=0)) as pool:
        answers = list(pool.imap_unordered(range(4)))
    assert [answer.item for answer in answers] == [0, 1, 2, 3]
    assert [answer.attempts for answer in answers] == [1, 1, 1, 1]


def test_a_victim_that_waits_for_its_retry_is_answered_when_the_pool_is_stopped(faults: ModuleType) -> None:
    with Pool(faults.At(0, faults.kill_itself, pause=0.001), options=PoolOptions(workers=2, retries=5)) as pool:
        answers = []
        for answer in pool.imap_unordered(range(1000)):
            answers.append(answer)
            if answer.item > 50:
                pool.stop()
    (victim,) = [answer for answer in answers if isinstance(answer, WorkerLost)]
    assert (victim.item, victim.reason, victim.signal, victim.attempts) == (0, LossReason.CRASHED, "SIGKILL", 1)
    assert len(answers) < 1000


def test_a_job_that_crashes_while_the_pool_stops_is_not_tried_again(
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
        (answer,) = pool.imap_unordered(items())
    assert isinstance(answer, WorkerLost)
    assert (answer.item, answer.reason, answer.exit_code, answer.attempts) == (0, LossReason.CRASHED, 3, 1)


def test_a_retry_that_the_stopping_pool_declines_is_answered_as_it_was_lost(
    faults: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The pool is stopped when the retry is on its way to a worker."""
    post = WorkerSet.post

    def post_when_stopped(self: WorkerSet[object]) -> None:
        if any(task.lost for member in self for task in member.tasks.values()):
            pool.stop()
        post(self)

    monkeypatch.setattr(WorkerSet, "post", post_when_stopped)
    with Pool(faults.At(0, faults.kill_itself), options=PoolOptions(workers=1, retries=1)) as pool:
        answers = list(pool.imap_unordered(range(3)))
    assert [(answer.item, type(answer)) for answer in answers] == [(1, Completed), (2, Completed), (0, WorkerLost)]
    assert answers[2].attempts == 1
