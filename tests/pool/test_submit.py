"""Pool.submit, and sources that have nothing yet: faults, timeouts, files, stopping."""

import os
import select
import signal
import socket
import time
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError
from contextlib import ExitStack
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from forkresize.errors import BrokenPoolError
from forkresize.pool import (
    Completed,
    LossReason,
    NothingYet,
    Pool,
    PoolOptions,
    Raised,
    TaskError,
    WithFiles,
    WorkerLostError,
    sealed_memfd,
)
from forkresize.pool.protocol import MessageType, WorkerMessage, encode_message

WaitUntil = Callable[[Callable[[], object]], None]

pytestmark = pytest.mark.timeout(60)

needs_memfd = pytest.mark.skipif(not hasattr(os, "memfd_create"), reason="needs memfds")


def test_future_has_the_result_of_its_task(faults: ModuleType) -> None:
    with Pool[int, int](faults.double, options=PoolOptions(workers=2)) as pool:
        futures = [pool.submit(number) for number in range(50)]
        assert [future.result() for future in futures] == [number * 2 for number in range(50)]


def test_result_times_out_without_ending_the_task(faults: ModuleType) -> None:
    with Pool[Any, Any](faults.call, options=PoolOptions(workers=1)) as pool:
        future = pool.submit(faults.Sleep(0.3))
        with pytest.raises(TimeoutError):
            future.result(timeout=0.05)
        assert future.exception(timeout=30) is None


def test_exactly_the_task_that_killed_its_worker_fails(faults: ModuleType) -> None:
    with Pool[int, Any](faults.At(3, faults.segfault), options=PoolOptions(workers=2, retries=1)) as pool:
        futures = [pool.submit(number) for number in range(8)]
        error = futures[3].exception()
        assert isinstance(error, WorkerLostError)
        assert (str(error), error.result.attempts) == ("killed by SIGSEGV", 2)
        assert [future.result() for future in futures if future is not futures[3]] == [0, 2, 4, 8, 10, 12, 14]


def test_crashed_task_is_retried_while_others_keep_coming(faults: ModuleType) -> None:
    with Pool[int, Any](faults.At(0, faults.Times(1, faults.kill_itself)), options=PoolOptions(workers=1)) as pool:
        first = pool.submit(0)
        others: list[Any] = []
        while not first.done():
            others.append(pool.submit(len(others) + 1))
            pool.poll(0.01)
            assert len(others) < 2000
        assert first.result() == "spared"
        assert others[-1].result() == len(others) * 2


@pytest.mark.parametrize(("timeout", "default"), [(0.3, None), (0.3, 30), (None, 0.3)])
def test_task_is_killed_at_its_own_deadline(faults: ModuleType, timeout: float | None, default: float | None) -> None:
    with Pool[Any, Any](faults.call, options=PoolOptions(workers=2, timeout=default)) as pool:
        slow, quick = pool.submit(faults.hang, timeout=timeout), pool.submit(faults.double_two)
        error = slow.exception()
        assert isinstance(error, WorkerLostError)
        assert getattr(error.result, "reason", None) is LossReason.TIMED_OUT
        assert quick.result() == 4


@pytest.mark.slow
def test_short_deadline_of_a_prefetched_task_is_kept(faults: ModuleType) -> None:
    with Pool[Any, Any](faults.call, options=PoolOptions(workers=1, timeout=60)) as pool:
        first = pool.submit(faults.Sleep(0.5))
        second = pool.submit(faults.hang, timeout=0.2)
        assert first.exception() is None
        began = time.monotonic()
        assert isinstance(second.exception(), WorkerLostError)
        assert time.monotonic() - began < 5


@pytest.mark.slow
def test_own_timeout_may_exceed_the_default(faults: ModuleType) -> None:
    with Pool[Any, Any](faults.call, options=PoolOptions(workers=1, timeout=0.2)) as pool:
        assert pool.submit(faults.Sleep(0.6), timeout=30).exception() is None


def test_exception_of_the_work_is_a_task_error(faults: ModuleType) -> None:
    with Pool[Any, Any](faults.call, options=PoolOptions(workers=1)) as pool:
        error = pool.submit(faults.fail).exception()
    assert isinstance(error, TaskError)
    assert (str(error), isinstance(error.result, Raised)) == ("ValueError: no", True)


def test_item_that_cannot_be_serialized_is_an_error_of_its_future(faults: ModuleType) -> None:
    with Pool[Any, Any](str, options=PoolOptions(workers=1)) as pool:
        assert isinstance(pool.submit(faults.Unpicklable()).exception(), TaskError)
        assert pool.submit(1).result() == "1"


