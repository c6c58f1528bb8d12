"""Whether requests are a burst, which a queue takes, or an overload, which makes everyone wait: Pressure."""

import math
import time
from collections.abc import Callable

_BURST = 0.3
"""Seconds for which pictures are refused at least before that is an overload."""

_ENOUGH = 0.5
"""The share of time in which there has to be room for a picture until an overload is over. A worker without a queue is
idle for half of the time if it is asked for just what it can do."""

_MEMORY = 0.25
"""Seconds after which a moment counts for 1/e in this share."""

_FEWEST = 10
"""Pictures that are refused at least before that is an overload."""

_FACTOR = 2


class Pressure:
    """Distinguishes an overload from a burst, given the pictures that are refused.

    The pictures of a page come at once, perhaps more than may wait, and then no more. In an overload, twice as many
    pictures are refused as may wait, for some time, and there is hardly ever room for another one.

    Args:
        waiting: pictures that may wait.
        clock: returns seconds.

    Attributes:
        is_high: whether it is an overload.
    """

    def __init__(self, waiting: int, clock: Callable[[], float] = time.monotonic) -> None:
        self.is_high = False
        self._clock = clock
        self._many = max(_FEWEST, _FACTOR * waiting)
        self._refused = 0
        self._refused_since = 0.0
        # As of the last time that this was noted.
        self._share = self._noted = 0.0
        self._has_room = False

    def note_room(self, *, has_room: bool) -> bool:
        """Note whether a picture that came now would not have to wait; return whether it is an overload."""
        if not self._refused:
            return False
        now = self._clock()
        self._share = self._find_share(now)
        self._noted, self._has_room = now, has_room
        if self._share >= _ENOUGH:
            self.is_high = False
            self._refused = 0
        return self.is_high

    def note_refusal(self) -> bool:
        """Note that a picture is refused; return whether an overload begins."""
        now = self._clock()
        if not self._refused:
            self._refused_since = self._noted = now
            self._share, self._has_room = 0.0, False
        self._refused += 1
        if self.is_high or self._refused < self._many or now - self._refused_since < _BURST:
            return False
        self.is_high = True
        return True

    @property
    def is_over(self) -> bool:
        """Whether the next note will end the overload. Other threads may read it."""
        return self._find_share(self._clock()) >= _ENOUGH

    def _find_share(self, now: float) -> float:
        """Return the share of time in which there was room; the last moments count most."""
        kept = math.exp((self._noted - now) / _MEMORY)
        return self._share * kept + self._has_room * (1 - kept)
