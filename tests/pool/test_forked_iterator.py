"""A source of tasks in a process of its own: it may block, fail and die, and the pool goes on."""

import fcntl
import mmap
import os
import pickle
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from itertools import count
from types import ModuleType
from typing import Any

import pytest

from forkresize.errors import BrokenPoolError, ConflictError, FieldError
from forkresize.pool import Completed, ForkedIterator, NothingYet, Pool, PoolOptions, WorkerLost, forked_iterator
from tests.children import is_alive

WaitUntil = Callable[[Callable[[], object]], None]

ORPHAN = """
import os, signal, sys, threading
from forkresize.pool import ForkedIterator
def block():
    sys.stdout.write(f"{os.getpid()}\\n")
    sys.stdout.flush()
    threading.Event().wait()
    yield 1
with ForkedIterator(block):
    threading.Event().wait()
"""


PRINTING = """
from forkresize.pool import ForkedIterator, NothingYet
def list_names():
    print("listing", flush=True)
    yield "a"
print("begin")
with ForkedIterator(list_names) as names:
    assert [name for name in names if not isinstance(name, NothingYet)] == ["a"]
print("end")
"""


def take(items: Iterable[Any]) -> Iterator[Any]:
    """Yield the items, waiting where there is none yet."""
    for item in items:
        if isinstance(item, NothingYet):
            assert select.select([item.descriptor], [], [], 20)[0]
        else:
            yield item


@pytest.mark.parametrize("size", [0, 1, 63, 64, 65, 10_000])
def test_all_items_arrive_in_their_order(size: int) -> None:
    with ForkedIterator(lambda: range(size)) as items:
        assert list(take(items)) == list(range(size))
        assert next(items, None) is None


def test_a_source_that_prints_does_not_print_what_its_parent_has_not_flushed() -> None:
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
    command = [sys.executable, "-W", "error", "-c", PRINTING]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=20, check=False)
    assert (done.stdout, done.stderr) == ("begin\nlisting\nend\n", "")


def test_items_larger_than_the_pipe_arrive() -> None:
    sent = [bytes([number]) * 300_000 for number in range(5)]
    with ForkedIterator(lambda: sent) as items:
        assert list(take(items)) == sent


def test_a_source_that_blocks_after_an_item_delivers_that_item() -> None:
    reader, writer = os.pipe()

    def block() -> Iterator[int]:
        yield 1
        signal.pause()

    with ForkedIterator(block) as items:
        assert next(take(items)) == 1
        waiting = next(items)
        assert isinstance(waiting, NothingYet)
        assert not select.select([waiting.descriptor], [], [], 0)[0]
    os.close(reader)
    os.close(writer)


@pytest.mark.slow
def test_deadlines_and_results_go_on_while_the_source_blocks(faults: ModuleType) -> None:
    def block() -> Iterator[Any]:
        yield faults.double_two
        yield faults.hang
        signal.pause()

    began = time.monotonic()
    results: list[Any] = []
    options = PoolOptions(workers=2, timeout=0.5)
    with ForkedIterator(block) as items, Pool[Any, Any](faults.call, options=options) as pool:
        for result in pool.imap_unordered(items):
            results.append(result)
            if len(results) == 2:
                break
    assert [type(result) for result in results] == [Completed, WorkerLost]
    assert time.monotonic() - began < 10


def test_the_pool_gets_its_turn_while_items_keep_coming() -> None:
    with ForkedIterator(count) as items:
        deadline = time.monotonic() + 20
        for item in items:
            if isinstance(item, NothingYet) and select.select([item.descriptor], [], [], 0)[0]:
                break  # There is more: this was not for lack of items.
            assert time.monotonic() < deadline


def test_a_source_that_is_faster_than_its_consumer_waits(wait_until: WaitUntil) -> None:
    shared = mmap.mmap(-1, 8)
    produced = memoryview(shared).cast("Q")

    def fast() -> Iterator[int]:
        for number in count():
            produced[0] = number
            yield number

    with ForkedIterator(fast) as items:
        assert next(take(items)) == 0
        last = -1

        def stands_still() -> bool:
            nonlocal last
            before, last = last, produced[0]
            time.sleep(0.05)
            return before == last

        wait_until(stands_still)
        assert last < 1_000_000  # The pipe holds 1 MiB.
    produced.release()


