"""Counts the sources of a run a little at a time."""

import contextlib
import time
from collections.abc import Callable, Iterator

from forkresize.errors import ForkresizeError


class SourceCounter:
    """Count the items of an iterator without a thread and without keeping them.

    Attributes:
        count: how many items were counted so far.
        exhausted: whether these are all.

    Args:
        items: what to count; None if it is unknown.
        clock: returns the time in seconds.
    """

    def __init__(self, items: Iterator[object] | None, clock: Callable[[], float] = time.monotonic) -> None:
        self._items = items
        self._clock = clock
        self.count = 0
        self.exhausted = False

    def advance(self, seconds: float = 0.005) -> None:
        """Count for at most about this long."""
        if self._items is None:
            return
        deadline = self._clock() + seconds
        # The run itself meets the same error and reports it; here, the total stays unknown.
        with contextlib.suppress(ForkresizeError, OSError):
            for _ in self._items:
                self.count += 1
                if self._clock() >= deadline:
                    return
            self.exhausted = True
        self._items = None
