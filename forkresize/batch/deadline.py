"""The deadline of a run."""

import time
from collections.abc import Callable


class Deadline:
    """The end of a run's time. Creating it starts the clock.

    Args:
        seconds: how long the run may take; None for no limit.
        clock: returns the time in seconds.
    """

    def __init__(self, seconds: float | None, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._started = clock()
        self._end = None if seconds is None else self._started + seconds

    @property
    def remaining(self) -> float | None:
        """Seconds until the end, at least 0; None if there is no limit."""
        return None if self._end is None else max(0.0, self._end - self._clock())

    @property
    def expired(self) -> bool:
        """Whether the time is over."""
        return self._end is not None and self._clock() >= self._end

    @property
    def elapsed(self) -> float:
        """Seconds since the run began."""
        return self._clock() - self._started
