"""What reporters that have something to tell at the end of a run share: what it came to, however it ended."""

import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from types import TracebackType
from typing import Self

from msgspec.structs import replace

from forkresize.errors import SIGNAL_BASE, ExitCode, ForkresizeError, StopRequested
from forkresize.outcome import Outcome
from forkresize.summary import RunStats, Summary, Tally, summarize


class RunReporter(ABC):
    """A reporter that is told, as its context ends, what the run came to; also if an error ended it.

    Args:
        clock: tells the time in seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.tally = Tally()
        self._clock = clock
        self._started = clock()
        self._summary: Summary | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close(self._ending(error), error)

    def __call__(self, outcome: Outcome) -> None:
        """Count an outcome."""
        self.tally(outcome)

    @property
    def elapsed(self) -> float:
        """Seconds since the run began."""
        return self._clock() - self._started

    def conclude(self, summary: Summary) -> None:
        """Take note of what the run came to; called once, if it came to its end."""
        self._summary = summary

    @abstractmethod
    def close(self, summary: Summary, error: BaseException | None) -> None:
        """Tell it.

        Args:
            summary: what the run came to, or what is known of that after an error.
            error: what ended the run; None if nothing did.
        """

    def _ending(self, error: BaseException | None) -> Summary:
        known = self._summary or summarize(self.tally, RunStats(seconds=self.elapsed, workers=0))
        if error is None:
            return known
        return replace(known, exit_code=exit_code_of(error), stopped_by=str(error) or type(error).__name__)


def exit_code_of(error: BaseException) -> int:
    """Return what the shell is told of a run that an error ended."""
    match error:
        case ForkresizeError():
            return error.exit_code
        case StopRequested():
            return SIGNAL_BASE + error.signum
        case KeyboardInterrupt():
            return ExitCode.INTERRUPTED
        case OSError():
            return ExitCode.FATAL
        case _:
            return ExitCode.BUG
