"""When a run has had its time: Deadline. Stops nothing by itself."""

import time
from collections.abc import Callable


class Deadline:
    """The end of the time that a run may take.

    Attributes:
        began: when the run began, of the clock.
    """

    def __init__(self, seconds: float | None, clock: Callable[[], float] = time.monotonic) -> None:
        """Let the time begin.

        Args:
            seconds: how long it is; None for as long as it takes.
            clock: tells the time in seconds.
        """
        self._clock = clock
        self.began = clock()
        self._end = None if seconds is None else self.began + seconds

    @property
    def left(self) -> float | None:
        """Seconds that are left, at least 0; None if there is no end."""
        return None if self._end is None else max(0.0, self._end - self._clock())

    @property
    def passed(self) -> bool:
        """Whether none are left."""
        return self._end is not None and self._clock() >= self._end

    @property
    def elapsed(self) -> float:
        """Seconds since it began."""
        return self._clock() - self.began
