"""A source of tasks in a process of its own: ForkedIterator."""

import _thread
import contextlib
import fcntl
import gc
import os
import pickle
import struct
import threading
import time
import traceback
from collections import deque
from collections.abc import Callable, Iterable
from functools import partial
from io import FileIO
from itertools import islice
from typing import Any, Generic, NoReturn, Self, TypeVar

from forkresize.errors import BrokenPoolError
from forkresize.pool import signals
from forkresize.pool.child import ChildProcess
from forkresize.pool.libc import Libc
from forkresize.pool.options import PICKLE, Serializer
from forkresize.pool.queue import NothingYet
from forkresize.pool.system import open_descriptors

_T = TypeVar("_T")

_BATCH = 64
"""Items that are sent together."""

_LINGER = 0.1
"""Seconds after which fewer are sent."""

_MAX_DEATHS = 3
"""How often in a row the process may die before it has sent an item."""

_CHUNK = 1 << 16

_PIPE = 1 << 20
"""Bytes that the pipe holds, on Linux: the most that any user may ask for. Items that are sent together often take more
than the usual 64 KiB; then both processes would wait for each other, again and again.
"""

_HEADER = struct.Struct("=cQ")
_ITEMS, _END, _ERROR = b"i", b"e", b"x"


class ForkedIterator(Generic[_T]):
    """Iterates in a forked process, and yields NothingYet while no item has arrived: a source may block.

    The pipe between the processes holds up to 1 MiB; a source that is faster than its consumer waits. What the source
    raises is raised here, after its items. If the process is killed, another one takes its place and skips the items
    that arrived, so the source must yield the same ones each time.

    The process starts when the iterator is entered: do that early, while this process is small and has few files open.
    It ignores stop signals, which this process handles, and dies when it is left.
    """

    def __init__(
        self, iterate: Callable[[], Iterable[_T]], serializer: Serializer = PICKLE, *, turn: float = 0.05
    ) -> None:
        """Create an iterator; nothing is forked.

        Args:
            iterate: called in the process; returns the source.
            serializer: how a list of items crosses.
            turn: seconds after which a NothingYet interrupts a stream of items: it is the pool's turn.
        """
        self._iterate = iterate
        self._serializer = serializer
        self._turn = turn
        self._items: deque[_T] = deque()
        self._received = 0
        self._deaths = 0
        self._error: BaseException | None = None
        self._process: ChildProcess | None = None
        self._reader = -1
        self._next_turn = 0.0

    def __enter__(self) -> Self:
        self._start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop()

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> _T | NothingYet:
        while not self._items:
            if self._process is None:
                if self._error is not None:
                    raise self._error
                raise StopIteration
            # The descriptor is readable if there is more, so the pool comes back at once.
            if time.monotonic() >= self._next_turn or not self._receive():
                self._next_turn = time.monotonic() + self._turn
                return NothingYet(self._reader)
        return self._items.popleft()

    def _start(self) -> None:
        self._buffer = bytearray()
        self._next_turn = time.monotonic() + self._turn
        self._reader, writer = os.pipe()
        _enlarge(writer)
        try:
            os.set_blocking(self._reader, False)
            with signals.stop_signals_blocked() as mask:
                producer = _Producer(self._iterate, self._received, writer, self._serializer)
                self._process = ChildProcess.fork(partial(producer.run, Libc(), os.getpid(), mask))
        except BaseException:
            os.close(self._reader)
            raise
        finally:
            os.close(writer)

    def _stop(self) -> int | None:
        """End the process if there is one; return its exit code, negated if it is the number of a signal."""
        process, self._process = self._process, None
        if process is None:
            return None
        os.close(self._reader)
        process.kill()
        exit_code = process.reap()
        process.close()
        return exit_code

    def _receive(self) -> bool:
        """Read what has arrived; return whether there was anything, including the end."""
        try:
            data = os.read(self._reader, _CHUNK)
        except BlockingIOError:
            return False
        if not data:
            self._replace()
            return True
        self._buffer += data
        while len(self._buffer) >= _HEADER.size:
            kind, size = _HEADER.unpack_from(self._buffer)
            end = _HEADER.size + size
            if len(self._buffer) < end:
                break
            payload = bytes(self._buffer[_HEADER.size : end])
            del self._buffer[:end]
            self._handle(kind, payload)
        return True

    def _handle(self, kind: bytes, payload: bytes) -> None:
        if kind == _ITEMS:
            items = self._serializer.decode(payload)
            self._items += items
            self._received += len(items)
            self._deaths = 0
            return
        if kind == _ERROR:
            self._error, text = pickle.loads(payload)  # noqa: S301 (our own process)
            self._error.add_note(f"in the process of the source:\n{text}")
        self._stop()

    def _replace(self) -> None:
        exit_code = self._stop()
        self._deaths += 1
        if self._deaths >= _MAX_DEATHS:
            raise BrokenPoolError(
                f"the source's process died {self._deaths} times in a row, with exit code {exit_code}"
            )
        self._start()


