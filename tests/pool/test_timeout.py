import os
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from forkresize.pool import Activity, Completed, LossReason, Pool, PoolOptions, TaskResult, WorkerLost
from forkresize.pool.handle import WorkerHandle

Run = Callable[..., list[TaskResult[Any, Any]]]
WaitUntil = Callable[[Callable[[], object]], None]

pytestmark = pytest.mark.timeout(60)


@pytest.mark.parametrize("fault", ["hang", "hang_in_c", "stop_itself"])
def test_a_job_that_hangs_is_killed_at_its_deadline_and_the_rest_is_done(
    run: Run, faults: ModuleType, fault: str
) -> None:
    answers = run(faults.At(3, getattr(faults, fault)), range(20), timeout=1, retries=3)
    victim = answers[3]
    assert isinstance(victim, WorkerLost)
    assert (victim.reason, victim.signal, victim.exit_code) == (LossReason.TIMED_OUT, "SIGKILL", None)
    assert victim.attempts == 1
    assert 1 <= victim.seconds < 2
    assert [answer.item for answer in answers if isinstance(answer, Completed)] == [n for n in range(20) if n != 3]


def test_a_worker_that_claims_to_have_just_begun_is_ended_all_the_same(run: Run, faults: ModuleType) -> None:
    answers = run(faults.At(3, faults.claim_to_have_just_begun), range(9), timeout=1)
    victim = answers[3]
    assert isinstance(victim, WorkerLost)
    assert victim.reason is LossReason.TIMED_OUT
    assert 1 <= victim.seconds < 5
    assert [answer.item for answer in answers if isinstance(answer, Completed)] == [n for n in range(9) if n != 3]


def test_each_of_several_hanging_jobs_has_its_own_deadline(run: Run, faults: ModuleType) -> None:
    answers = run(faults.call, [faults.hang] * 4, timeout=1)
    assert [answer.reason for answer in answers if isinstance(answer, WorkerLost)] == [LossReason.TIMED_OUT] * 4
    assert all(1 <= answer.seconds < 2 for answer in answers)


def test_many_jobs_that_together_take_longer_than_the_timeout_are_all_done(run: Run, faults: ModuleType) -> None:
    answers = run(faults.At(-1, faults.hang, pause=0.02), range(80), timeout=1)
    assert {type(answer) for answer in answers} == {Completed}


def test_an_answer_that_came_in_time_counts_even_if_it_is_read_late() -> None:
    """The answers are larger than one read's worth."""
    with Pool(bytes, options=PoolOptions(workers=1, timeout=1)) as pool:
        answers = []
        for answer in pool.imap_unordered([100_000] * 3):
            answers.append(answer)
            time.sleep(1.1)
    assert [len(answer.result) for answer in answers if isinstance(answer, Completed)] == [100_000] * 3
    assert pool.workers_lost == 0


def test_a_job_that_was_begun_while_its_worker_was_killed_for_another_is_not_to_blame(
    faults: ModuleType, tmp_path: Path, wait_until: WaitUntil, monkeypatch: pytest.MonkeyPatch
) -> None:
    def work(number: int) -> int:
        if number == 0:
            wait_until((tmp_path / "go").exists)
        (tmp_path / str(number)).touch()
        return number

    kill = WorkerHandle.kill

    def kill_late(self: WorkerHandle[int]) -> None:
        (tmp_path / "go").touch()
        wait_until((tmp_path / "1").exists)
        kill(self)

    monkeypatch.setattr(WorkerHandle, "kill", kill_late)
    with Pool(work, options=PoolOptions(workers=1, timeout=0.5)) as pool:
        answers = list(pool.imap_unordered(range(3)))
    assert [(answer.item, type(answer)) for answer in answers] == [(0, Completed), (1, Completed), (2, Completed)]


def test_a_worker_stopped_while_idle_is_replaced_and_its_next_job_done_unblamed(faults: ModuleType) -> None:
    def items() -> Iterator[int]:
        yield 0
        while not answers:
            yield -1
        os.kill(answers[0].worker, signal.SIGSTOP)
        yield from range(1, 5)

    answers: list[TaskResult[int, int]] = []
    with Pool(faults.double, options=PoolOptions(workers=1, timeout=1)) as pool:
        answers.extend(pool.imap_unordered(items()))
    assert {type(answer) for answer in answers} == {Completed}
    assert sorted(answer.item for answer in answers if answer.item > 0) == [1, 2, 3, 4]
    assert pool.workers_lost == 1


def test_time_in_which_all_were_stopped_does_not_count(faults: ModuleType) -> None:
    """As if by Ctrl-Z and fg, of which only the second half can be done from within."""
    continued: list[float] = []

    def go_on(activities: Sequence[Activity[object]]) -> None:
        if activities and not continued and activities[0].seconds > 0.4:
            continued.append(activities[0].seconds)
            os.kill(os.getpid(), signal.SIGCONT)

    options = PoolOptions(workers=1, timeout=1, tick=0.01)
    with Pool(faults.call, options=options, on_tick=go_on) as pool:
        (answer,) = pool.imap_unordered([faults.hang])
    assert isinstance(answer, WorkerLost)
    assert answer.seconds >= continued[0] + 1
