"""The supervisor's process of a PoolProcess: receives tasks from a socket, runs them in a Pool, sends the results.

It is started as a fresh interpreter and has a single thread. It ends when its parent closes the socket or dies.
"""

import contextlib
import importlib
import math
import pickle
import select
import socket
import struct
import sys
from collections.abc import Callable
from functools import partial
from io import FileIO
from operator import attrgetter
from selectors import EVENT_READ, EVENT_WRITE
from typing import Any

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from forkresize.errors import ForkresizeError
from forkresize.pool import Completed, Pool, PoolOptions, Raised, Serializer, WithFiles, WorkerLost, ignore_stops
from forkresize.pool.files import close_files
from forkresize.pool.libc import Libc
from forkresize.pool.message_socket import MessageSocket
from forkresize.pool.protocol import Failure
from forkresize.pool.result import TaskResult

TASK_HEADER = struct.Struct("=Qdi")
"""Number of the task, its timeout in seconds, and its retries; the serialized task follows.

A timeout of NaN and negative retries stand for those of the options.
"""


class Configuration(Struct, frozen=True):
    """What a supervisor's process needs to know; its first message, pickled."""

    path: list[str]  # ``sys.path`` of the parent.
    work: bytes  # Pickled: the work function, the initializer, the preload function and the options.


class PoolStats(Struct, frozen=True, array_like=True):
    """What a supervisor's pool has, and what its workers took so far; see the properties of ``Pool``."""

    workers: int = 0
    workers_lost: int = 0
    busy_seconds: float = 0.0
    memory: int = 0
    memory_peak: int = 0
    sandbox: tuple[str, ...] = ()
    sandbox_missing: tuple[str, ...] = ()


class Ready(Struct, frozen=True, tag=True):
    """The pool is ready for tasks."""

    stats: PoolStats


class Reply(Struct, frozen=True, tag=True):
    """The result of a task, without its item; a result proper is still serialized. None: it was not started."""

    number: int
    result: Completed[None, bytes] | Raised[None] | WorkerLost[None] | None
    stats: PoolStats


class Broken(Struct, frozen=True, tag=True):
    """The pool cannot run tasks; the process ends."""

    error: str


MAX_OVERHEAD = 1 << 18
"""Bytes of a message to the parent, besides a result proper."""

ENCODER = msgspec.msgpack.Encoder()
DECODER: msgspec.msgpack.Decoder[Ready | Reply | Broken] = msgspec.msgpack.Decoder(Ready | Reply | Broken)


def resolve(reference: Any) -> Any:
    """Return what an importable reference such as ``package.module:function`` names; other values as they are."""
    if not isinstance(reference, str):
        return reference
    module, _, name = reference.partition(":")
    return attrgetter(name)(importlib.import_module(module))


class _Receiver(Struct, eq=False):
    """Sends the result of one task to the parent."""

    server: "_Server"
    number: int

    def start(self) -> bool:
        return True

    def finish(self, result: TaskResult[Any, Any]) -> None:
        self.server.reply(self.number, result)

    def abandon(self, error: Exception | None) -> None:
        # An error ends the process, which the parent notices.
        if error is None:
            self.server.reply(self.number, None)


