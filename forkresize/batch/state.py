"""The state of a run: its counts, and whether and why it has to stop."""

import contextlib
from collections.abc import Callable, Iterator

from msgspec import Struct

from forkresize.batch.deadline import Deadline
from forkresize.batch.events import EventDispatcher
from forkresize.batch.settings import Settings
from forkresize.errors import ForkresizeError
from forkresize.exit_policy import ExitCode, exit_code_for_counts, exit_code_for_error, exit_code_for_signal
from forkresize.outcome import Failed, Outcome
from forkresize.pool import signal_name
from forkresize.summary import RunStats, Summary, Tally, summarize


class StopToken:
    """Tells all stages of a run to begin nothing new. Call it to ask; it stays cheap, and is asked for every file.

    Args:
        conditions: each of them stops the run while it returns True.
    """

    def __init__(self, *conditions: Callable[[], bool]) -> None:
        self._conditions = list(conditions)

    def __call__(self) -> bool:
        """Return whether to begin nothing new."""
        return any(condition() for condition in self._conditions)

    def add(self, condition: Callable[[], bool]) -> None:
        """Add a condition."""
        self._conditions.append(condition)


class StopReason(Struct, frozen=True):
    """Why a run ends before all is done.

    Attributes:
        exit_code: of the command.
        text: for a person, such as ``SIGINT``.
    """

    exit_code: int
    text: str


class RunState:
    """The state of a run.

    Args:
        settings: when to stop early, and what counts as a failure.
        deadline: when the time is over.
        events: announces every outcome.
    """

    def __init__(self, settings: Settings, deadline: Deadline, events: EventDispatcher) -> None:
        self._deadline = deadline
        self._events = events
        self._tally = Tally()
        self._max_errors = settings.max_errors
        self._strict, self._error_on_empty = settings.strict, settings.error_on_empty
        self._stop: StopReason | None = None
        self._refused: str | None = None
        self._in_flight = 0
        self._all_found = True

    @property
    def has_stopped(self) -> bool:
        """Whether something other than the deadline ended the run."""
        return self._stop is not None

    @property
    def must_stop(self) -> bool:
        """Whether to start no more jobs, although there are or may be some."""
        return self._stop is not None or self._is_late

    @property
    def _is_late(self) -> bool:
        return (self._in_flight > 0 or not self._all_found) and self._deadline.expired

    def discovery_started(self) -> None:
        """Expect jobs until ``discovery_finished``."""
        self._all_found = False

    def discovery_finished(self) -> None:
        """Expect no more jobs."""
        self._all_found = True

    def job_started(self) -> None:
        """Count a job that was handed out."""
        self._in_flight += 1

    def job_finished(self) -> None:
        """Count a job that has its outcomes."""
        self._in_flight -= 1

    def report(self, outcome: Outcome) -> None:
        """Count and announce an outcome. It may be a reason to stop."""
        self._tally(outcome)
        self._events.outcome(outcome)
        if self._stop is None:
            # A limit on the share of failures stays reached, even if later successes lower the share.
            self._stop = self._reason_to_stop(outcome)

    def record_refusal(self, text: str) -> None:
        """Note that something requested was not done, although the run goes on to its end."""
        self._refused = text

    @contextlib.contextmanager
    def stop_on(self, error_type: type[ForkresizeError]) -> Iterator[None]:
        """Turn errors of a type into a reason to stop: running jobs still finish and are reported."""
        try:
            yield
        except error_type as error:
            self._stop = self._stop or StopReason(exit_code_for_error(error), str(error))

    def summary(self, stats: RunStats, interrupted: int | None = None) -> Summary:
        """Return the summary of the run.

        Args:
            stats: time and workers it took.
            interrupted: number of the signal that ended it early.
        """
        stop = self._stop
        if interrupted is not None:
            stop = StopReason(exit_code_for_signal(interrupted), signal_name(interrupted))
        elif stop is None and self._is_late:
            stop = StopReason(ExitCode.MAX_DURATION, "--max-duration")
        if stop is not None:
            refused = None if interrupted is not None else self._refused
            return summarize(self._tally, stats, exit_code=stop.exit_code, stopped_by=stop.text, refused=refused)
        finished = exit_code_for_counts(self._tally, strict=self._strict, error_on_empty=self._error_on_empty)
        code = ExitCode.FATAL if self._refused else finished
        return summarize(self._tally, stats, exit_code=code, refused=self._refused)

    def _reason_to_stop(self, outcome: Outcome) -> StopReason | None:
        if isinstance(outcome.detail, Failed) and outcome.detail.fatal:
            return StopReason(ExitCode.FATAL, outcome.detail.error)
        if self._max_errors is not None and self._max_errors.reached(self._tally.failed, self._tally.outputs):
            return StopReason(ExitCode.MAX_ERRORS, "--max-errors")
        return None