@pytest.mark.skipif(not hasattr(fcntl, "F_SETPIPE_SZ"), reason="pipes have one size only")
def test_half_a_mebibyte_of_items_does_not_wait_for_the_consumer(wait_until: WaitUntil) -> None:
    shared = mmap.mmap(-1, 1)

    def large() -> Iterator[str]:
        for _ in range(64):
            yield "x" * 8000
        shared[0] = 1
        yield "last"

    with ForkedIterator(large):
        wait_until(lambda: bool(shared[0]))


class TwoPartError(Exception):
    """An error that cannot be unpickled."""

    def __init__(self, one: str, two: str) -> None:
        super().__init__(one + two)


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (FieldError("files_from", "no"), FieldError),
        (ConflictError("prune", "shard"), ConflictError),
        (PermissionError(13, "no", "/x"), PermissionError),
        (TwoPartError("a", "b"), RuntimeError),
    ],
)
def test_an_error_is_raised_after_the_items_before_it(error: Exception, expected: type[Exception]) -> None:
    def fail() -> Iterator[int]:
        yield 1
        raise error

    with ForkedIterator(fail) as items:
        remaining = take(items)
        assert next(remaining) == 1
        with pytest.raises(expected) as raised:
            next(remaining)
    assert str(error) in str(raised.value)
    assert "in fail" in raised.value.__notes__[0]


def test_errors_of_fields_can_be_pickled() -> None:
    for error in (FieldError("width", "must be positive"), ConflictError("width", "height")):
        copy = pickle.loads(pickle.dumps(error))  # noqa: S301
        assert (str(copy), copy.__dict__) == (str(error), error.__dict__)


def test_a_process_that_is_killed_is_replaced_and_no_item_is_lost() -> None:
    shared = mmap.mmap(-1, 8)
    pids = memoryview(shared).cast("Q")

    def produce() -> Iterator[str]:
        pids[0] = os.getpid()
        # More than the pipe holds, so that the process has not ended when it is killed.
        yield from (f"{number:1000}" for number in range(5000))

    received = []
    with ForkedIterator(produce) as items:
        for item in take(items):
            received.append(int(item))
            if received[-1] in {0, 1000, 4000}:
                os.kill(pids[0], signal.SIGKILL)
    assert received == list(range(5000))
    pids.release()


def test_a_process_that_always_dies_is_an_error() -> None:
    def die() -> Iterator[int]:
        os.kill(os.getpid(), signal.SIGKILL)
        yield 1

    with ForkedIterator(die) as items, pytest.raises(BrokenPoolError, match="died 3 times in a row"):
        list(take(items))


@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_stop_signals_are_left_to_the_parent(signum: signal.Signals) -> None:
    def stop() -> Iterator[int]:
        os.kill(os.getpid(), signum)
        yield 1

    with ForkedIterator(stop) as items:
        assert list(take(items)) == [1]


def test_leaving_ends_a_process_that_blocks() -> None:
    def block() -> Iterator[int]:
        yield os.getpid()
        signal.pause()

    began = time.monotonic()
    with ForkedIterator(block) as items:
        pid = next(take(items))
    assert not is_alive(pid)
    assert time.monotonic() - began < 10


def test_descriptors_of_the_parent_are_not_kept_open() -> None:
    reader, writer = os.pipe()
    with ForkedIterator[None](lambda: iter(signal.pause, None)) as items:
        assert isinstance(next(items), NothingYet)
        os.close(writer)
        assert select.select([reader], [], [], 20)[0]
        assert os.read(reader, 1) == b""
    os.close(reader)


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="the kernel ends it, on Linux only")
def test_the_process_ends_with_its_parent(wait_until: WaitUntil) -> None:
    with subprocess.Popen([sys.executable, "-c", ORPHAN], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        parent.kill()
        parent.wait()
        wait_until(lambda: not is_alive(pid))


def test_the_thread_sends_while_the_source_works_slowly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(forked_iterator, "_LINGER", 0.01)

    def slow() -> Iterator[int]:
        for number in range(20):
            time.sleep(0.01)
            yield number

    with ForkedIterator(slow) as items:
        assert list(take(items)) == list(range(20))
