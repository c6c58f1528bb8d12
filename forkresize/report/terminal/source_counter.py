"""Counts the sources of a run a little at a time."""

import contextlib
import time
from collections.abc import Callable, Iterator

from forkresize.errors import ForkresizeError


class SourceCounter:
    """Add up the numbers of an iterator without a thread.

    Attributes:
        count: the sum so far.
        exhausted: whether these were all.

    Args:
        numbers: what to add up, with a 0 where no source was found yet; None if it is unknown.
        clock: returns the time in seconds.
    """

    def __init__(self, numbers: Iterator[int] | None, clock: Callable[[], float] = time.monotonic) -> None:
        self._numbers = numbers
        self._clock = clock
        self.count = 0
        self.exhausted = False

    def advance(self, seconds: float = 0.005) -> None:
        """Count for at most about this long."""
        if self._numbers is None:
            return
        deadline = self._clock() + seconds
        # The run itself meets the same error and reports it; here, the total stays unknown.
        with contextlib.suppress(ForkresizeError, OSError):
            for number in self._numbers:
                self.count += number
                if not number or self._clock() >= deadline:
                    return
            self.exhausted = True
        self._numbers = None
