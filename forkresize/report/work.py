"""How much of a run's work is done, and how long the rest takes: WorkEstimate."""

import time
from collections.abc import Callable, Sequence

from forkresize.observer import Activity
from forkresize.outcome import Outcome, Pruned

_EXPONENT = 0.75
"""Measured from files of 4 kB to photographs of 1.7 MB. Larger files have more bytes per pixel, and some work is the
same for all."""

_MIN_WINDOW = 10.0
"""Seconds that the rate of work is measured over, at least; later, it is the second half of the run so far."""

_SAMPLE_INTERVAL = 0.1
_MAX_SAMPLES = 400

_MOST = 0.9
"""Of a picture that is in progress: the most that counts as done."""


def expected_work(size: int) -> float:
    """Return how much work a source of a size in bytes is, relative to others."""
    return float((size + 1) ** _EXPONENT)


class WorkEstimate:
    """Weighs sources by their sizes: the largest come first, so a count of pictures says little about the time left.

    Attributes:
        count: sources that have an outcome.
        done: the work of those that were weighed; see ``expected_work``.
        sources: how many there are in all, once the total is known.
        total: the work of all sources; None while they are not known.

    Args:
        clock: returns the time in seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.count = 0
        self.done = 0.0
        self.sources = 0
        self.total: float | None = None
        self._unweighed = 0
        self._clock = clock
        self._created = clock()
        self._executed = 0.0  # The work that workers have done.
        self._in_progress = 0.0
        self._samples: list[tuple[float, float]] = []  # Times and work, from the start of the first picture.

    def add(self, outcome: Outcome) -> None:
        """Account for a source by the outcome of its first output."""
        if outcome.rendition or isinstance(outcome.detail, Pruned):
            return
        work = expected_work(outcome.source.size)
        self.count += 1
        self.done += work
        if outcome.execution.attempts:
            if not self._samples:
                self._samples.append((self._clock() - outcome.execution.seconds, 0.0))
            self._executed += work
            self._in_progress = max(0.0, self._in_progress - work)

    def expect(self, sources: int, work: float) -> None:
        """Learn how many sources there are in all, and how much work; see ``expected_work``."""
        self.sources, self.total = sources, work

    def add_without_work(self, sources: int) -> None:
        """Account for sources that needed no work, and whose sizes are not known one by one."""
        self.count += sources
        self._unweighed += sources

    def observe(self, activities: Sequence[Activity]) -> None:
        """Account for pictures in progress; called several times per second."""
        if not self._samples:
            return
        now, rate = self._clock(), self._rate()
        running = [(activity.seconds, activity.item.source.size) for activity in activities if activity.item]
        self._in_progress = sum(
            min(_MOST * expected_work(size), seconds * rate / len(running)) for seconds, size in running
        )
        if now - self._samples[-1][0] >= _SAMPLE_INTERVAL:
            self._samples.append((now, self._executed + self._in_progress))
            if len(self._samples) > _MAX_SAMPLES:
                del self._samples[1::2]

    @property
    def fraction(self) -> float:
        """The part of the work that is done, 0 to 1; 0 while the total is not known."""
        if self.total is None:
            return 0.0
        return round(1 - self._rest(self.total) / self.total, 9) if self.total else 1.0

    @property
    def seconds_left(self) -> float | None:
        """The time that the rest takes; None while that is not known."""
        if self.total is None or not self.count:
            return None
        rest = self._rest(self.total)
        rate = self._rate() or (self.total - rest) / max(1e-9, self._clock() - self._created)
        return max(0.0, rest - self._in_progress) / rate if rate else None

    def _rest(self, total: float) -> float:
        """Return the work of the sources that have no outcome."""
        rest = max(0.0, total - self.done)
        if self._unweighed:
            left = max(0, self.sources - self.count)
            # As if those that were not weighed were like the others.
            rest *= left / (left + self._unweighed)
        return rest

    def _rate(self) -> float:
        """Return the work per second that workers do; 0 if they have done nothing."""
        if not self._samples:
            return 0.0
        now = self._clock()
        (began, _), window = self._samples[0], (now - self._samples[0][0]) / 2
        start = began if window < _MIN_WINDOW else now - window
        since, before = next(sample for sample in self._samples if sample[0] >= start or sample is self._samples[-1])
        work = self._executed + self._in_progress - before
        if work <= 0:
            since, work = began, self._executed + self._in_progress
        return work / max(1e-9, now - since)
