"""Where a worker's standard error goes: an anonymous file that the pool can read when the worker is dead."""

import os
import sys
import tempfile
from io import FileIO, TextIOWrapper

CAPTURED_BYTES = 4096
"""How much of the end of what a job wrote is kept."""

_MOST_BYTES = 64 << 20
"""What no decoder has to say of one picture; an anonymous file takes memory that no limit of its worker counts."""

_BLOCK = 512
"""Bytes of a block, as stat(2) counts them."""


class StderrFile:
    """An anonymous file, opened before the fork, so that both sides share it and its position."""

    def __init__(self) -> None:
        if hasattr(os, "memfd_create"):
            self._descriptor = os.memfd_create("stderr")
        else:
            with tempfile.TemporaryFile() as file:
                self._descriptor = os.dup(file.fileno())

    def fileno(self) -> int:
        """Return the file's descriptor on this side."""
        return self._descriptor

    def capture(self) -> None:
        """In the worker: let file descriptor 2 and ``sys.stderr`` write here, unbuffered."""
        os.dup2(self._descriptor, 2)
        sys.stderr = TextIOWrapper(FileIO(2, "w", closefd=False), errors="backslashreplace", write_through=True)

    def take(self) -> bytes:
        """In the worker: return the end of what was written since the last time, and empty the file."""
        if not os.lseek(self._descriptor, 0, os.SEEK_CUR):
            return b""
        text = self.read()
        os.ftruncate(self._descriptor, 0)
        os.lseek(self._descriptor, 0, os.SEEK_SET)
        return text

    def read(self) -> bytes:
        """Return the end of what was written and not taken."""
        size = os.fstat(self._descriptor).st_size
        return os.pread(self._descriptor, CAPTURED_BYTES, max(0, size - CAPTURED_BYTES))

    @property
    def is_flooded(self) -> bool:
        """Whether more was written than anybody means to be read."""
        found = os.fstat(self._descriptor)
        # What is allocated may lie behind the end.
        return max(found.st_size, found.st_blocks * _BLOCK) > _MOST_BYTES

    def close(self) -> None:
        """Close the file on this side."""
        os.close(self._descriptor)