class _Server:
    """Passes tasks and results between the socket and the pool."""

    def __init__(self, connection: MessageSocket) -> None:
        self._connection = connection
        self._items: dict[int, Any] = {}
        self._pool: Pool[Any, Any] | None = None
        self._events = 0

    def run(self, work: Any, initializer: Any, preload: Any, options: PoolOptions) -> None:
        """Run tasks until the parent closes the connection."""
        work, initializer, preload = map(resolve, (work, initializer, preload))
        if preload is not None:
            preload()
        start = partial(self._start_worker, initializer)
        with Pool(work, options=_pass_bytes(options), initializer=start) as pool:
            self._pool = pool
            self._send(Ready(_stats(pool)))
            while not self._connection.eof:
                pool.poll()

    def _start_worker(self, initializer: Callable[[], object] | None) -> None:
        """In a worker: close what belongs to the supervisor, which the sandbox may have done."""
        with contextlib.suppress(OSError):
            self._connection.close()
        for item in self._items.values():
            close_files(item)
        if initializer is not None:
            initializer()

    def _on_event(self, events: int) -> None:
        if events & EVENT_WRITE:
            self._flush()
        if events & EVENT_READ:
            for payload, files in self._connection.receive():
                self._submit(payload, files)

    def _submit(self, payload: bytes, files: tuple[FileIO, ...]) -> None:
        assert self._pool is not None  # noqa: S101
        number, timeout, retries = TASK_HEADER.unpack_from(payload)
        data = payload[TASK_HEADER.size :]
        item = self._items[number] = WithFiles(data, files) if files else data
        self._pool.enqueue(
            item,
            _Receiver(self, number),
            timeout=None if math.isnan(timeout) else timeout,
            retries=None if retries < 0 else retries,
        )

    def reply(self, number: int, result: TaskResult[Any, Any] | None) -> None:
        """Send the result of a task; None if it was not started."""
        close_files(self._items.pop(number))
        files: tuple[FileIO, ...] = ()
        if isinstance(result, Completed) and isinstance(result.result, WithFiles):
            files = result.result.files
            result = replace(result, result=result.result.value)
        stats = PoolStats() if self._pool is None else _stats(self._pool)
        self._send(Reply(number, result and replace(result, item=None), stats), files)

    def _send(self, message: Ready | Reply, files: tuple[FileIO, ...] = ()) -> None:
        self._connection.send(ENCODER.encode(message), files, close=True)
        self._flush()

    def _flush(self) -> None:
        events = EVENT_READ if self._connection.flush() else EVENT_READ | EVENT_WRITE
        if self._pool is not None and events != self._events:
            self._events = events
            self._pool.watch(self._connection, events, self._on_event)


def _pass_bytes(options: PoolOptions) -> PoolOptions:
    """Return options for a pool that passes tasks and results on as bytes: the parent and the workers decode them."""
    tasks, results, sandbox = options.task_serializer, options.serializer, options.sandbox
    if sandbox is not None and sandbox.open_file is not None:
        sandbox = replace(sandbox, open_file=partial(_open_file, sandbox.open_file, tasks.decode))
    return replace(
        options,
        serializer=replace(results, decode=partial(_check, results.decode) if results.validates else bytes),
        task_serializer=Serializer(bytes, tasks.decode),
        sandbox=sandbox,
    )


def _check(decode: Callable[[bytes | bytearray], Any], data: bytes | bytearray) -> bytes:
    """Return a result that can be decoded as it is.

    Raises:
        Exception: it cannot.
    """
    decode(data)
    return bytes(data)


def _stats(pool: Pool[Any, Any]) -> PoolStats:
    return PoolStats(*(getattr(pool, name) for name in PoolStats.__struct_fields__))


def _open_file(
    open_file: Callable[[Any, str], FileIO], decode: Callable[[bytes], Any], item: bytes | WithFiles[bytes], path: str
) -> FileIO:
    return open_file(decode(item.value if isinstance(item, WithFiles) else item), path)


def _wait(connection: MessageSocket, event: int) -> None:
    poll = select.poll()
    poll.register(connection, event)
    poll.poll()


def _receive_configuration(connection: MessageSocket) -> Configuration | None:
    """Return the first message; None if the parent closed the connection."""
    while not connection.eof:
        _wait(connection, select.POLLIN)
        for payload, _ in connection.receive():
            configuration: Configuration = pickle.loads(payload)  # noqa: S301  It is the parent's.
            return configuration
    return None


def main() -> None:
    """Run the supervisor's process; the arguments are the socket's descriptor and the parent's process id."""
    descriptor, parent = map(int, sys.argv[1:])
    ignore_stops()  # They are for the parent, which closes the socket.
    Libc().set_parent_death_signal(parent)
    connection = MessageSocket(socket.socket(fileno=descriptor))
    configuration = _receive_configuration(connection)
    if configuration is None:
        return
    sys.path[:] = configuration.path
    try:
        work, initializer, preload, options = pickle.loads(configuration.work)  # noqa: S301
        _Server(connection).run(work, initializer, preload, options)
    except Exception as error:  # noqa: BLE001  The parent reports it.
        failure = Failure.of(error)
        text = str(error) if isinstance(error, ForkresizeError) else f"{failure.error}\n{failure.traceback}"
        connection.send(ENCODER.encode(Broken(text)))
        while not connection.flush():
            _wait(connection, select.POLLOUT)
    connection.close()
