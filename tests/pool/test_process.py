"""PoolProcess: faults of workers and of the supervisor, use from threads and event loops, descriptors."""

import asyncio
import concurrent.futures
import contextlib
import os
import pickle
import resource
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError, Future
from io import FileIO
from operator import methodcaller
from pathlib import Path
from typing import Any

import pytest

from forkresize.errors import BrokenPoolError
from forkresize.pool import (
    Completed,
    LossReason,
    PoolOptions,
    PoolProcess,
    Raised,
    SandboxPolicy,
    Serializer,
    SupervisorLostError,
    TaskError,
    WithFiles,
    WorkerLost,
    WorkerLostError,
    sealed_memfd,
)
from forkresize.pool.sandbox import missing_layers
from tests.children import is_alive

WaitUntil = Callable[[Callable[[], object]], None]
Start = Callable[..., PoolProcess[Any]]

pytestmark = [
    pytest.mark.timeout(60),
    pytest.mark.slow,
    pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="needs Linux"),
]


needs_proc = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="measures by /proc")


@pytest.fixture
def start(monkeypatch: pytest.MonkeyPatch) -> Iterator[Start]:
    """Make a pool process whose work is ``process_work:run`` unless it is named.

    It is terminated in the end: after a failure, a task may never end.
    """
    monkeypatch.syspath_prepend(Path(__file__).parent)
    with contextlib.ExitStack() as stack:

        def make(work: str = "run", **options: Any) -> PoolProcess[Any]:
            settings = PoolOptions(**{"workers": 2, **options})
            pool: PoolProcess[Any] = PoolProcess(f"process_work:{work}", options=settings)
            stack.callback(pool.terminate)
            return pool

        yield make


def test_every_task_has_its_result(start: Start) -> None:
    pool = start()
    futures = [pool.submit(("double", number)) for number in range(200)]
    assert [future.result() for future in futures] == [number * 2 for number in range(200)]


def test_map_yields_results_in_order(start: Start) -> None:
    assert list(start().map(("double", number) for number in range(20))) == list(range(0, 40, 2))


def test_it_is_an_executor_and_starts_nothing_before_the_first_task(start: Start) -> None:
    pool = start()
    assert isinstance(pool, concurrent.futures.Executor)
    assert pool.supervisor_pid is None


def test_supervisor_is_a_fresh_interpreter_with_one_thread(start: Start) -> None:
    pool = start()
    worker, supervisor, _ = pool.submit(("pid",)).result()
    assert supervisor == pool.supervisor_pid != os.getpid()
    assert os.listdir(f"/proc/{supervisor}/task") == [str(supervisor)]
    assert os.listdir(f"/proc/{worker}/task") == [str(worker)]


def test_this_process_gets_one_thread(start: Start) -> None:
    before = threading.active_count()
    pool = start()
    futures = [pool.submit(("double", 1)) for _ in range(20)]
    concurrent.futures.wait(futures)
    assert threading.active_count() == before + 1
    pool.shutdown()
    assert threading.active_count() == before


