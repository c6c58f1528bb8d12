"""PoolProcess: faults of workers, of the supervisor, and of its parent."""

import contextlib
import os
import pickle
import signal
import subprocess
import sys
import textwrap
import time
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import pytest

from forkresize.errors import BrokenPoolError
from forkresize.pool import (
    LossReason,
    PoolOptions,
    PoolProcess,
    Serializer,
    SupervisorLostError,
    WorkerLost,
    WorkerLostError,
)
from tests.children import is_alive
from tests.pool.processes import ON_LINUX, Start, WaitUntil, kill_supervisor

pytestmark = ON_LINUX


needs_proc = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="measures by /proc")


@pytest.mark.parametrize(
    ("task", "how"),
    [
        (("exit", 3), "exited with code 3"),
        (("segfault",), "killed by SIGSEGV"),
        pytest.param(("keep_memory",), "its share is 10", marks=needs_proc),
    ],
)
def test_task_that_kills_its_worker_fails_after_its_retry_and_no_other_does(start: Start, task: Any, how: str) -> None:
    pool = start(retries=1, memory=200_000_000)
    futures = [pool.submit(("double", number)) for number in range(10)]
    victim = pool.submit(task)
    futures += [pool.submit(("double", number)) for number in range(10, 20)]
    assert [future.result() for future in futures] == [number * 2 for number in range(20)]
    error = victim.exception()
    assert isinstance(error, WorkerLostError)
    assert how in str(error)
    assert error.result.attempts == 2


def test_killed_supervisor_is_restarted_and_no_task_is_lost_or_done_twice_for_the_caller(start: Start) -> None:
    pool = start()
    done: list[Future[Any]] = []
    futures = [pool.submit(("double", number)) for number in range(100)]
    for future in futures:
        future.add_done_callback(done.append)
    futures[10].result()
    kill_supervisor(pool)
    assert [future.result() for future in futures] == [number * 2 for number in range(100)]
    pool.shutdown()
    assert len(done) == 100


def test_workers_end_with_a_killed_supervisor(start: Start, tmp_path: Path, wait_until: WaitUntil) -> None:
    pool = start(workers=1)
    mark = tmp_path / "go"
    future = pool.submit(("wait_for", str(mark)))
    started = tmp_path / "go.started"
    wait_until(lambda: started.exists() and started.read_text())
    worker = int(started.read_text())
    kill_supervisor(pool)
    wait_until(lambda: not is_alive(worker))
    mark.touch()
    assert future.result() == "done"


def test_every_task_has_one_result_while_workers_and_supervisors_are_killed(
    start: Start, wait_until: WaitUntil
) -> None:
    pool = start(retries=2)
    workers: list[int] = []
    supervisors: set[int | None] = set()
    done: list[Future[Any]] = []

    def note(future: Future[Any]) -> None:
        done.append(future)
        if future.exception() is None:
            worker, supervisor, _ = future.result()
            workers.append(worker)
            supervisors.add(supervisor)

    futures = []
    for number in range(400):
        futures.append(pool.submit(("pid",)))
        futures[-1].add_done_callback(note)
        time.sleep(0.002)
        if number % 25 == 0 and workers:
            with contextlib.suppress(ProcessLookupError):
                os.kill(workers[-1], signal.SIGKILL)
        if number in {100, 200, 300}:
            # One that dies at its start is an error of the pool.
            wait_until(lambda: pool.supervisor_pid in supervisors)
            kill_supervisor(pool)
    pool.shutdown()
    assert sorted(map(id, done)) == sorted(map(id, futures))
    assert {type(future.exception()) for future in futures} <= {type(None), WorkerLostError, SupervisorLostError}
    assert sum(future.exception() is None for future in futures) > 390


