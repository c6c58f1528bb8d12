"""A pool process whose tasks and results are exchanged in an event loop."""

import asyncio
import contextlib
import os
import random
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from forkresize.errors import BrokenPoolError
from forkresize.pool import PoolOptions, PoolProcess
from tests.children import is_alive

Start = Callable[..., PoolProcess[Any]]

pytestmark = [
    pytest.mark.timeout(60),
    pytest.mark.slow,
    pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="needs Linux"),
]


@pytest.fixture
def loop() -> Iterator[asyncio.AbstractEventLoop]:
    """An event loop that runs in a thread."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    yield loop
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.close()


@pytest.fixture
def start(monkeypatch: pytest.MonkeyPatch) -> Iterator[Start]:
    """Make a pool process that is served in a loop, and terminated in the end: after a failure, a task may wait."""
    monkeypatch.syspath_prepend(Path(__file__).parent)
    with contextlib.ExitStack() as stack:

        def make(loop: asyncio.AbstractEventLoop, **options: Any) -> PoolProcess[Any]:
            settings = PoolOptions(**{"workers": 2, **options})
            pool: PoolProcess[Any] = PoolProcess("process_work:run", options=settings)
            pool.serve_in(loop)
            stack.callback(pool.terminate)
            return pool

        yield make


def kill_supervisor(pool: PoolProcess[Any]) -> None:
    if (pid := pool.supervisor_pid) is not None:
        os.kill(pid, signal.SIGKILL)


def test_tasks_need_no_thread_and_futures_are_done_in_the_loop(start: Start) -> None:
    before = threading.active_count()
    called_in: list[int] = []

    async def use() -> list[Any]:
        pool = start(asyncio.get_running_loop())
        futures = [pool.submit(("double", number)) for number in range(30)]
        for future in futures:
            future.add_done_callback(lambda _: called_in.append(threading.get_ident()))
        found = await asyncio.gather(*map(asyncio.wrap_future, futures))
        assert threading.active_count() == before
        pool.terminate()
        return found

    assert asyncio.run(use()) == list(range(0, 60, 2))
    assert called_in == [threading.get_ident()] * 30


def test_other_threads_may_submit_and_wait(loop: asyncio.AbstractEventLoop, start: Start) -> None:
    pool = start(loop)
    results: list[Any] = []

    def use(first: int) -> None:
        futures = [pool.submit(("double", first + number)) for number in range(25)]
        results.extend(future.result() for future in futures)

    threads = [threading.Thread(target=use, args=(first,)) for first in (0, 25, 50, 75)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(results) == list(range(0, 200, 2))
    pool.shutdown()
    with pytest.raises(RuntimeError, match="after shutdown"):
        pool.submit(("double", 1))


def test_after_the_end_of_its_loop_a_pool_refuses_tasks_and_those_that_wait_fail(start: Start) -> None:
    loop = asyncio.new_event_loop()
    pool = start(loop)
    # No turn of the loop comes in which it could be sent.
    waiting = pool.submit(("double", 1))
    loop.close()
    late = pool.submit(("double", 2))
    for future in (waiting, late):
        with pytest.raises(BrokenPoolError, match="its event loop is closed"):
            future.result(30)
    with pytest.raises(BrokenPoolError, match="its event loop is closed"):
        pool.submit(("double", 3))
    pool.terminate()


@pytest.mark.parametrize("end", [PoolProcess.terminate, partial(PoolProcess.shutdown, wait=False)])
def test_a_callback_may_end_the_pool_after_the_end_of_its_loop(start: Start, end: Callable[..., object]) -> None:
    loop = asyncio.new_event_loop()
    pool = start(loop)
    waiting = pool.submit(("double", 1))
    waiting.add_done_callback(lambda _: end(pool))
    loop.close()
    late = pool.submit(("double", 2))
    for future in (waiting, late):
        with pytest.raises(BrokenPoolError, match="its event loop is closed"):
            future.result(30)


def test_every_task_has_one_result_while_supervisors_are_killed(loop: asyncio.AbstractEventLoop, start: Start) -> None:
    pool = start(loop)
    done: list[Future[Any]] = []
    futures = [pool.submit(("double", number)) for number in range(300)]
    for future in futures:
        future.add_done_callback(done.append)
    generator = random.Random(5)  # noqa: S311
    for number in sorted(generator.sample(range(300), 5)):
        with contextlib.suppress(BrokenPoolError):  # The supervisor died twice while it had the task.
            futures[number].result()
        kill_supervisor(pool)
    found = [future.exception() or future.result() for future in futures]
    assert all(value == number * 2 or isinstance(value, BrokenPoolError) for number, value in enumerate(found))
    assert sum(isinstance(value, int) for value in found) > 250
    pool.shutdown()
    assert len(done) == 300


def test_supervisor_whose_connection_is_lost_does_not_hold_up_the_loop(
    loop: asyncio.AbstractEventLoop, start: Start
) -> None:
    pool = start(loop)
    assert pool.submit(("double", 1)).result() == 2
    lost = pool.supervisor_pid
    assert lost is not None
    os.kill(lost, signal.SIGSTOP)
    supervisor = pool._dispatcher._supervisor  # noqa: SLF001
    assert supervisor is not None
    longest = 0.0

    async def watch() -> None:
        nonlocal longest
        while True:
            before = loop.time()
            await asyncio.sleep(0.01)
            longest = max(longest, loop.time() - before)

    watcher = asyncio.run_coroutine_threadsafe(watch(), loop)
    with socket.socket(fileno=os.dup(supervisor.connection.fileno())) as connection:
        connection.shutdown(socket.SHUT_RDWR)
    assert pool.submit(("double", 2)).result() == 4
    watcher.cancel()
    assert longest < 4
    assert not is_alive(lost)


@pytest.mark.parametrize("is_inside", [True, False])
def test_termination_ends_all_processes_at_once(
    loop: asyncio.AbstractEventLoop, start: Start, tmp_path: Path, *, is_inside: bool
) -> None:
    pool = start(loop)
    pool.submit(("double", 1)).result()
    supervisor = pool.supervisor_pid
    assert supervisor is not None
    futures = [pool.submit(("wait_for", str(tmp_path / "never"))) for _ in range(6)]
    if is_inside:
        asyncio.run_coroutine_threadsafe(_terminate(pool), loop).result()
    else:
        pool.terminate()
    assert not is_alive(supervisor)
    assert {type(future.exception()) for future in futures} == {BrokenPoolError}


async def _terminate(pool: PoolProcess[Any]) -> None:
    pool.terminate()


def test_termination_before_the_first_task_starts_nothing(loop: asyncio.AbstractEventLoop, start: Start) -> None:
    pool = start(loop)
    pool.terminate()
    assert pool.supervisor_pid is None


def test_loop_that_was_closed_does_not_keep_the_pool(start: Start) -> None:
    async def use() -> PoolProcess[Any]:
        pool = start(asyncio.get_running_loop())
        assert await asyncio.wrap_future(pool.submit(("double", 1))) == 2
        return pool

    pool = asyncio.run(use())
    supervisor = pool.supervisor_pid
    assert supervisor is not None
    pool.terminate()
    assert not is_alive(supervisor)
