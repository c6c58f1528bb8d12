"""The base of reporters that write something when the run ends."""

import time
from abc import abstractmethod
from collections.abc import Callable
from types import TracebackType
from typing import Self

from msgspec.structs import replace

from forkresize.exit_policy import exit_code_for_error
from forkresize.observer import Observer
from forkresize.outcome import Outcome
from forkresize.summary import RunStats, Summary, summarize
from forkresize.tally import Tally


class RunReporter(Observer):
    """Count outcomes, and call ``on_close`` with the summary when the context ends, even after an error.

    Args:
        clock: returns the time in seconds.
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
        self.on_close(self._final_summary(error), error)

    def on_outcome(self, outcome: Outcome) -> None:
        """Count an outcome."""
        self.tally(outcome)

    @property
    def elapsed(self) -> float:
        """Seconds since the run began."""
        return self._clock() - self._started

    def on_finish(self, summary: Summary) -> None:
        """Keep the summary of a run that was not ended by an error."""
        self._summary = summary

    @abstractmethod
    def on_close(self, summary: Summary, error: BaseException | None) -> None:
        """Write the end of the run.

        Args:
            summary: the run's summary; after an error, of the outcomes until then.
            error: the error that ended the run, if any.
        """

    def _final_summary(self, error: BaseException | None) -> Summary:
        known = self._summary or summarize(self.tally, RunStats(seconds=self.elapsed, workers=0))
        if error is None:
            return known
        return replace(known, exit_code=exit_code_for_error(error), stopped_by=str(error) or type(error).__name__)
