"""Watching: runs over the same sources, one after another, as files change."""

import math
import os
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, TypeAlias

from msgspec.structs import replace

from forkresize.batch.events import AnyObserver, EventDispatcher
from forkresize.batch.execute import execute
from forkresize.errors import CollisionError, DestinationBusyError, SourceError, StopRequested
from forkresize.exit_policy import exit_code_for_error
from forkresize.job import Source
from forkresize.pool import sigio_ignored, signal_name
from forkresize.summary import RunStats, Summary, summarize
from forkresize.tally import Tally
from forkresize.walk import QUIET_PERIOD_NS, StabilityTracker
from forkresize.walk.watcher import ChangeWatcher, SourceLostError

if TYPE_CHECKING:
    from forkresize.batch.prepare import RunPlan

SourcePredicate: TypeAlias = Callable[[Source], bool]

_RESCAN_INTERVAL = 600.0
"""Seconds after which all sources are checked again: a system may lose events under load, and reports no changes that
another machine makes on a network drive."""

_POLL_INTERVAL = 0.5
"""Seconds between two checks of files that grow."""

_RETRY_INTERVAL = 5.0
"""Seconds before a pass is tried again, for example if another run holds the destination."""

_MAX_PENDING = 10_000
"""How many changed paths are kept. Beyond that, they are replaced by their directories."""


def watch(
    plan: "RunPlan",
    observers: Iterable[AnyObserver],
    *,
    excluded: Sequence[str],
    print_status: Callable[[str], object],
) -> Summary:
    """Execute a plan, and again whenever sources change, until a signal or an early stop; return all passes' summary.

    Args:
        plan: the first pass.
        observers: follow all passes, as one run.
        excluded: paths that change without being sources, such as the destination.
        print_status: called with the reason why a pass has to wait.

    Raises:
        ForkresizeError: the first pass can't be executed, or the sources can't be watched.
    """
    tally = Tally()
    events = EventDispatcher([tally, *observers])
    plans = [plan]

    def execute_pass(accepts: SourcePredicate) -> Summary:
        settings = replace(plan.settings, source_filter=accepts)
        prepared = replace(plans.pop(), settings=settings) if plans else plan.prepare_again(settings)
        return execute(prepared, events)

    with sigio_ignored(), ChangeWatcher(plan.discovery.named, excluded) as changes:
        events.start()
        summary = run_until_stopped(WatchLoop(execute_pass, changes, print_status), tally)
        events.finish(summary)
    return summary


class ChangeFilter:
    """Accepts the sources of a pass: all in the first, then changed ones; of these, only stable ones."""

    def __init__(self, stability: StabilityTracker) -> None:
        self._stability = stability
        self._changed: set[str] | None = None

    def accepts(self, source: Source) -> bool:
        """Return whether a source belongs to the pass."""
        path = os.path.abspath(source.path)
        return self._is_changed(path) and self._stability.take_if_stable(path, source.size, source.mtime_ns)

    def add(self, changed: Iterable[str]) -> None:
        """Accept absolute paths, and all below them."""
        if self._changed is not None:
            self._changed.update(changed)
            while len(self._changed) > _MAX_PENDING:
                self._changed = {os.path.dirname(path) for path in self._changed}

    def reset_all(self) -> None:
        """Accept all sources."""
        self._changed = None

    def finish_pass(self) -> None:
        """Accept only the sources that were unstable in the pass."""
        self._changed = set(self._stability.unstable)

    def _is_changed(self, path: str) -> bool:
        if self._changed is None:
            return True
        while path not in self._changed:
            parent = os.path.dirname(path)
            if parent == path:
                return False
            path = parent
        return True


class WatchLoop:
    """Passes over sources, one after another, each as soon as there is something to do.

    Args:
        execute_pass: executes a pass over the sources that a predicate accepts.
        changes: receives changes below the sources.
        print_status: called with the reason why a pass has to wait, once until that has passed.
    """

    def __init__(
        self,
        execute_pass: Callable[[SourcePredicate], Summary],
        changes: ChangeWatcher,
        print_status: Callable[[str], object],
    ) -> None:
        self._execute_pass = execute_pass
        self._changes = changes
        self._print_status = print_status
        self._status: str | None = None
        self._stability = StabilityTracker()
        self._filter = ChangeFilter(self._stability)
        self._next_rescan = math.inf
        self._next_pass = math.inf

    def __iter__(self) -> Iterator[Summary]:
        """Yield the summary of each pass, without an end.

        Raises:
            ForkresizeError: the first pass can't be executed, or none can any more.
        """
        yield self._pass()
        while True:
            self._wait()
            try:
                yield self._pass()
            except (CollisionError, DestinationBusyError, SourceError) as error:
                # Each may pass; then all changes until now are in the pass.
                self._report(str(error))
                self._next_pass = time.monotonic() + _RETRY_INTERVAL

    def _pass(self) -> Summary:
        summary = self._execute_pass(self._filter.accepts)
        self._filter.finish_pass()
        self._status = None
        self._next_pass = self._next_rescan = time.monotonic() + _RESCAN_INTERVAL
        return summary

    def _report(self, status: str) -> None:
        if status != self._status:
            self._print_status(status)
        self._status = status

    def _wait(self) -> None:
        while time.monotonic() < self._next_pass and not self._stability.any_stable():
            unstable = self._stability.unstable
            remaining = self._next_pass - time.monotonic()
            try:
                changed = self._changes.wait(max(0.0, min(remaining, _POLL_INTERVAL) if unstable else remaining))
            except SourceLostError as error:
                self._report(str(error))
                self._changes.reopen()
                self._next_rescan = 0.0
                break
            self._filter.add(changed)
            # Files that are known to grow are polled in any case.
            if not changed <= unstable:
                self._next_pass = min(self._next_pass, time.monotonic() + QUIET_PERIOD_NS / 10**9)
        if time.monotonic() >= self._next_rescan:
            self._filter.reset_all()


def run_until_stopped(passes: Iterable[Summary], tally: Tally) -> Summary:
    """Run passes until one stops early, or a signal comes; return the summary of all.

    Args:
        passes: each executes a pass when it is taken.
        tally: counts the outcomes of all passes.

    Raises:
        ForkresizeError: a pass can't be executed.
    """
    started = time.monotonic()
    total = RunStats(seconds=0, workers=0)
    exit_code, stopped_by = 0, None
    try:
        for summary in passes:
            total, exit_code, stopped_by = _add(total, summary.stats), summary.exit_code, summary.stopped_by
            if stopped_by is not None:
                break
    except (KeyboardInterrupt, StopRequested) as stop:
        exit_code = exit_code_for_error(stop)
        stopped_by = signal_name(stop.signum) if isinstance(stop, StopRequested) else "SIGINT"
    stats = replace(total, seconds=time.monotonic() - started, memory=0)
    return summarize(tally, stats, exit_code=exit_code, stopped_by=stopped_by)


def _add(total: RunStats, last: RunStats) -> RunStats:
    return replace(
        last,
        workers_lost=total.workers_lost + last.workers_lost,
        busy_seconds=total.busy_seconds + last.busy_seconds,
        memory_peak=max(total.memory_peak, last.memory_peak),
    )
