"""What one worker and the pool share: Station, made before the fork. Knows neither side's work."""

import contextlib
import socket

from msgspec import Struct

from forkresize.pool.sandbox import FdChannel
from forkresize.pool.shared import CurrentTask
from forkresize.pool.stderr import StderrFile

# Without it, a write to a dead peer would end a process that has SIGPIPE's default handling.
NO_SIGPIPE = getattr(socket, "MSG_NOSIGNAL", 0)

GRANT = b"+"
"""What the pool says to a worker that waits for memory, on the way by which files are lent."""


class WorkerChannel(Struct, frozen=True):
    """What one worker and the pool share; nobody else does, so there is no lock that a dead worker could hold.

    Attributes:
        near: the pool's end of the pipe; it never blocks, not even on a worker stopped half-way through a frame.
        far: the worker's end; it blocks.
        slot: which job the worker is on.
        stderr: where its standard error goes.
        lending: by which the worker gets files that it may not open itself.
    """

    near: socket.socket
    far: socket.socket
    slot: CurrentTask
    stderr: StderrFile
    lending: FdChannel

    @classmethod
    def open(cls) -> "WorkerChannel":
        """Make a station.

        Raises:
            OSError: this process has too many files open.
        """
        with contextlib.ExitStack() as cleanup:
            near, far = (cleanup.enter_context(end) for end in socket.socketpair())
            near.setblocking(False)
            station = cls(near, far, CurrentTask(), StderrFile(), FdChannel())
            cleanup.pop_all()
        return station

    @property
    def kept(self) -> frozenset[int]:
        """The descriptors that the worker needs."""
        return frozenset((self.far.fileno(), self.stderr.fileno(), self.lending.far.fileno()))

    def close(self) -> None:
        """Close all of it on this side."""
        self.near.close()
        self.far.close()
        self.slot.close()
        self.stderr.close()
        self.lending.close()