def test_preload_runs_once_in_the_supervisor(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(Path(__file__).parent)
    with PoolProcess[Any]("process_work:run", preload="process_work:preload", initializer="os:getpid") as pool:
        _, supervisor, loaded = pool.submit(("pid",)).result()
    assert loaded == [supervisor]


def test_work_may_be_a_callable_that_can_be_pickled() -> None:
    with PoolProcess[str](os.path.basename, options=PoolOptions(workers=1)) as pool:
        assert pool.submit("a/b").result() == "b"


def test_exception_of_the_work_is_a_task_error(start: Start) -> None:
    error = start().submit(("fail", "no")).exception()
    assert isinstance(error, TaskError)
    assert str(error) == "ValueError: no"
    assert "in _fail" in getattr(error.result, "traceback", "")


def test_error_text_that_is_not_unicode_is_escaped(start: Start) -> None:
    pool = start()
    assert str(pool.submit(("fail", "a\udcff")).exception()) == r"ValueError: a\udcff"
    assert pool.submit(("double", 1)).result() == 2


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


@pytest.mark.parametrize("timeout", [None, 0.4])
def test_task_that_exceeds_its_own_or_the_default_timeout_fails(start: Start, timeout: float | None) -> None:
    pool = start(timeout=0.5 if timeout is None else 60)
    slow, quick = pool.submit(("sleep", 30), timeout=timeout), pool.submit(("double", 2))
    error = slow.exception()
    assert isinstance(error, WorkerLostError)
    assert getattr(error.result, "reason", None) is LossReason.TIMED_OUT
    assert quick.result() == 4


@pytest.mark.parametrize(("retries", "default", "attempts"), [(0, 2, 1), (2, 0, 3), (None, 1, 2)])
def test_task_has_its_own_or_the_default_number_of_retries(
    start: Start, retries: int | None, default: int, attempts: int
) -> None:
    pool = start(retries=default)
    lost, quick = pool.submit_task(("segfault",), retries=retries), pool.submit(("double", 2))
    assert lost.result().attempts == attempts
    assert quick.result() == 4


def test_own_timeout_may_exceed_the_default(start: Start) -> None:
    assert start(timeout=0.2).submit(("sleep", 0.6), timeout=30).result() is None


def test_large_tasks_and_results_cross(start: Start) -> None:
    results = [start().submit(("large", 8 << 20)) for _ in range(4)]
    assert {len(future.result()) for future in results} == {8 << 20}


def test_serializers_run_in_this_process_and_in_the_workers(start: Start) -> None:
    text = Serializer(str.encode, methodcaller("decode"))
    with PoolProcess[Any](str.upper, options=PoolOptions(workers=1, serializer=text, task_serializer=text)) as pool:
        assert pool.submit("text").result() == "TEXT"
        with pytest.raises(TypeError):
            pool.submit(7)
    refuses = Serializer(pickle.dumps, int)
    error = start(serializer=refuses).submit(("double", 1)).exception()
    assert isinstance(error, ValueError)


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


def kill_supervisor(pool: PoolProcess[Any]) -> None:
    pid = pool.supervisor_pid
    assert pid is not None
    os.kill(pid, signal.SIGKILL)


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


def test_many_threads_may_submit(start: Start) -> None:
    pool = start()
    results: list[int] = []

    def use(first: int) -> None:
        results.extend(pool.submit(("double", number)).result() for number in range(first, first + 20))

    threads = [threading.Thread(target=use, args=(first,)) for first in range(0, 100, 20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(results) == list(range(0, 200, 2))


def test_event_loops_can_wait_for_results(start: Start) -> None:
    pool = start()

    async def use() -> list[Any]:
        return await asyncio.gather(*(asyncio.wrap_future(pool.submit(("double", n))) for n in range(30)))

    assert asyncio.run(use()) == list(range(0, 60, 2))


def with_files(*contents: bytes) -> WithFiles[str]:
    return WithFiles("name", tuple(map(sealed_memfd, contents)))


def close(*files: FileIO) -> None:
    for file in files:
        file.close()


def test_files_cross_both_ways(start: Start) -> None:
    pool = start("copy_upper")
    contents = (b"one", b"", b"three" * 300_000)
    task = with_files(*contents)
    future = pool.submit(task)
    close(*task.files)
    result = future.result()
    assert result.value == "NAME"
    assert [file.read() for file in result.files] == [content.upper() for content in contents]
    close(*result.files)


def test_files_are_sent_again_with_a_retried_task(start: Start, tmp_path: Path) -> None:
    task = WithFiles(str(tmp_path / "once"), (sealed_memfd(b"pixels"),))
    future = start("die_with_files", retries=1).submit(task)
    close(*task.files)
    assert future.result() == b"pixels"


def test_no_task_gets_files_of_another_when_the_supervisor_runs_out_of_descriptors(start: Start) -> None:
    pool = start("copy_upper", workers=1)
    tasks = [with_files(b"first %d" % number, b"second %d" % number) for number in range(20)]
    close(*pool.submit(tasks[0]).result().files)
    supervisor = pool.supervisor_pid
    assert supervisor is not None
    used = set(map(int, os.listdir(f"/proc/{supervisor}/fd")))
    limit = min(set(range(len(used) + 1)) - used) + 1
    resource.prlimit(supervisor, resource.RLIMIT_NOFILE, (limit, limit))
    futures = [pool.submit(task) for task in tasks]
    for number, future in enumerate(futures):
        files = future.result().files
        assert [file.read() for file in files] == [b"FIRST %d" % number, b"SECOND %d" % number]
        close(*files)
    for task in tasks:
        close(*task.files)
    assert pool.supervisor_pid != supervisor


def test_result_files_that_cannot_be_sealed_are_an_error_of_the_task(start: Start) -> None:
    error = start("return_unsealed").submit(1).exception()
    assert isinstance(error, TaskError)
    assert "not a memfd that can be sealed" in str(error)


@pytest.mark.parametrize("sandbox", [None, SandboxPolicy(create_memfds=True)])
def test_no_process_leaks_descriptors(start: Start, sandbox: SandboxPolicy | None, wait_until: WaitUntil) -> None:
    pool = start("copy_upper", workers=1, sandbox=sandbox)

    def use(count: int) -> None:
        task = with_files(b"data" * 1000)
        for future in [pool.submit(task) for _ in range(count)]:
            close(*future.result().files)
        close(*task.files)

    use(1)
    supervisor = pool.supervisor_pid
    here, there = len(os.listdir("/dev/fd")), len(os.listdir(f"/proc/{supervisor}/fd"))
    use(40)
    assert len(os.listdir("/dev/fd")) == here
    # The first count may have a file that is closed once it was sent.
    wait_until(lambda: len(os.listdir(f"/proc/{supervisor}/fd")) <= there)


@pytest.mark.skipif("seccomp" in missing_layers(), reason="this kernel lacks seccomp")
def test_sandboxed_worker_creates_memfds_only_if_the_policy_says_so(start: Start) -> None:
    task = with_files(b"data")
    with pytest.raises(TaskError, match="Operation not permitted"):
        start("copy_upper", sandbox=SandboxPolicy()).submit(task).result()
    close(*start("copy_upper", sandbox=SandboxPolicy(create_memfds=True)).submit(task).result().files, *task.files)


def test_workers_inherit_no_files_of_other_tasks(start: Start) -> None:
    pool = start("count_memfds", workers=2, max_tasks=1)
    task = with_files(b"x")
    assert {future.result() for future in [pool.submit(task) for _ in range(12)]} == {1}
    close(*task.files)


def test_too_many_files_are_refused(start: Start) -> None:
    file = sealed_memfd(b"x")
    with pytest.raises(ValueError, match="65 files with one task, more than 64"):
        start().submit(WithFiles("x", (file,) * 65))
    file.close()


def test_worker_stdout_does_not_reach_the_terminal(start: Start, capfd: pytest.CaptureFixture[str]) -> None:
    start().submit(("print",)).result()
    assert capfd.readouterr().out == ""


def test_a_submitted_task_has_a_whole_result(start: Start) -> None:
    pool = start(retries=0)
    worker, _, _ = pool.submit(("pid",)).result()
    warned = pool.submit_task(("warn",)).result()
    assert isinstance(warned, Completed)
    assert (warned.result, warned.attempts, warned.stderr) == (8, 1, "careful\n")
    assert 0 <= warned.seconds < 60
    assert worker in {warned.worker, pool.submit(("pid",)).result()[0]}
    failed = pool.submit_task(("fail", "no")).result()
    assert isinstance(failed, Raised)
    assert failed.error == "ValueError: no"
    lost = pool.submit_task(("segfault",)).result()
    assert isinstance(lost, WorkerLost)
    assert (lost.reason, lost.signal) == (LossReason.CRASHED, "SIGSEGV")


def test_a_whole_result_has_the_files(start: Start) -> None:
    task = with_files(b"data")
    result = start("copy_upper").submit_task(task).result()
    assert isinstance(result, Completed)
    assert [file.read() for file in result.result.files] == [b"DATA"]
    close(*result.result.files, *task.files)


def test_stats_of_the_pool_arrive_with_the_results(start: Start) -> None:
    pool = start(retries=0, memory=200_000_000)
    assert pool.stats.workers == 0
    pool.submit(("double", 1)).result()
    assert (pool.stats.workers, pool.stats.workers_lost, pool.stats.memory) == (2, 0, 200_000_000)
    pool.submit(("sleep", 0.01)).result()
    assert pool.stats.busy_seconds >= 0.01
    assert isinstance(pool.submit(("segfault",)).exception(), WorkerLostError)
    assert pool.stats.workers_lost == 1


def test_processes_get_no_other_variables_than_those_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET", "word")
    monkeypatch.syspath_prepend(Path(__file__).parent)
    with PoolProcess[Any]("process_work:run", environment={"PATH": os.environ["PATH"]}) as pool:
        found = pool.submit(("environment",)).result()
        supervisor = Path(f"/proc/{pool.supervisor_pid}/environ").read_bytes()
    assert "SECRET" not in found
    assert supervisor == f"PATH={os.environ['PATH']}\0".encode()


def test_termination_ends_all_processes_at_once(start: Start, tmp_path: Path, wait_until: WaitUntil) -> None:
    pool = start(workers=1)
    running, waiting = [pool.submit(("wait_for", str(tmp_path / name))) for name in ("a", "b")]
    wait_until((tmp_path / "a.started").exists)
    supervisor, worker = pool.supervisor_pid, int((tmp_path / "a.started").read_text())
    assert supervisor is not None
    started = time.monotonic()
    pool.terminate()
    assert time.monotonic() - started < 4
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


def test_a_worker_whose_result_is_refused_is_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(Path(__file__).parent)
    refusing = Serializer(pickle.dumps, refuse, validates=True)
    with PoolProcess[Any]("process_work:run", options=PoolOptions(workers=1, serializer=refusing)) as pool:
        result = pool.submit_task(("double", 1)).result()
        assert isinstance(result, WorkerLost)
        assert result.reason is LossReason.PROTOCOL_VIOLATION


def refuse(_: object) -> None:
    raise ValueError("no")
