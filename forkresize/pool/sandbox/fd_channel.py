"""Passes open files between the pool and a worker, by SCM_RIGHTS: FdChannel. Also grants memory to a waiting worker."""

import contextlib
import errno
import os
import socket
import struct
import time
from collections.abc import Sequence
from contextlib import AbstractContextManager
from io import FileIO

_STATUS = struct.Struct("=i")
"""0 with descriptors, or an errno without."""

_GRANT = b"+"
_RESULT = b"f"

_MAX_DESCRIPTORS = 253
"""How many the kernel passes with one message, SCM_MAX_FD."""

_PATIENCE = 60.0
_PARENT_PATIENCE = 2.0
"""Seconds for which a worker tries again to pass files while too many are on their way, and the pool's process, which
others wait for."""

_PAUSE = 0.01
"""Seconds between two attempts."""

_CLOSE_ON_EXEC = getattr(socket, "MSG_CMSG_CLOEXEC", 0)
NO_SIGPIPE = getattr(socket, "MSG_NOSIGNAL", 0)
"""Without it, a write to a dead peer would end a process in which SIGPIPE has its default handling."""


def receive_fds(end: socket.socket, size: int) -> tuple[bytes, list[int]]:
    """Return what one read of a socket brings: bytes, at most this many, and descriptors.

    Raises:
        OSError: as ``recvmsg``; EMFILE if this process has too many open files for the descriptors, which are lost.
    """
    data, descriptors, flags, _ = socket.recv_fds(end, size, _MAX_DESCRIPTORS, _CLOSE_ON_EXEC)
    if flags & socket.MSG_CTRUNC:
        for descriptor in descriptors:
            os.close(descriptor)
        raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))
    return data, descriptors


def send_fds(end: socket.socket, data: bytes | memoryview, descriptors: Sequence[int], patience: float = 0.0) -> int:
    """Send bytes and descriptors; return how many bytes were sent.

    The kernel counts the descriptors that are on their way in all processes of a user, and compares them with the limit
    of open files of the one that sends. So others may be the cause that it refuses, and that passes.

    Args:
        end: the socket.
        data: at least one byte, which the descriptors travel with.
        descriptors: of open files.
        patience: seconds for which it is tried again while too many descriptors are on their way.

    Raises:
        OSError: as ``sendmsg``; ETOOMANYREFS if that lasts.
    """
    deadline = time.monotonic() + patience
    while True:
        try:
            return socket.send_fds(end, [data], descriptors, NO_SIGPIPE)
        except OSError as error:
            if error.errno != errno.ETOOMANYREFS or time.monotonic() >= deadline:
                raise
        time.sleep(_PAUSE)


class FdChannel:
    """A socket pair for descriptors, beside the message socket of one worker. Only the worker's end blocks."""

    def __init__(self) -> None:
        self.parent_end, self.worker_end = socket.socketpair()
        self.parent_end.setblocking(False)

    def send(self, opening: AbstractContextManager[Sequence[FileIO]]) -> None:
        """In the pool's process: answer a request for files, or pass on why they cannot be opened.

        Args:
            opening: opens the files when it is entered, or raises an OSError.
        """
        # A worker that died, or requests files without receiving them, gets none.
        with contextlib.suppress(OSError):
            try:
                with opening as files:
                    descriptors = [file.fileno() for file in files]
                    send_fds(self.parent_end, _STATUS.pack(0), descriptors, _PARENT_PATIENCE)
            except (OSError, ValueError) as error:
                number = error.errno if isinstance(error, OSError) else errno.EINVAL
                self.parent_end.send(_STATUS.pack(number or errno.EACCES), NO_SIGPIPE)

    def receive(self, path: str | None = None) -> list[int]:
        """In the worker: wait for the answer to a request; return the descriptors.

        Args:
            path: what was requested, for the error.

        Raises:
            OSError: the pool's process could not open it, or this process has too many open files.
        """
        message, descriptors = receive_fds(self.worker_end, _STATUS.size)
        number = _STATUS.unpack(message)[0] if message else errno.EPIPE
        if number or not descriptors:
            raise OSError(number or errno.EACCES, os.strerror(number or errno.EACCES), path)
        return descriptors

    def grant(self) -> None:
        """In the pool's process: let a worker that waits for memory continue."""
        # It may have died.
        with contextlib.suppress(OSError):
            self.parent_end.send(_GRANT, NO_SIGPIPE)

    def wait_for_grant(self) -> None:
        """In the worker: wait for memory.

        Raises:
            BrokenPipeError: the pool is closed.
        """
        if not self.worker_end.recv(len(_GRANT)):
            raise BrokenPipeError

    def send_result(self, files: Sequence[FileIO]) -> None:
        """In the worker: pass the files of a result, right before its message; see ``send_fds``.

        Raises:
            OSError: they cannot be passed.
        """
        send_fds(self.worker_end, _RESULT, [file.fileno() for file in files], _PATIENCE)

    def receive_result(self) -> list[int]:
        """In the pool's process: return the descriptors of a result's files; none if they did not arrive."""
        try:
            return receive_fds(self.parent_end, len(_RESULT))[1]
        except OSError:
            return []

    def close(self) -> None:
        """Close both ends on this side."""
        self.parent_end.close()
        self.worker_end.close()
