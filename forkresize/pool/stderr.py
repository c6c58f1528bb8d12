"""A worker's standard error: an anonymous file that the pool's process can read after the worker's death."""

import os
import sys
from io import FileIO, TextIOWrapper

CAPTURED_BYTES = 4096
"""How much of the end of a task's output is kept."""

MAX_BYTES = 64 << 20
"""Maximum output per task. The file is not counted against the worker's memory limit, so it could exhaust memory."""

_BLOCK = 512
"""Bytes of a block in stat(2)."""


class StderrFile:
    """An anonymous file. Opened before the fork, so that both sides share it and its position."""

    def __init__(self) -> None:
        if hasattr(os, "memfd_create"):
            self._descriptor = os.memfd_create("stderr")
        else:
            import tempfile

            with tempfile.TemporaryFile() as file:
                self._descriptor = os.dup(file.fileno())

    def fileno(self) -> int:
        """Return the file's descriptor."""
        return self._descriptor

    def capture(self) -> None:
        """In the worker: redirect descriptor 2 and ``sys.stderr`` to the file, unbuffered."""
        os.dup2(self._descriptor, 2)
        sys.stderr = TextIOWrapper(FileIO(2, "w", closefd=False), errors="backslashreplace", write_through=True)

    def drain(self) -> bytes:
        """In the worker: return the end of what was written since the last call, and empty the file."""
        if not os.lseek(self._descriptor, 0, os.SEEK_CUR):
            return b""
        text = self.read()
        os.ftruncate(self._descriptor, 0)
        os.lseek(self._descriptor, 0, os.SEEK_SET)
        return text

    def read(self) -> bytes:
        """Return the end of what was written and not drained."""
        size = os.fstat(self._descriptor).st_size
        return os.pread(self._descriptor, CAPTURED_BYTES, max(0, size - CAPTURED_BYTES))

    @property
    def over_limit(self) -> bool:
        """Whether the file is larger than any task's output may be."""
        found = os.fstat(self._descriptor)
        # Blocks may be allocated past the end.
        return max(found.st_size, found.st_blocks * _BLOCK) > MAX_BYTES

    @property
    def device(self) -> int:
        """The device of the file: on Linux, that of all memfds."""
        return os.fstat(self._descriptor).st_dev

    def close(self) -> None:
        """Close the file on this side."""
        os.close(self._descriptor)
