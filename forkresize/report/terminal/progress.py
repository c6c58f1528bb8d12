"""The progress of a run: counts, recent rates, time left."""

from collections import deque
from collections.abc import Callable
from typing import NamedTuple

from msgspec import Struct

from forkresize.report.terminal.source_counter import SourceCounter
from forkresize.tally import Tally

_MAX_SAMPLES = 100
"""Samples that rates are computed from: ten seconds at ten drawings per second."""


class ProgressSnapshot(Struct, frozen=True, kw_only=True):
    """The progress of a run at one moment.

    Attributes:
        done: sources that have an outcome.
        failed: failures among the outcomes.
        total: number of sources, or a lower bound.
        exact: whether the total is exact.
        pictures_per_second: recent rate of written outputs.
        megapixels_per_second: recent rate of source pixels, in millions.
        seconds_left: estimated from the recent rate of outcomes; None if unknown.
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
    """Compute rates and the time left from a tally.

    Attributes:
        tally: counts the outcomes.

    Args:
        sources: counts the sources.
        clock: returns the time in seconds.
    """

    def __init__(self, sources: SourceCounter, clock: Callable[[], float]) -> None:
        self.tally = Tally()
        self._sources = sources
        self._clock = clock
        self._samples: deque[_Sample] = deque([self._sample()], maxlen=_MAX_SAMPLES)

    def take_sample(self) -> None:
        """Record the current counts. Rates are computed between the oldest and the newest sample."""
        self._samples.append(self._sample())

    def snapshot(self) -> ProgressSnapshot:
        """Return the current progress."""
        first, last = self._samples[0], self._samples[-1]
        seconds = last.time - first.time
        done = self.tally.sources
        total = max(done, self._sources.count)
        rate = (last.done - first.done) / seconds if seconds else 0.0
        return ProgressSnapshot(
            done=done,
            failed=self.tally.failed,
            total=total,
            exact=self._sources.exhausted,
            pictures_per_second=(last.written - first.written) / seconds if seconds else 0.0,
            megapixels_per_second=(last.pixels - first.pixels) / 1e6 / seconds if seconds else 0.0,
            seconds_left=(total - done) / rate if rate and self._sources.exhausted else None,
        )

    def _sample(self) -> _Sample:
        tally = self.tally
        return _Sample(self._clock(), tally.sources, tally.written, tally.in_pixels)
