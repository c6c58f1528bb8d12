"""PoolProcess: its tasks and their results, use from threads and event loops."""

import asyncio
import concurrent.futures
import os
import pickle
import threading
from operator import methodcaller
from pathlib import Path
from typing import Any

import pytest

from forkresize.pool import (
    Completed,
    LossReason,
    PoolOptions,
    PoolProcess,
    Raised,
    Serializer,
    TaskError,
    WorkerLost,
    WorkerLostError,
)
from tests.pool.processes import ON_LINUX, Start

pytestmark = ON_LINUX


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