def test_cancelled_future_is_not_run(faults: ModuleType) -> None:
    with Pool[Any, Any](faults.call, options=PoolOptions(workers=1)) as pool:
        cancelled, other = pool.submit(faults.kill_itself), pool.submit(faults.double_two)
        assert cancelled.cancel()
        assert other.result() == 4
    assert pool.workers_lost == 0


def test_stop_cancels_what_was_not_started(faults: ModuleType, tmp_path: Path) -> None:
    with Pool[Any, Any](faults.call, options=PoolOptions(workers=1)) as pool:
        running = pool.submit(faults.Sleep(0.3, tmp_path / "started"))
        others = [pool.submit(faults.double_two) for _ in range(5)]
        while not (tmp_path / "started").exists():
            pool.poll(0.01)
        pool.stop()
        assert running.exception() is None
        for other in others:
            with pytest.raises(CancelledError):
                other.result()


def test_leaving_the_pool_fails_what_runs(faults: ModuleType) -> None:
    with Pool[Any, Any](faults.call, options=PoolOptions(workers=1)) as pool:
        futures = [pool.submit(faults.hang) for _ in range(3)]
        while not futures[0].running():
            pool.poll(0.01)
    for future in futures:
        assert "closed" in str(future.exception())
    with pytest.raises(ValueError, match="not entered"):
        pool.submit(faults.hang)


def test_leaving_the_pool_ends_it_even_if_a_receiver_raises(faults: ModuleType) -> None:
    class Raising:
        def start(self) -> bool:
            return True

        def finish(self, _: object) -> None: ...

        def abandon(self, error: Exception | None) -> None:
            raise RuntimeError(f"not expected: {error}")

    handler = signal.getsignal(signal.SIGTERM)
    opened = ExitStack()
    pool = opened.enter_context(Pool(faults.call))
    pool.enqueue(faults.hang, Raising())
    pool.poll(0)
    with pytest.raises(RuntimeError, match="not expected: the pool was closed"):
        opened.close()
    assert signal.getsignal(signal.SIGTERM) is handler


def test_broken_pool_fails_all_futures(faults: ModuleType) -> None:
    with Pool[Any, Any](str, options=PoolOptions(workers=1), initializer=faults.fail) as pool:
        futures = [pool.submit(number) for number in range(5)]
        with pytest.raises(BrokenPoolError, match="initializer"):
            futures[4].result()
        assert all(isinstance(future.exception(), BrokenPoolError) for future in futures)


def test_pool_works_on_futures_in_an_iteration_and_the_other_way_round(faults: ModuleType) -> None:
    with Pool[int, int](faults.double, options=PoolOptions(workers=2)) as pool:
        early = pool.submit(100)
        results = []
        for result in pool.imap_unordered(range(20)):
            results.append(result.item)
            if result.item == 5:
                assert pool.submit(50).result() == 100
        assert sorted(results) == list(range(20))
        assert early.result() == 200


def test_future_survives_an_iteration_left_early(faults: ModuleType) -> None:
    with Pool[int, int](faults.double, options=PoolOptions(workers=2)) as pool:
        futures = [pool.submit(number) for number in range(10)]
        next(iter(pool.imap_unordered(range(100, 200))))
        assert [future.result() for future in futures] == list(range(0, 20, 2))


def test_second_open_iteration_is_refused(faults: ModuleType) -> None:
    with Pool[int, int](faults.double, options=PoolOptions(workers=2)) as pool:
        first = pool.imap_unordered(range(20))
        next(first)
        with pytest.raises(RuntimeError, match="another iteration over this pool is open"):
            next(pool.imap_unordered(range(20)))
        assert len(list(first)) == 19
        assert len(list(pool.imap_unordered(range(20)))) == 20


def test_descriptor_of_the_pool_is_readable_when_there_is_something_to_do(faults: ModuleType) -> None:
    with Pool[int, int](faults.double, options=PoolOptions(workers=1)) as pool:
        assert not select.select([pool], [], [], 0)[0]
        future = pool.submit(1)
        pool.poll(0)
        while not future.done():
            assert select.select([pool], [], [], 20)[0]
            pool.poll(0)


