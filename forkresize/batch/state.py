"""The state of a run: its counts, and whether and why it has to stop."""

import contextlib
from collections.abc import Callable, Iterable, Iterator

from msgspec import Struct

from forkresize.batch.deadline import Deadline
from forkresize.batch.events import EventDispatcher
from forkresize.batch.settings import Settings
from forkresize.errors import ForkresizeError
from forkresize.exit_policy import ExitCode, exit_code_for_counts, exit_code_for_error, exit_code_for_signal
from forkresize.outcome import Failed, Outcome
from forkresize.pool import signal_name
from forkresize.summary import RunStats, Summary, summarize
from forkresize.tally import Tally


class StopToken:
    """Makes all stages of a run begin nothing new. Every stage asks it, by calling it, for every file.

    Args:
        deadline: stops the run when it expires.
    """

    def __init__(self, deadline: Deadline) -> None:
        self._deadline = deadline
        self._requested = False
        self._is_executor_stopping: Callable[[], bool] = bool

    def __call__(self) -> bool:
        """Return whether to begin nothing new."""
        return self._requested or self._deadline.expired or self._is_executor_stopping()

    def request(self) -> None:
        """Stop the run."""
        self._requested = True

    def follow(self, is_stopping: Callable[[], bool]) -> None:
        """Stop the run when its executor stops, for example because of a signal."""
        self._is_executor_stopping = is_stopping


class StopReason(Struct, frozen=True):
    """Why a run ends before all is done, in a text such as ``SIGINT``."""

    exit_code: int
    text: str


class RunState:
    """The state of a run.

    Args:
        settings: when to stop early, and what counts as a failure.
        deadline: when the time is over.
        stop: makes the other stages stop.
        events: announces every outcome.
        only_file: whether the source is one file that was named.
    """

    def __init__(
        self,
        settings: Settings,
        deadline: Deadline,
        stop: StopToken,
        events: EventDispatcher,
        *,
        only_file: bool = False,
    ) -> None:
        self._deadline = deadline
        self._token = stop
        self._events = events
        self._tally = Tally()
        self._max_errors = settings.max_errors
        self._demands = {
            "strict": settings.strict,
            "only_file": only_file,
            "error_on_empty": settings.error_on_empty,
            "error_on_loss": settings.error_on_loss,
        }
        self._stop: StopReason | None = None
        self._refused: str | None = None
        self._in_flight = 0
        self._all_found = True

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
        detail = outcome.detail
        if isinstance(detail, Failed) and detail.fatal:
            self._stop_for(ExitCode.FATAL, detail.error)
        elif self._max_errors is not None and self._max_errors.reached(self._tally.failed, self._tally.outputs):
            self._stop_for(ExitCode.MAX_ERRORS, "--max-errors")

    def report_unchanged(
        self, sources: int, outputs: int, size: int, create_outcomes: Callable[[], Iterable[Outcome]]
    ) -> None:
        """Count and announce sources whose outputs are all up to date; one by one only if an observer wants that.

        Args:
            sources: how many there are.
            outputs: how many outputs they have.
            size: bytes of the sources together.
            create_outcomes: creates the outcomes of the outputs.
        """
        if self._events.wants_unchanged:
            for outcome in create_outcomes():
                self.report(outcome)
            return
        before = self._tally.outputs
        self._tally.add_unchanged(sources, outputs)
        self._events.announce_unchanged(sources, outputs, size)
        if self._max_errors is not None and self._max_errors.reached_between(
            self._tally.failed, before, self._tally.outputs
        ):
            self._stop_for(ExitCode.MAX_ERRORS, "--max-errors")

    def waiting(self) -> None:
        """Announce that the run waits for another one."""
        self._events.waiting()

    def record_refusal(self, text: str) -> None:
        """Note that something requested was not done, although the run goes on to its end."""
        self._refused = text

    def stop_for_observer(self, text: str) -> None:
        """Stop because an observer asked for it."""
        self._stop_for(ExitCode.STOPPED, text)

    @contextlib.contextmanager
    def stop_on(self, error_type: type[ForkresizeError]) -> Iterator[None]:
        """Turn errors of a type into a reason to stop: running jobs still finish and are reported."""
        try:
            yield
        except error_type as error:
            self._stop_for(exit_code_for_error(error), str(error))

    def summary(self, stats: RunStats, interrupted: int | None = None) -> Summary:
        """Return the summary of the run, which a signal of the given number may have ended early."""
        stop = self._stop
        if interrupted is not None:
            stop = StopReason(exit_code_for_signal(interrupted), signal_name(interrupted))
        elif stop is None and self._is_late:
            stop = StopReason(ExitCode.MAX_DURATION, "--max-duration")
        if stop is not None:
            refused = None if interrupted is not None else self._refused
            return summarize(self._tally, stats, exit_code=stop.exit_code, stopped_by=stop.text, refused=refused)
        finished = exit_code_for_counts(self._tally, **self._demands)
        code = ExitCode.FATAL if self._refused else finished
        return summarize(self._tally, stats, exit_code=code, refused=self._refused)

    def _stop_for(self, exit_code: int, text: str) -> None:
        # The first reason counts, even if later successes lower the share of failures.
        self._stop = self._stop or StopReason(exit_code, text)
        self._token.request()
