"""Whether requests are a burst, which a queue takes, or an overload, which makes everyone wait: Pressure."""

import time
from collections.abc import Callable

_BURST = 0.3
"""Seconds for which pictures are refused at least before that is an overload."""

_CALM = 0.1
"""Seconds without pause for which there has to be room for a picture until an overload is over."""

_FEWEST = 10
"""Pictures that are refused at least before that is an overload."""

_FACTOR = 2


class Pressure:
    """Distinguishes an overload from a burst, given the pictures that are refused.

    The pictures of a page come at once, perhaps more than may wait, and then no more. In an overload, twice as many
    pictures are refused as may wait, for some time, and at no time a worker has nothing to do.

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
        self._room_since: float | None = None

    def note_room(self, *, has_room: bool) -> bool:
        """Note whether a picture that came now would not have to wait; return whether it is an overload."""
        if not self._refused:
            return False
        now = self._clock()
        if has_room and self._room_since is None:
            self._room_since = now
        if self._room_since is not None and now - self._room_since >= _CALM:
            self.is_high = False
            self._refused = 0
        if not has_room or not self._refused:
            self._room_since = None
        return self.is_high

    def note_refusal(self) -> bool:
        """Note that a picture is refused; return whether an overload begins."""
        now = self._clock()
        if not self._refused:
            self._refused_since = now
        self._refused += 1
        if self.is_high or self._refused < self._many or now - self._refused_since < _BURST:
            return False
        self.is_high = True
        return True
