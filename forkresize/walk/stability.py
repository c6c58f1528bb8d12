"""Which files have stopped growing: Ripening. Takes none and moves none."""

import fcntl
import os
import time
from collections.abc import Callable
from typing import NamedTuple

QUIET_PERIOD_NS = 2 * 10**9
"""Nanoseconds in which a file must not change, to be taken for whole."""

_STALLED = 3600 * 10**9
"""Nanoseconds after which a file that is open for writing, but is not written to, is taken all the same."""


class _Seen(NamedTuple):
    size: int
    mtime_ns: int
    since: int


class StabilityTracker:
    """Tells files that have stopped growing from those that are still being written, and keeps the latter in mind.

    A file is ripe two seconds after its last change. Its own time tells how long ago that was; where that can't be, as
    its time is in the future, it is looked at again. It must not be open for writing either, where the system tells.
    """

    def __init__(self, clock: Callable[[], int] = time.time_ns) -> None:
        """Begin with an empty mind.

        Args:
            clock: tells the time in nanoseconds since the epoch.
        """
        self._clock = clock
        self._unripe: dict[str, _Seen] = {}

    @property
    def unripe(self) -> frozenset[str]:
        """The paths of the files that are kept in mind."""
        return frozenset(self._unripe)

    def take(self, path: str, size: int, mtime_ns: int) -> bool:
        """Return whether a file is ripe; if so it is forgotten, else kept in mind.

        Args:
            path: where it is.
            size: in bytes.
            mtime_ns: time of last modification in nanoseconds since the epoch.
        """
        if self._look(path, size, mtime_ns):
            self._unripe.pop(path, None)
            return True
        return False

    def any_ripe(self) -> bool:
        """Look at those kept in mind again; return whether one of them is ripe. Those that are gone are forgotten."""
        return sum(self._look_again(path) for path in self.unripe) > 0

    def _look_again(self, path: str) -> bool:
        try:
            found = os.stat(path)
        except OSError:
            del self._unripe[path]
            return False
        return self._look(path, found.st_size, found.st_mtime_ns)

    def _look(self, path: str, size: int, mtime_ns: int) -> bool:
        now = self._clock()
        seen = self._unripe.get(path)
        if seen is None or (seen.size, seen.mtime_ns) != (size, mtime_ns):
            seen = _Seen(size, mtime_ns, now)
        age = now - mtime_ns
        if max(age, now - seen.since) >= QUIET_PERIOD_NS and (age > _STALLED or not is_open_for_writing(path)):
            return True
        self._unripe[path] = seen
        return False


def is_open_for_writing(path: str) -> bool:
    """Return whether any process has a file open for writing; False where that can't be told.

    Linux grants a read lease on a file that nobody can write to, if it belongs to this user and lies on a local disk;
    see fcntl(2), F_SETLEASE.
    """
    if not hasattr(fcntl, "F_SETLEASE"):
        return False
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError:
        return False
    try:
        fcntl.fcntl(descriptor, fcntl.F_SETLEASE, fcntl.F_RDLCK)
    except BlockingIOError:
        return True
    except OSError:
        return False
    finally:
        os.close(descriptor)
    return False
