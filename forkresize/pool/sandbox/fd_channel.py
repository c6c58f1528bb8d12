"""How the pool opens a file for a worker that may not, and passes it on. Decides nothing about which."""

import contextlib
import errno
import os
import socket
import struct
from collections.abc import Callable
from io import FileIO

_VERDICT = struct.Struct("=i")
"""0 with a descriptor, or the number of an error without."""


class FdChannel:
    """A socket pair for descriptors, beside the pipe of one worker.

    Attributes:
        near: the pool's end; it never blocks.
        far: the worker's end.
    """

    def __init__(self) -> None:
        self.near, self.far = socket.socketpair()
        self.near.setblocking(False)

    def lend(self, opened: Callable[[], FileIO]) -> None:
        """In the pool's process: open a file and pass it, or why it can't be had.

        Args:
            opened: returns the file or raises an OSError.
        """
        # A worker that has died, or asks without taking, gets none.
        with contextlib.suppress(OSError):
            try:
                with opened() as file:
                    socket.send_fds(self.near, [_VERDICT.pack(0)], [file.fileno()])
            except OSError as error:
                self.near.send(_VERDICT.pack(error.errno or errno.EACCES))

    def take(self, path: str) -> int:
        """In the worker: wait for what was asked for; return its descriptor.

        Raises:
            OSError: it can't be had; the pool's process has tried.
        """
        message, descriptors, _, _ = socket.recv_fds(self.far, _VERDICT.size, 1)
        number = _VERDICT.unpack(message)[0] if message else errno.EPIPE
        if number or not descriptors:
            raise OSError(number or errno.EACCES, os.strerror(number or errno.EACCES), path)
        return descriptors[0]

    def close(self) -> None:
        """Close both ends on this side."""
        self.near.close()
        self.far.close()
