"""The progress of a run: counts, recent rates, time left."""

from collections import deque
from collections.abc import Callable
from typing import NamedTuple

from msgspec import Struct

from forkresize.outcome import Outcome
from forkresize.report.terminal.source_counter import SourceCounter
from forkresize.report.work import WorkEstimate
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
        fraction: the part of the work that is done, 0 to 1: sources are weighed by their sizes.
        pictures_per_second: recent rate of written outputs.
        megapixels_per_second: recent rate of source pixels, in millions.
        seconds_left: estimated from the rate of work; None if unknown.
    """

    done: int
    failed: int
    total: int
    exact: bool
    fraction: float = 0.0
    pictures_per_second: float = 0.0
    megapixels_per_second: float = 0.0
    seconds_left: float | None = None


class _Sample(NamedTuple):
    time: float
    written: int
    pixels: int


class Progress:
    """Compute rates and the time left.

    Attributes:
        tally: counts the outcomes.
        work: weighs them.

    Args:
        sources: counts the sources.
        clock: returns the time in seconds.
    """

    def __init__(self, sources: SourceCounter, clock: Callable[[], float]) -> None:
        self.tally = Tally()
        self.work = WorkEstimate(clock)
        self._sources = sources
        self._clock = clock
        self._samples: deque[_Sample] = deque([self._sample()], maxlen=_MAX_SAMPLES)

    def add(self, outcome: Outcome) -> None:
        """Account for an outcome."""
        self.tally(outcome)
        self.work.add(outcome)

    def add_unchanged(self, sources: int, outputs: int) -> None:
        """Account for sources whose outputs are all up to date."""
        self.tally.add_unchanged(sources, outputs)
        self.work.add_without_work(sources)

    def take_sample(self) -> None:
        """Record the current counts. Rates are computed between the oldest and the newest sample."""
        self._samples.append(self._sample())

    def snapshot(self) -> ProgressSnapshot:
        """Return the current progress."""
        first, last = self._samples[0], self._samples[-1]
        seconds = last.time - first.time
        done = self.tally.sources
        total = max(done, self._sources.count)
        if self._sources.exhausted:
            self.work.expect(self._sources.count, self._sources.work)
        return ProgressSnapshot(
            done=done,
            failed=self.tally.failed,
            total=total,
            exact=self._sources.exhausted,
            fraction=self.work.fraction,
            pictures_per_second=(last.written - first.written) / seconds if seconds else 0.0,
            megapixels_per_second=(last.pixels - first.pixels) / 1e6 / seconds if seconds else 0.0,
            seconds_left=self.work.seconds_left,
        )

    def _sample(self) -> _Sample:
        tally = self.tally
        return _Sample(self._clock(), tally.written, tally.in_pixels)
