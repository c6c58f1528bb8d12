"""How far a run has come: counts, recent rates, time left. Draws nothing."""

from collections import deque
from collections.abc import Callable, Iterator
from typing import NamedTuple

from msgspec import Struct

from forkresize.report.terminal.source_counter import SourceCounter
from forkresize.summary import Tally

_SAMPLES = 100
"""Rates are taken over so many samples: ten seconds at ten drawings a second."""


class ProgressSnapshot(Struct, frozen=True, kw_only=True):
    """How far a run has come at one moment.

    Attributes:
        done: how many sources have their outcome.
        failed: how many of them failed.
        total: how many sources there are, or at least how many.
        exact: whether the total is all of them.
        pictures_per_second: outputs made in a second, lately.
        megapixels_per_second: millions of pixels read for them in a second, lately.
        seconds_left: until the end at the rate at which outcomes came lately; None while it can't be told.
    """

    done: int
    failed: int
    total: int
    exact: bool
    pictures_per_second: float = 0.0
    megapixels_per_second: float = 0.0
    seconds_left: float | None = None


class _Sample(NamedTuple):
    time: float
    done: int
    written: int
    pixels: int


class Progress:
    """Follows a run.

    Attributes:
        tally: what was counted so far.

    Args:
        ahead: an iterator of its own over all sources, to learn how many there are; None if that can't be known.
        clock: tells the time in seconds.
    """

    def __init__(self, ahead: Iterator[object] | None, clock: Callable[[], float]) -> None:
        self.tally = Tally()
        self._ahead = SourceCounter(ahead, clock)
        self._clock = clock
        self._samples: deque[_Sample] = deque([self._sample()], maxlen=_SAMPLES)

    def look_ahead(self) -> None:
        """Count sources for a few milliseconds."""
        self._ahead.advance()

    def take_sample(self) -> None:
        """Note where the run is now; rates are taken between the oldest and the newest such note."""
        self._samples.append(self._sample())

    def standing(self) -> ProgressSnapshot:
        """Return how far the run has come."""
        first, last = self._samples[0], self._samples[-1]
        seconds = last.time - first.time
        done = self.tally.sources
        total = max(done, self._ahead.count)
        pace = (last.done - first.done) / seconds if seconds else 0.0
        return ProgressSnapshot(
            done=done,
            failed=self.tally.failed,
            total=total,
            exact=self._ahead.exhausted,
            pictures_per_second=(last.written - first.written) / seconds if seconds else 0.0,
            megapixels_per_second=(last.pixels - first.pixels) / 1e6 / seconds if seconds else 0.0,
            seconds_left=(total - done) / pace if pace and self._ahead.exhausted else None,
        )

    def _sample(self) -> _Sample:
        tally = self.tally
        return _Sample(self._clock(), tally.sources, tally.written, tally.in_pixels)
