"""Counts what is still to come, a little at a time. Draws nothing."""

import contextlib
import time
from collections.abc import Callable, Iterator

from forkresize.errors import ForkresizeError


class SourceCounter:
    """Learns how many items an iterator holds without a thread and without keeping one.

    Attributes:
        count: how many there are at least.
        exhausted: whether there are no more.

    Args:
        items: what to count; None if nothing is known of what is to come.
        clock: tells the time in seconds.
    """

    def __init__(self, items: Iterator[object] | None, clock: Callable[[], float] = time.monotonic) -> None:
        self._items = items
        self._clock = clock
        self.count = 0
        self.exhausted = False

    def advance(self, seconds: float = 0.005) -> None:
        """Count on for at most about this long."""
        if self._items is None:
            return
        deadline = self._clock() + seconds
        # Whoever walks for the sake of the pictures meets the same error and tells of it; the total stays unknown.
        with contextlib.suppress(ForkresizeError, OSError):
            for _ in self._items:
                self.count += 1
                if self._clock() >= deadline:
                    return
            self.exhausted = True
        self._items = None
