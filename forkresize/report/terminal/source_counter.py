"""Counts the sources of a run a little at a time."""

import contextlib
import time
from collections.abc import Callable, Iterator

from forkresize.errors import ForkresizeError
from forkresize.report.work import expected_work


class SourceCounter:
    """Count the sizes of an iterator, and add up the work that they mean, without a thread.

    Attributes:
        count: how many there were so far.
        work: their work; see ``expected_work``.
        exhausted: whether these were all.

    Args:
        sizes: the size of each source in bytes, and None where none was found yet; None if nothing is known.
        clock: returns the time in seconds.
    """

    def __init__(self, sizes: Iterator[int | None] | None, clock: Callable[[], float] = time.monotonic) -> None:
        self._sizes = sizes
        self._clock = clock
        self.count = 0
        self.work = 0.0
        self.exhausted = False

    def advance(self, seconds: float = 0.005) -> None:
        """Count for at most about this long."""
        if self._sizes is None:
            return
        deadline = self._clock() + seconds
        # The run itself meets the same error and reports it; here, the total stays unknown.
        with contextlib.suppress(ForkresizeError, OSError):
            for size in self._sizes:
                if size is None:
                    return
                self.count += 1
                self.work += expected_work(size)
                if self._clock() >= deadline:
                    return
            self.exhausted = True
        self._sizes = None
