"""How a run is going: who is told, whether it has to stop, what it came to. Does no work on a picture."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Protocol, runtime_checkable

from forkresize.batch.settings import MaxErrors
from forkresize.errors import ExitCode
from forkresize.image.render import warm_up
from forkresize.job import Job
from forkresize.outcome import Due, Failed, Outcome
from forkresize.pool import Activity, signal_name
from forkresize.report.tally import Effort, Summary, Tally, summarize

_SIGNALED = 128
"""What a shell adds to the number of the signal that ended a command."""


class Observer(Protocol):
    """Anything that takes outcomes, such as a function."""

    def __call__(self, outcome: Outcome, /) -> object:
        """Take note of an outcome."""


@runtime_checkable
class Ticked(Protocol):
    """An observer that is also told, ten times a second, what each worker is doing."""

    def tick(self, activities: Sequence[Activity[Any]], /) -> object:
        """Take note of it."""


class Stoppable(Protocol):
    """What may have been told to hand out no more."""

    @property
    def stopping(self) -> bool:
        """Whether it was told."""


class Course:
    """How a run is going."""

    def __init__(self, observers: Iterable[Observer], max_errors: MaxErrors | None) -> None:
        self._tally = Tally()
        self._observers: tuple[Observer, ...] = (self._tally, *observers)
        self._ticked = [observer for observer in self._observers if isinstance(observer, Ticked)]
        self._max_errors = max_errors
        self._fatal: Failed | None = None

    @property
    def on_tick(self) -> Callable[[Sequence[Activity[Any]]], None] | None:
        """Tells what the workers are doing to those that want to know; None if nobody does."""
        return self._tick if self._ticked else None

    @property
    def must_stop(self) -> bool:
        """Whether it is of no use to go on."""
        return self._fatal is not None or self._has_too_many_errors

    def tell(self, outcome: Outcome) -> None:
        """Tell all observers of an outcome."""
        for observer in self._observers:
            observer(outcome)
        if isinstance(outcome, Failed) and outcome.fatal:
            self._fatal = self._fatal or outcome

    def due(self, outcomes: Iterable[Outcome], pool: Stoppable) -> Iterator[Job]:
        """Yield the jobs that have to be worked on, and tell of the sources that are settled without work."""
        warm = False
        for outcome in outcomes:
            if pool.stopping or self.must_stop:
                return
            if not isinstance(outcome, Due):
                self.tell(outcome)
                continue
            if not warm:
                # What is loaded before the first fork is shared by all workers.
                warm_up()
                warm = True
            yield Job(outcome.source, outcome.destination)

    def summary(self, effort: Effort, interrupted: int | None = None) -> Summary:
        """Return what the run came to.

        Args:
            effort: time and workers it took.
            interrupted: number of the signal that ended it early.
        """
        if interrupted is not None:
            return self._stopped(effort, _SIGNALED + interrupted, signal_name(interrupted))
        if self._fatal is not None:
            return self._stopped(effort, ExitCode.CANNOT_GO_ON, self._fatal.error)
        if self._has_too_many_errors:
            return self._stopped(effort, ExitCode.MAX_ERRORS, "--max-errors")
        return summarize(self._tally, effort)

    def _stopped(self, effort: Effort, exit_code: int, by: str) -> Summary:
        return summarize(self._tally, effort, exit_code=exit_code, stopped_by=by)

    @property
    def _has_too_many_errors(self) -> bool:
        limit = self._max_errors
        return limit is not None and limit.reached(self._tally.failed, self._tally.sources)

    def _tick(self, activities: Sequence[Activity[Any]]) -> None:
        for observer in self._ticked:
            observer.tick(activities)
