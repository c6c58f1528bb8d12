"""A file that may change while the gateway runs: WatchedFile."""

import os
import time
from collections.abc import Callable

_MAX_SIZE = 1 << 20
_INTERVAL = 1.0
"""Seconds between two looks at the file."""

_Stamp = tuple[int, int, int, int] | None


class WatchedFile:
    """A small file on a local disk that is read again after it has changed.

    Args:
        path: of the file.
        clock: returns seconds, as ``time.monotonic`` does.
    """

    def __init__(self, path: str, clock: Callable[[], float] = time.monotonic) -> None:
        self.path = path
        self._clock = clock
        self._stamp: _Stamp = None
        self._looked = clock()

    def read(self) -> bytes:
        """Return its content.

        Raises:
            OSError: it cannot be read.
            ValueError: it is larger than 1 MiB.
        """
        self._stamp = self._find_stamp()
        with open(self.path, "rb") as file:
            data = file.read(_MAX_SIZE + 1)
        if len(data) > _MAX_SIZE:
            raise ValueError("larger than 1 MiB")
        return data

    def has_changed(self) -> bool:
        """Return whether it is another file than the one that was read. It looks at most once a second."""
        now = self._clock()
        if now - self._looked < _INTERVAL:
            return False
        self._looked = now
        return self._find_stamp() != self._stamp

    def _find_stamp(self) -> _Stamp:
        try:
            found = os.stat(self.path)
        except OSError:
            return None
        return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns
