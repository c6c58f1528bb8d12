"""A run that does not end: pass after pass over the same sources, as they change. Makes no picture itself."""

import math
import os
import time
from collections.abc import Callable, Iterable, Iterator
from typing import TypeAlias

from msgspec import Struct, field
from msgspec.structs import replace

from forkresize.errors import SIGNAL_BASE, CollisionError, DestinationBusyError, ExitCode, StopRequested
from forkresize.job import Source
from forkresize.pool import signal_name
from forkresize.summary import RunStats, Summary, Tally, summarize
from forkresize.walk import QUIET_PERIOD_NS, StabilityTracker
from forkresize.walk.watcher import ChangeWatcher

SourcePredicate: TypeAlias = Callable[[Source], bool]

_RESCAN_INTERVAL = 600.0
"""Seconds after which all sources are looked at anyway: a system may lose changes if there are very many, and hears
nothing of those that another machine makes."""

_POLL_INTERVAL = 0.5
"""Seconds between two looks at files that grow."""

_RETRY_INTERVAL = 5.0
"""Seconds between two passes that can't be made, as while another run holds the destination."""

_MAX_PENDING = 10_000
"""So many paths are kept; beyond, the directories that they lie in stand for them."""


class WatchTotals(Struct):
    """What all passes come to.

    Attributes:
        tally: counts the outcomes of all.
        began: when the first began, of the clock ``time.monotonic``.
        last: what the last came to.
        workers_lost: how many workers died.
        busy_seconds: wall time that all workers together spent on pictures.
    """

    tally: Tally = field(default_factory=Tally)
    began: float = field(default_factory=time.monotonic)
    last: Summary | None = None
    workers_lost: int = 0
    busy_seconds: float = 0.0

    def add(self, summary: Summary) -> None:
        """Take note of what a pass came to."""
        self.last = summary
        self.workers_lost += summary.stats.workers_lost
        self.busy_seconds += summary.stats.busy_seconds

    def summary(self, exit_code: int, stopped_by: str) -> Summary:
        """Return what all came to.

        Args:
            exit_code: what the shell is told.
            stopped_by: what ended the last.
        """
        elapsed = time.monotonic() - self.began
        last = self.last.stats if self.last is not None else RunStats(seconds=0, workers=0)
        stats = replace(last, seconds=elapsed, workers_lost=self.workers_lost, busy_seconds=self.busy_seconds, memory=0)
        return summarize(self.tally, stats, exit_code=exit_code, stopped_by=stopped_by)


class ChangeFilter:
    """Which sources are taken in a pass: all in the first, then those that changed; of these, those that are ripe."""

    def __init__(self, ripening: StabilityTracker) -> None:
        """Begin with all of them."""
        self._ripening = ripening
        self._changed: set[str] | None = None

    def takes(self, source: Source) -> bool:
        """Return whether a source is taken."""
        path = os.path.abspath(source.path)
        return self._is_touched(path) and self._ripening.take_if_stable(path, source.size, source.mtime_ns)

    def add(self, changed: Iterable[str]) -> None:
        """Have absolute paths taken, and what lies below them."""
        if self._changed is not None:
            self._changed.update(changed)
            while len(self._changed) > _MAX_PENDING:
                self._changed = {os.path.dirname(path) for path in self._changed}

    def add_all(self) -> None:
        """Have all sources taken."""
        self._changed = None

    def is_over(self) -> None:
        """Have nothing taken but what was not ripe."""
        self._changed = set(self._ripening.unstable)

    def _is_touched(self, path: str) -> bool:
        if self._changed is None:
            return True
        while path not in self._changed:
            above = os.path.dirname(path)
            if above == path:
                return False
            path = above
        return True


class WatchLoop:
    """Passes over sources, one after another; between two, it is waited until there is something to do."""

    def __init__(
        self, make: Callable[[SourcePredicate], Summary], changes: ChangeWatcher, told: Callable[[str], object]
    ) -> None:
        """Say what a pass is.

        Args:
            make: makes a pass over the sources that a function picks.
            changes: what changes below the sources.
            told: called with what keeps a pass from being made, once until that is over.
        """
        self._make = make
        self._changes = changes
        self._told = told
        self._complaint: str | None = None
        self._ripening = StabilityTracker()
        self._turn = ChangeFilter(self._ripening)
        self._all_at = math.inf
        self._at = math.inf

    def __iter__(self) -> Iterator[Summary]:
        """Yield what each pass came to; without an end.

        Raises:
            ForkresizeError: the first pass can't be made, or none can be any more.
        """
        yield self._pass()
        while True:
            self._wait()
            try:
                yield self._pass()
            except (CollisionError, DestinationBusyError) as error:
                # Either may pass; what has changed is taken then.
                self._complain(str(error))
                self._at = time.monotonic() + _RETRY_INTERVAL

    def _pass(self) -> Summary:
        summary = self._make(self._turn.takes)
        self._turn.is_over()
        self._complaint = None
        self._at = self._all_at = time.monotonic() + _RESCAN_INTERVAL
        return summary

    def _complain(self, complaint: str) -> None:
        if complaint != self._complaint:
            self._told(complaint)
        self._complaint = complaint

    def _wait(self) -> None:
        while time.monotonic() < self._at and not self._ripening.any_stable():
            unripe = self._ripening.unstable
            left = self._at - time.monotonic()
            changed = self._changes.wait(max(0.0, min(left, _POLL_INTERVAL) if unripe else left))
            self._turn.add(changed)
            # What is known to grow is looked at in any case.
            if not changed <= unripe:
                self._at = min(self._at, time.monotonic() + QUIET_PERIOD_NS / 10**9)
        if time.monotonic() >= self._all_at:
            self._turn.add_all()


def run_until_stopped(passes: Iterable[Summary], totals: WatchTotals) -> Summary:
    """Go on until a pass is stopped by something, or a signal comes; return what all came to.

    Raises:
        ForkresizeError: no pass can be made.
    """
    try:
        for summary in passes:
            totals.add(summary)
            if summary.stopped_by is not None:
                return totals.summary(summary.exit_code, summary.stopped_by)
    except KeyboardInterrupt:
        return totals.summary(ExitCode.INTERRUPTED, "SIGINT")
    except StopRequested as stop:
        return totals.summary(SIGNAL_BASE + stop.signum, signal_name(stop.signum))
    raise AssertionError("passes have no end of their own")
