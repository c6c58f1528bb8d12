"""The time for which a run may write to a destination."""

import errno
import threading
import time

from forkresize.store.info import ObjectInfo


def now() -> float:
    """Return seconds of a clock that cannot be set, and that goes on while the machine sleeps, where it can be read."""
    clock = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
    return time.clock_gettime(clock)


class Lease:
    """What a run knows of its lock. Thread-safe.

    Args:
        lock: the lock object as it was last put.
        until: the time of ``now`` at which others may take the lock over.
        seconds: for which each renewal is good, for the error.

    Attributes:
        lock: the lock object as it was last put.
    """

    def __init__(self, lock: ObjectInfo, until: float, seconds: float) -> None:
        self.lock = lock
        self._until = until
        self._seconds = seconds
        self._is_lost = False
        self._changing = threading.Lock()

    def renew(self, lock: ObjectInfo, until: float) -> None:
        """Note that the lock object was put again."""
        with self._changing:
            self.lock = lock
            self._until = until

    def lose(self) -> None:
        """Note that another run has taken the lock over."""
        self._is_lost = True

    def check(self, location: str) -> None:
        """Check that the run may write.

        Raises:
            OSError: with EPERM, since another run holds the destination, or may do so.
        """
        if self._is_lost:
            raise OSError(
                errno.EPERM, "another run has taken over the destination, since this one stood still", location
            )
        if now() > self._until:
            problem = f"the lock of the destination could not be renewed for {self._seconds:.0f} seconds"
            raise OSError(errno.EPERM, problem, location)
