"""Which files have stopped growing."""

import fcntl
import os
import time
from collections.abc import Callable
from typing import NamedTuple

QUIET_PERIOD_NS = 2 * 10**9
"""Nanoseconds without a change after which a file counts as complete."""

_STALLED = 3600 * 10**9
"""Nanoseconds after which a file that is open for writing, but does not change, counts as complete."""


class _Observation(NamedTuple):
    size: int
    mtime_ns: int
    since: int


class StabilityTracker:
    """Distinguishes complete files from those that are still being written, and remembers the latter.

    A file is stable ``QUIET_PERIOD_NS`` after its last change. Its modification time says how long ago that was; a
    time in the future does not, so such a file is observed again. Where the system can say, a stable file must not be
    open for writing either.
    """

    def __init__(self, clock: Callable[[], int] = time.time_ns) -> None:
        """Create a tracker with no files. The clock returns nanoseconds since the epoch."""
        self._clock = clock
        self._unstable: dict[str, _Observation] = {}

    @property
    def unstable(self) -> frozenset[str]:
        """The paths of the remembered files."""
        return frozenset(self._unstable)

    def take_if_stable(self, path: str, size: int, mtime_ns: int) -> bool:
        """Return whether a file is stable. A stable file is forgotten, any other is remembered."""
        if self._observe(path, size, mtime_ns):
            self._unstable.pop(path, None)
            return True
        return False

    def any_stable(self) -> bool:
        """Observe the remembered files again, and return whether any is stable. Missing files are forgotten."""
        return sum(self._observe_again(path) for path in self.unstable) > 0

    def _observe_again(self, path: str) -> bool:
        try:
            found = os.stat(path)
        except OSError:
            del self._unstable[path]
            return False
        return self._observe(path, found.st_size, found.st_mtime_ns)

    def _observe(self, path: str, size: int, mtime_ns: int) -> bool:
        now = self._clock()
        seen = self._unstable.get(path)
        if seen is None or (seen.size, seen.mtime_ns) != (size, mtime_ns):
            seen = _Observation(size, mtime_ns, now)
        age = now - mtime_ns
        if max(age, now - seen.since) >= QUIET_PERIOD_NS and (age > _STALLED or not is_open_for_writing(path)):
            return True
        self._unstable[path] = seen
        return False


def is_open_for_writing(path: str) -> bool:
    """Return whether any process has a file open for writing; False where the system cannot say.

    Linux grants a read lease only on a file that no process has open for writing, if it belongs to this user and is on
    a local disk; see fcntl(2), F_SETLEASE.
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
