"""What code in a worker can request from the pool's process: memory, files. Outside of a worker it gets neither."""

import errno
import os
import time
from io import FileIO
from typing import ClassVar

from forkresize.pool.channel import WorkerChannel
from forkresize.pool.files import to_files
from forkresize.pool.libc import Libc
from forkresize.pool.memory import Budget
from forkresize.pool.protocol import MessageType, WorkerMessage, encode_memory_request, encode_message
from forkresize.pool.sandbox.fd_channel import NO_SIGPIPE


class WorkerClient:
    """A worker's side of its channel."""

    current: ClassVar["WorkerClient | None"] = None
    """In a worker: its client. A class attribute and not a ContextVar, so that threads of the work see it too."""

    def __init__(self, channel: WorkerChannel, budget: Budget, libc: Libc) -> None:
        self._channel = channel
        self._budget = budget
        self._libc = libc
        self._reserved = False
        self._waited = 0.0

    def send(
        self, kind: MessageType, number: int = 0, seconds: float = 0.0, payload: bytes = b"", started: float = 0.0
    ) -> None:
        """Send a message with the standard error since the last one; its fields are those of a WorkerMessage.

        Raises:
            BrokenPipeError: the pool is closed.
        """
        self._send(WorkerMessage(kind, number, seconds, self._channel.stderr.drain(), payload, (), started))

    def _send(self, message: WorkerMessage) -> None:
        self._channel.worker_end.sendall(encode_message(message), NO_SIGPIPE)

    def _request(self, kind: MessageType, payload: bytes = b"") -> None:
        number, _ = self._channel.current.read()
        # Standard error is left in its file, to be sent with the result.
        self._send(WorkerMessage(kind, number, 0.0, b"", payload))

    def reserve(self, size: int) -> None:
        """See ``reserve``."""
        self._budget.check(size)
        if size <= self._budget.allowance:
            return
        started = time.monotonic()
        self._reserved = True
        self._request(MessageType.RESERVE_MEMORY, encode_memory_request(size))
        self._channel.files.wait_for_grant()
        self._waited += time.monotonic() - started

    def request_file(self, path: str) -> int:
        """Return the descriptor of a file that the pool's process opened.

        Raises:
            OSError: it could not be opened.
        """
        self._request(MessageType.OPEN_FILE, os.fsencode(path))
        return self._channel.files.receive(path)[0]

    def receive_files(self) -> tuple[FileIO, ...]:
        """Return the files of the current task."""
        self._request(MessageType.SEND_FILES)
        return to_files(self._channel.files.receive())

    def finish_task(self) -> float:
        """End the reservation; return the seconds that the task waited for memory."""
        if not self._reserved:
            return 0.0
        # The pool takes the result as a sign that the memory is available again.
        self._libc.malloc_trim()
        waited, self._waited, self._reserved = self._waited, 0.0, False
        return waited


def reserve(size: int) -> None:
    """In a worker: wait until these bytes are available beyond those of an idle worker. Elsewhere: do nothing.

    The memory is reserved until the task ends.

    Raises:
        MemoryError: the budget is smaller than that.
    """
    if WorkerClient.current is not None:
        WorkerClient.current.reserve(size)


def request_file(path: str) -> int:
    """In a worker: have the pool's process open a file by ``SandboxPolicy.open_file``; return its descriptor.

    Raises:
        OSError: it could not be opened, or this process is not a worker.
    """
    if WorkerClient.current is None:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), path)
    return WorkerClient.current.request_file(path)
