"""How a PoolProcess starts and ends: cancelled tasks, shutdown, termination."""

import os
import threading
import time
from collections.abc import Callable
from concurrent.futures import CancelledError
from pathlib import Path

import pytest

from forkresize.errors import BrokenPoolError
from forkresize.pool import PoolProcess
from tests.children import is_alive
from tests.pool.processes import ON_LINUX, Start, WaitUntil

pytestmark = ON_LINUX


def test_pending_future_can_be_cancelled_and_a_sent_one_cannot(start: Start, tmp_path: Path) -> None:
    pool = start(workers=1)
    mark = tmp_path / "go"
    running = pool.submit(("wait_for", str(mark)))
    waiting = [pool.submit(("double", number)) for number in range(20)]
    while not running.running():
        time.sleep(0.005)
    assert not running.cancel()
    assert waiting[-1].cancel()
    mark.touch()
    assert running.result() == "done"
    assert [future.result() for future in waiting[:-1]] == list(range(0, 38, 2))
    assert waiting[-1].cancelled()


@pytest.mark.parametrize("end", [PoolProcess.terminate, PoolProcess.shutdown])
def test_a_pool_that_never_started_leaves_no_file_open(start: Start, end: Callable[[PoolProcess[int]], None]) -> None:
    before = os.listdir("/proc/self/fd")
    end(start())
    assert os.listdir("/proc/self/fd") == before


def test_shutdown_waits_for_all_tasks_and_accepts_no_more(start: Start) -> None:
    pool = start()
    futures = [pool.submit(("sleep", 0.05)) for _ in range(10)]
    pool.shutdown()
    assert all(future.done() and future.exception() is None for future in futures)
    assert pool.supervisor_pid is None
    with pytest.raises(RuntimeError, match="shutdown"):
        pool.submit(("double", 1))
    pool.shutdown()


def test_shutdown_can_cancel_what_is_not_sent(start: Start, tmp_path: Path) -> None:
    pool = start(workers=1)
    mark = tmp_path / "go"
    futures = [pool.submit(("wait_for", str(mark))) for _ in range(20)]
    while not futures[0].running():
        time.sleep(0.005)
    pool.shutdown(wait=False, cancel_futures=True)
    mark.touch()
    pool.shutdown()
    assert futures[0].result() == "done"
    assert futures[-1].cancelled()
    assert all(future.done() for future in futures)


def test_shutdown_ends_if_all_tasks_were_cancelled_before_the_supervisor_was_ready(start: Start) -> None:
    pool = start()
    futures = [pool.submit(("sleep", 0)) for _ in range(3)]
    assert all(each.cancel() for each in futures)
    ending = threading.Thread(target=pool.shutdown, daemon=True)
    ending.start()
    ending.join(30)
    assert not ending.is_alive()


def test_tasks_not_started_before_stop_after_are_cancelled(start: Start) -> None:
    pool = start(workers=1, stop_after=0.5)
    futures = [pool.submit(("sleep", 0.8)) for _ in range(6)]
    assert futures[0].exception() is None
    for future in futures[1:]:
        with pytest.raises(CancelledError):
            future.result()


def test_termination_ends_all_processes_at_once(start: Start, tmp_path: Path, wait_until: WaitUntil) -> None:
    pool = start(workers=1)
    running, waiting = [pool.submit(("wait_for", str(tmp_path / name))) for name in ("a", "b")]
    started = tmp_path / "a.started"
    wait_until(lambda: started.exists() and started.read_text())
    supervisor, worker = pool.supervisor_pid, int(started.read_text())
    assert supervisor is not None
    began = time.monotonic()
    pool.terminate()
    assert time.monotonic() - began < 20
    for future in (running, waiting):
        assert isinstance(future.exception(), BrokenPoolError)
    wait_until(lambda: not is_alive(supervisor) and not is_alive(worker))
    pool.terminate()
    with pytest.raises(BrokenPoolError):
        pool.submit(("double", 1))


def test_supervisor_can_be_started_before_the_first_task(start: Start, wait_until: WaitUntil) -> None:
    pool = start()
    pool.start()
    wait_until(lambda: pool.stats.workers == 2)
    supervisor = pool.supervisor_pid
    pool.start()
    assert pool.submit(("double", 4)).result() == 8
    assert pool.supervisor_pid == supervisor
    pool.shutdown()
    pool.start()
    assert pool.supervisor_pid is None


def test_termination_before_the_first_task_starts_nothing(start: Start) -> None:
    pool = start()
    pool.terminate()
    assert pool.supervisor_pid is None
