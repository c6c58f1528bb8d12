"""What the pool's process and one worker share: WorkerChannel, created before the fork; and its end in the parent."""

import contextlib
import socket
from collections.abc import Iterator

from msgspec import Struct

from forkresize.pool.protocol import FrameReader, WorkerMessage
from forkresize.pool.sandbox.fd_channel import NO_SIGPIPE, FdChannel
from forkresize.pool.shared import CurrentTask
from forkresize.pool.stderr import StderrFile

_CHUNK = 1 << 16
_MAX_READS = 1 << 10
"""More than a socket buffers; ends the reading of a worker that never stops writing."""


class WorkerChannel(Struct, frozen=True):
    """What the pool's process and one worker share. No other worker uses it, so it needs no lock."""

    parent_end: socket.socket  # Never blocks, even if the worker is stopped within a frame.
    worker_end: socket.socket  # Blocks.
    current: CurrentTask
    stderr: StderrFile
    files: FdChannel

    @classmethod
    def open(cls) -> "WorkerChannel":
        """Create a channel.

        Raises:
            OSError: too many open files.
        """
        with contextlib.ExitStack() as cleanup:
            parent_end, worker_end = (cleanup.enter_context(end) for end in socket.socketpair())
            parent_end.setblocking(False)
            current, stderr = CurrentTask(), StderrFile()
            cleanup.callback(stderr.close)
            channel = cls(parent_end, worker_end, current, stderr, FdChannel())
            cleanup.pop_all()
        return channel

    @property
    def worker_fds(self) -> frozenset[int]:
        """The descriptors that the worker needs."""
        return frozenset((self.worker_end.fileno(), self.stderr.fileno(), self.files.worker_end.fileno()))

    def close(self) -> None:
        """Close everything on this side."""
        self.parent_end.close()
        self.worker_end.close()
        self.current.close()
        self.stderr.close()
        self.files.close()


class ParentEnd:
    """The parent's end of a worker's message socket: unsent frames, and what has arrived of messages."""

    def __init__(self, end: socket.socket, reader: FrameReader) -> None:
        self.eof = False  # Whether the worker's end is closed.
        self._socket = end
        self._reader = reader
        self._unsent: list[bytes | memoryview] = []

    @property
    def corrupt(self) -> bool:
        """Whether something else than messages arrived."""
        return self._reader.corrupt

    def send(self, frame: bytes) -> None:
        """Queue a frame; flush() sends it."""
        self._unsent.append(frame)

    def flush(self) -> bool:
        """Send what the socket has room for; return whether everything is sent."""
        data = self._unsent[0] if len(self._unsent) == 1 else b"".join(self._unsent)
        try:
            sent = self._socket.send(data, NO_SIGPIPE)
        except BlockingIOError:
            sent = 0
        except OSError:
            # The worker is dead, which the next read shows; its tasks are then handed to another.
            sent = len(data)
        self._unsent = [memoryview(data)[sent:]] if sent < len(data) else []
        return not self._unsent

    def receive(self) -> Iterator[WorkerMessage]:
        """Yield the messages that one read completes, if any."""
        return self._reader.feed(self._read() or b"")

    def drain(self) -> Iterator[WorkerMessage]:
        """Yield all messages that have arrived."""
        for _ in range(_MAX_READS):
            data = self._read()
            if not data:
                return
            yield from self._reader.feed(data)

    def _read(self) -> bytes | None:
        for _ in range(2):
            try:
                data = self._socket.recv(_CHUNK)
            except BlockingIOError:
                return None
            except ConnectionResetError:
                # Raised once if the peer had unread input; what it wrote before can still be read.
                continue
            self.eof = not data
            return data
        self.eof = True
        return b""
