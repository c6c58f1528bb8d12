import errno
import os
import select
import signal
import time
from collections.abc import Callable, Container
from itertools import count
from types import ModuleType
from typing import Any, NoReturn

import pytest

from forkresize.errors import BrokenPoolError
from forkresize.pool import Completed, LossReason, Pool, PoolOptions, TaskResult, WorkerLost, child, workers
from forkresize.pool.child import ChildProcess

Run = Callable[..., list[TaskResult[Any, Any]]]

pytestmark = [pytest.mark.timeout(60), pytest.mark.slow]


@pytest.mark.parametrize("fault", ["kill_itself", "close_every_pipe", "hang"])
def test_deaths_are_noticed_without_pidfds(
    run: Run, faults: ModuleType, monkeypatch: pytest.MonkeyPatch, fault: str
) -> None:
    monkeypatch.delattr(os, "pidfd_open", raising=False)
    results = run(faults.At(2, getattr(faults, fault)), range(6), timeout=20 if fault != "hang" else 1.5, retries=0)
    assert [type(result) for result in results] == [Completed, Completed, WorkerLost, Completed, Completed, Completed]
    assert getattr(results[2], "signal", None) == "SIGKILL"


def test_worker_that_outlives_sigkill_counts_as_dead(faults: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    """As in uninterruptible disk sleep, which a test cannot cause: SIGKILL is not sent."""
    with Pool(faults.call, options=PoolOptions(workers=1, timeout=0.5)) as pool:
        monkeypatch.setattr(child, "_GRACE", 0.05)
        monkeypatch.setattr(ChildProcess, "kill", lambda _: None)
        (result,) = pool.imap_unordered([faults.hang])
    assert isinstance(result, WorkerLost)
    assert (result.reason, result.signal) == (LossReason.TIMED_OUT, "SIGKILL")
    os.kill(result.worker, signal.SIGKILL)
    assert os.waitpid(result.worker, 0)[1] == signal.SIGKILL


@pytest.mark.skipif(not os.path.exists("/proc/self/stat"), reason="needs /proc")
def test_a_process_that_has_no_time_to_end_is_waited_for_after_sigkill(
    faults: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on a machine with too much work: SIGKILL takes effect only at the third look."""
    real, waits = ChildProcess.kill, count(1)
    ends_within = ChildProcess._ends_within  # noqa: SLF001 -- how often it waits is what is tested.

    def end_at_the_third_look(self: ChildProcess, seconds: float) -> bool:
        is_third = next(waits) == 3
        if is_third:
            real(self)
        return ends_within(self, 20.0 if is_third else seconds)

    with Pool(faults.call, options=PoolOptions(workers=1, timeout=0.5)) as pool:
        monkeypatch.setattr(child, "_GRACE", 0.05)
        monkeypatch.setattr(ChildProcess, "kill", lambda _: None)
        monkeypatch.setattr(ChildProcess, "_ends_within", end_at_the_third_look)
        (result,) = pool.imap_unordered([faults.stay_busy])
    assert isinstance(result, WorkerLost)
    assert next(waits) > 3
    with pytest.raises(ChildProcessError):
        os.waitpid(result.worker, os.WNOHANG)


def refuse_processes(monkeypatch: pytest.MonkeyPatch, refused: Container[int]) -> None:
    """Make the starts with these numbers fail, counted from 0."""
    starts = count()
    real = os.fork

    def fork() -> int:
        if next(starts) in refused:
            raise BlockingIOError(errno.EAGAIN, "Resource temporarily unavailable")
        return real()

    monkeypatch.setattr(os, "fork", fork)


def test_pool_continues_with_fewer_workers_if_no_more_can_be_forked(
    run: Run, faults: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    refuse_processes(monkeypatch, range(2, 99))
    results = run(faults.At(-1, faults.fail, pause=0.01), range(20), workers=4)
    assert {type(result) for result in results} == {Completed}
    assert len({result.worker for result in results}) == 2


def test_pool_has_all_workers_once_they_can_be_forked_again(
    run: Run, faults: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workers, "_FORK_INTERVAL", 0.0)
    refuse_processes(monkeypatch, range(1, 5))
    results = run(faults.At(-1, faults.fail, pause=0.01), range(20), workers=2)
    assert len({result.worker for result in results}) == 2


def test_task_for_which_no_worker_could_be_forked_goes_to_another(
    run: Run, faults: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    refuse_processes(monkeypatch, [1])
    results = run(faults.double, range(4), workers=2, max_tasks=1)
    assert [result.result for result in results if isinstance(result, Completed)] == [0, 2, 4, 6]


def test_pool_is_broken_if_no_worker_can_be_forked(monkeypatch: pytest.MonkeyPatch) -> None:
    refuse_processes(monkeypatch, [0])
    with Pool(str) as pool, pytest.raises(BrokenPoolError, match=r"no worker can be started: .*temporarily"):
        list(pool.imap_unordered([1]))


def test_exit_code_that_another_part_of_the_program_took_counts_as_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    process = ChildProcess.fork(lambda: os._exit(3))
    assert os.waitstatus_to_exitcode(os.waitpid(process.pid, 0)[1]) == 3
    # Another process may have its number by now: it is not killed, and there is nothing to wait for.
    monkeypatch.setattr(os, "kill", lambda *_: pytest.fail("another process was killed"))
    monkeypatch.setattr(time, "sleep", lambda _: pytest.fail("waited for a process that had ended"))
    process.kill()
    assert process.reap() == -signal.SIGKILL
    process.close()


def test_exit_code_is_not_lost_to_a_signal_handler_that_kills_the_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """The handler runs between the look at what is known and the wait."""
    process = ChildProcess.fork(lambda: os._exit(3))
    assert select.select([process.sentinel], [], [], 20)[0]
    real = os.waitpid

    def interrupted(pid: int, options: int) -> tuple[int, int]:
        monkeypatch.setattr(os, "waitpid", real)
        process.kill()
        return real(pid, options)

    monkeypatch.setattr(os, "waitpid", interrupted)
    assert process.reap() == 3
    process.close()


def test_process_that_outlived_sigkill_is_waited_for_at_a_later_fork(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(child, "_GRACE", 0.01)
    process = ChildProcess.fork(pause)
    with monkeypatch.context() as patched:
        patched.setattr(ChildProcess, "kill", lambda _: None)
        assert process.reap() == -signal.SIGKILL
    ended = os.dup(process.sentinel)
    process.close()
    run_to_end()
    os.kill(process.pid, signal.SIGKILL)
    assert select.select([ended], [], [], 20)[0]
    os.close(ended)
    run_to_end()
    with pytest.raises(ChildProcessError):
        os.waitpid(process.pid, os.WNOHANG)


def pause() -> NoReturn:
    signal.pause()
    os._exit(1)


def run_to_end() -> None:
    process = ChildProcess.fork(lambda: os._exit(0))
    assert select.select([process.sentinel], [], [], 20)[0]
    assert process.reap() == 0
    process.close()


def test_process_that_raises_never_returns_into_its_parent() -> None:
    def fail() -> NoReturn:
        raise ValueError("in the child")

    process = ChildProcess.fork(fail)
    assert process.reap() == 1
    process.close()