def test_worker_that_sends_garbage_costs_its_task_alone(start: Start) -> None:
    pool = start(retries=2)
    futures = [pool.submit(("double", number)) for number in range(10)]
    error = pool.submit(("garbage",)).exception()
    assert isinstance(error, WorkerLostError)
    assert getattr(error.result, "reason", None) is LossReason.PROTOCOL_VIOLATION
    assert [future.result() for future in futures] == list(range(0, 20, 2))


def test_task_is_tried_once_more_after_the_supervisor_died(start: Start, tmp_path: Path) -> None:
    assert start().submit(("kill_supervisor", str(tmp_path / "once"))).result() == "spared"


def test_task_that_kills_the_supervisor_twice_fails_by_name_and_later_ones_run(start: Start) -> None:
    pool = start()
    error = pool.submit(("kill_supervisor",)).exception()
    assert isinstance(error, SupervisorLostError)
    assert isinstance(error, BrokenPoolError)
    assert error.task == ("kill_supervisor",)
    assert "kill_supervisor" in str(error)
    assert pool.submit(("double", 2)).result() == 4


def test_supervisor_killed_while_idle_is_restarted_for_the_next_task(start: Start, wait_until: WaitUntil) -> None:
    pool = start()
    pool.submit(("double", 1)).result()
    kill_supervisor(pool)
    wait_until(lambda: pool.supervisor_pid is None)
    assert pool.submit(("double", 2)).result() == 4


def test_work_that_cannot_be_imported_breaks_the_pool(start: Start) -> None:
    pool = start("missing")
    error = pool.submit(1).exception()
    assert isinstance(error, BrokenPoolError)
    assert "missing" in str(error)
    with pytest.raises(BrokenPoolError, match="missing"):
        pool.submit(2)


def test_failing_initializer_breaks_the_pool(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(Path(__file__).parent)
    with PoolProcess[Any]("process_work:run", initializer="operator:itemgetter") as pool:
        error = pool.submit(("double", 1)).exception()
    assert isinstance(error, BrokenPoolError)
    assert "initializer raised TypeError" in str(error)


def test_supervisor_that_dies_at_its_start_breaks_the_pool(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(Path(__file__).parent)
    with PoolProcess[Any]("process_work:run", preload="os:abort") as pool:
        error = pool.submit(("double", 1)).exception()
    assert isinstance(error, BrokenPoolError)
    assert "died at its start, with exit code -6" in str(error)


def test_interpreter_that_cannot_be_started_breaks_the_pool(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/nonexistent")
    with PoolProcess[Any](str) as pool:
        assert "cannot be started" in str(pool.submit(1).exception())


def test_supervisor_and_workers_end_when_their_parent_is_killed(tmp_path: Path, wait_until: WaitUntil) -> None:
    script = f"""
        import sys, time
        sys.path.insert(0, {str(Path(__file__).parent)!r})
        from forkresize.pool import PoolOptions, PoolProcess
        with PoolProcess("process_work:run", options=PoolOptions(workers=1)) as pool:
            pool.submit(("wait_for", {str(tmp_path / "go")!r}))
            while not pool.supervisor_pid:
                time.sleep(0.01)
            print(pool.supervisor_pid, flush=True)
            time.sleep(60)
    """
    started = tmp_path / "go.started"
    with subprocess.Popen([sys.executable, "-c", textwrap.dedent(script)], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        supervisor = int(parent.stdout.readline())
        wait_until(lambda: started.exists() and started.read_text())
        parent.kill()
    for pid in (supervisor, int(started.read_text())):
        wait_until(lambda pid=pid: not is_alive(pid))  # type: ignore[misc]


def test_a_worker_whose_result_is_refused_is_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(Path(__file__).parent)
    refusing = Serializer(pickle.dumps, refuse, validates=True)
    with PoolProcess[Any]("process_work:run", options=PoolOptions(workers=1, serializer=refusing)) as pool:
        result = pool.submit_task(("double", 1)).result()
        assert isinstance(result, WorkerLost)
        assert result.reason is LossReason.PROTOCOL_VIOLATION


def refuse(_: object) -> None:
    raise ValueError("no")