@pytest.mark.slow
def test_results_and_deadlines_go_on_while_a_source_has_nothing_yet(faults: ModuleType) -> None:
    near, far = socket.socketpair()
    results: list[Any] = []

    def items() -> Iterator[Any]:
        yield faults.double_two
        yield faults.hang
        while len(results) < 2:
            yield NothingYet(near.fileno())
            near.recv(1)
        yield faults.double_two

    with near, far, Pool[Any, Any](faults.call, options=PoolOptions(workers=2, timeout=0.5)) as pool:
        for result in pool.imap_unordered(items()):
            results.append(result)
            far.send(b"x")
    assert [type(result) is Completed for result in results] == [True, False, True]


@pytest.mark.slow
def test_quiet_source_uses_no_cpu(faults: ModuleType) -> None:
    near, far = socket.socketpair()

    def items() -> Iterator[Any]:
        yield NothingYet(near.fileno())
        yield 1

    def send_later(_: object) -> None:
        if time.monotonic() - began > 0.5:
            far.send(b"x")

    with near, far, Pool[int, int](faults.double, options=PoolOptions(workers=1), on_tick=send_later) as pool:
        began, used = time.monotonic(), time.process_time()
        assert [result.item for result in pool.imap_unordered(items())] == [1]
        assert time.process_time() - used < 0.3


def test_stopping_ends_an_iteration_whose_source_has_nothing_yet(faults: ModuleType) -> None:
    near, far = socket.socketpair()
    options = PoolOptions(workers=1, stop_after=0.2)
    with near, far, Pool[int, int](faults.double, options=options) as pool:
        assert list(pool.imap_unordered([NothingYet(near.fileno())])) == []


def upper(task: "WithFiles[str]") -> "WithFiles[str]":
    return WithFiles(task.value.upper(), tuple(sealed_memfd(file.read().upper()) for file in task.files))


@needs_memfd
def test_files_cross_both_ways() -> None:
    with Pool(upper, options=PoolOptions(workers=1)) as pool, sealed_memfd(b"pixels") as file:
        (result,) = pool.imap_unordered([WithFiles("a", (file,))])
        assert isinstance(result, Completed)
        assert result.result.value == "A"
        (made,) = result.result.files
        with made:
            assert made.read() == b"PIXELS"


@needs_memfd
def test_files_of_results_that_are_not_taken_are_closed() -> None:
    with Pool(upper, options=PoolOptions(workers=2)) as pool, sealed_memfd(b"pixels") as file:
        for result in pool.imap_unordered([WithFiles("a", (file,))] * 50):
            assert isinstance(result, Completed)
            for made in result.result.files:
                made.close()
            break


@needs_memfd
def test_closed_files_are_an_error_of_the_task() -> None:
    file = sealed_memfd(b"pixels")
    with Pool(upper, options=PoolOptions(workers=1)) as pool:
        future = pool.submit(WithFiles("a", (file,)))
        file.close()
        assert "OSError" in str(future.exception())


def keep(task: "WithFiles[str]") -> "WithFiles[str]":
    return task


@needs_memfd
def test_files_of_a_task_may_be_those_of_its_result() -> None:
    with Pool(keep, options=PoolOptions(workers=1)) as pool, sealed_memfd(b"pixels") as file:
        result = pool.submit(WithFiles("a", (file,))).result()
        assert os.fstat(result.files[0].fileno()).st_ino == os.fstat(file.fileno()).st_ino
        result.files[0].close()


@needs_memfd
@pytest.mark.parametrize("forged", ["no file", "unsealed file", "directory"])
def test_result_with_forged_files_is_a_protocol_violation(faults: ModuleType, forged: str, tmp_path: Path) -> None:
    def work(number: int) -> int:
        if number == 3:
            sockets = faults.find_sockets()
            for descriptor in sockets if forged != "no file" else ():
                sent = os.open(tmp_path, os.O_RDONLY) if forged == "directory" else os.memfd_create("x")
                socket.send_fds(socket.socket(fileno=os.dup(descriptor)), [b"f"], [sent])
            message = encode_message(WorkerMessage(MessageType.RETURNED_FILES, 4, 0.0, b"", b""))
            faults.write_to_the_pool(message)
            faults.hang()
        return number

    options = PoolOptions(workers=1, retries=0)
    with Pool(work, options=options) as pool:
        results = {result.item: result for result in pool.imap_unordered(range(6))}
    assert getattr(results.pop(3), "reason", None) is LossReason.PROTOCOL_VIOLATION
    assert all(isinstance(result, Completed) for result in results.values())


def test_idle_worker_that_is_killed_is_replaced() -> None:
    with Pool[Any, int](lambda _: os.getpid(), options=PoolOptions(workers=1, retries=0)) as pool:
        first = pool.submit(1).result()
        os.kill(first, signal.SIGKILL)
        assert pool.submit(2).result() != first