def _enlarge(pipe: int) -> None:
    """Let a pipe hold ``_PIPE`` bytes, if the system can do that and the user has no more such pipes than allowed."""
    if hasattr(fcntl, "F_SETPIPE_SZ"):
        with contextlib.suppress(OSError):
            fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, _PIPE)


class _Producer:
    """Iterates and sends the items, in its process; a thread sends those that wait for others."""

    def __init__(self, iterate: Callable[[], Iterable[Any]], skip: int, writer: int, serializer: Serializer) -> None:
        self._iterate = iterate
        self._skip = skip
        self._writer = FileIO(writer, "wb", closefd=False)
        self._encode = serializer.encode
        self._pending: deque[Any] = deque()
        self._lock = threading.Lock()

    def run(self, libc: Libc, parent: int, mask: set[int]) -> NoReturn:
        """Send all items, then the end. Never returns into the code of the parent, whose stack it has."""
        status = 1
        try:
            libc.set_parent_death_signal(parent)
            signals.ignore_stops_in_child(mask)
            for descriptor in set(open_descriptors()) - {self._writer.fileno()}:
                os.close(descriptor)
            gc.freeze()
            # Unlike Thread.start(), this does not wait for a thread that dies at its start, for lack of memory.
            _thread.start_new_thread(self._flush_forever, ())
            self._send_all()
            status = 0
        except BrokenPipeError:
            status = 0  # The parent needs no more.
        except BaseException:  # noqa: BLE001
            traceback.print_exc()
        finally:
            os._exit(status)

    def _send_all(self) -> None:
        try:
            for item in islice(self._iterate(), self._skip, None):
                self._pending.append(item)
                if len(self._pending) >= _BATCH:
                    self._flush()
        except Exception as error:  # noqa: BLE001  Raised again by the parent.
            last, payload = _ERROR, _dump(error)
        else:
            last, payload = _END, b""
        self._flush()
        with self._lock:
            self._write(last, payload)

    def _flush_forever(self) -> None:
        try:
            while True:
                time.sleep(_LINGER)
                self._flush()
        except BrokenPipeError:
            os._exit(0)
        except BaseException:  # noqa: BLE001
            traceback.print_exc()
            os._exit(1)

    def _flush(self) -> None:
        with self._lock:
            # Only the other thread adds more, and at the other end.
            if items := [self._pending.popleft() for _ in range(len(self._pending))]:
                self._write(_ITEMS, self._encode(items))

    def _write(self, kind: bytes, payload: bytes) -> None:
        rest = memoryview(_HEADER.pack(kind, len(payload)) + payload)
        while rest:
            rest = rest[self._writer.write(rest) :]


def _dump(error: Exception) -> bytes:
    """Return an error and its traceback; the error as a RuntimeError if it cannot cross."""
    text = "".join(traceback.format_exception(error))
    try:
        payload = pickle.dumps((error, text))
        pickle.loads(payload)  # noqa: S301 (what it was made of)
    except Exception:  # noqa: BLE001  An error's class may do anything.
        payload = pickle.dumps((RuntimeError(repr(error)), text))
    return payload
