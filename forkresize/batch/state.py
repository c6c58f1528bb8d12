"""How a run is going: who is told, whether it has to stop, what it came to. Does no work on a picture."""

import contextlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Protocol, TypeAlias

from forkresize.batch.deadline import Deadline
from forkresize.batch.settings import Settings
from forkresize.errors import SIGNAL_BASE, ExitCode, ForkresizeError
from forkresize.image.render import preload
from forkresize.job import Job, Output
from forkresize.observer import Activity, Observer, as_observer
from forkresize.outcome import Failed, Outcome, Planned
from forkresize.pool import signal_name
from forkresize.recipe import Recipe
from forkresize.summary import ExitPolicy, RunStats, Summary, Tally, summarize

AnyObserver: TypeAlias = Observer | Callable[[Outcome], object]
"""An observer, or a function to call with every outcome."""


class Stoppable(Protocol):
    """What may have been told to hand out no more."""

    @property
    def stopping(self) -> bool:
        """Whether it was told."""

    def stop(self) -> None:
        """Tell it."""


class RunState:
    """How a run is going."""

    def __init__(
        self, recipe: Recipe, observers: Iterable[AnyObserver], settings: Settings, deadline: Deadline
    ) -> None:
        self._recipe = recipe
        self._deadline = deadline
        self._handed_out = 0
        self._all_seen = True
        self._tally = Tally()
        self._observers = [as_observer(observer) for observer in (self._tally, *observers)]
        self._ticked = [observer for observer in self._observers if type(observer).on_tick is not Observer.on_tick]
        self._max_errors = settings.max_errors
        self._demands = ExitPolicy(strict=settings.strict, not_empty=settings.error_on_empty)
        self._stop: tuple[ExitCode, str] | None = None
        self._refused: str | None = None

    @property
    def on_tick(self) -> Callable[[Sequence[Activity]], None] | None:
        """Tells what the workers are doing to those that want to know; None if nobody does."""
        return self._tick if self._ticked else None

    @property
    def must_stop(self) -> bool:
        """Whether it is of no use to go on, or there is no time for what is left."""
        return self._stop is not None or self._is_late

    @property
    def time_left(self) -> float | None:
        """Seconds in which jobs may be handed out; None if there is no end."""
        return self._deadline.left

    @property
    def _is_late(self) -> bool:
        return self._deadline.passed and (self._handed_out > 0 or not self._all_seen)

    def tell(self, outcome: Outcome) -> None:
        """Tell all observers of an outcome."""
        for observer in self._observers:
            observer.on_outcome(outcome)
        # Once reached it stays so, even if what runs dilutes the share of failures.
        self._stop = self._stop or self._reason_to_stop(outcome)

    def refuse(self, told: str) -> None:
        """Take note that something is not done that was asked for, though the run comes to its end."""
        self._refused = told

    @contextlib.contextmanager
    def ended_by(self, kind: type[ForkresizeError]) -> Iterator[None]:
        """End the run with an error of this kind, in good order: what is under way is still told of."""
        try:
            yield
        except kind as error:
            self._stop = self._stop or (error.exit_code, str(error))

    def _reason_to_stop(self, outcome: Outcome) -> tuple[ExitCode, str] | None:
        if isinstance(outcome.detail, Failed) and outcome.detail.fatal:
            return ExitCode.FATAL, outcome.error
        if self._max_errors is not None and self._max_errors.reached(self._tally.failed, self._tally.outputs):
            return ExitCode.MAX_ERRORS, "--max-errors"
        return None

    def start(self) -> None:
        """Announce the start of the run to all observers."""
        for observer in self._observers:
            observer.on_start()

    def on_waiting(self) -> None:
        """Announce to all observers that the run waits for another one."""
        for observer in self._observers:
            observer.on_waiting()

    def finish(self, stats: RunStats, interrupted: int | None = None) -> Summary:
        """Return the summary, after all observers have handled it."""
        summary = self.summary(stats, interrupted)
        for observer in self._observers:
            observer.on_finish(summary)
        return summary

    def answered(self) -> None:
        """Take note that a job was answered."""
        self._handed_out -= 1

    def is_over(self, pool: Stoppable) -> bool:
        """Whether no more sources are to be looked at."""
        return pool.stopping or self.must_stop

    def due(self, settled: Iterable[list[Outcome]], pool: Stoppable) -> Iterator[Job]:
        """Yield the jobs that have to be worked on, and tell of the outputs that are settled without work."""
        self._all_seen = False
        for job in self._due(settled, pool):
            self._handed_out += 1
            yield job
        if self.is_over(pool):
            pool.stop()
        else:
            self._all_seen = True

    def _due(self, settled: Iterable[list[Outcome]], pool: Stoppable) -> Iterator[Job]:
        warm = False
        for outcomes in settled:
            if self.is_over(pool):
                return
            due = [outcome for outcome in outcomes if isinstance(outcome.detail, Planned)]
            for outcome in outcomes:
                if not isinstance(outcome.detail, Planned):
                    self.tell(outcome)
            if not due:
                continue
            if not warm:
                # What is loaded before the first fork is shared by all workers.
                preload(self._recipe)
                warm = True
            yield Job(due[0].source, tuple(Output(each.destination or "", each.rendition) for each in due))

    def summary(self, effort: RunStats, interrupted: int | None = None) -> Summary:
        """Return what the run came to.

        Args:
            effort: time and workers it took.
            interrupted: number of the signal that ended it early.
        """
        if interrupted is not None:
            return summarize(
                self._tally, effort, exit_code=SIGNAL_BASE + interrupted, stopped_by=signal_name(interrupted)
            )
        late = (ExitCode.MAX_DURATION, "--max-duration") if self._is_late else None
        judged = ExitCode.FATAL if self._refused else self._demands.judge(self._tally)
        exit_code, stopped_by = self._stop or late or (judged, None)
        return summarize(self._tally, effort, exit_code=exit_code, stopped_by=stopped_by, refused=self._refused)

    def _tick(self, activities: Sequence[Activity]) -> None:
        for observer in self._ticked:
            observer.on_tick(activities)
