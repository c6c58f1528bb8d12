"""Observers: everything that follows a run, such as progress views, reports and counters."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from forkresize.job import Job
    from forkresize.outcome import Outcome
    from forkresize.summary import Summary


class Activity(Protocol):
    """What a worker is doing."""

    @property
    def worker(self) -> str | int:
        """The worker's process id or name."""

    @property
    def item(self) -> "Job | None":
        """The worker's job; None while it is idle."""

    @property
    def seconds(self) -> float:
        """How long it has been working on the job."""


class Observer:
    """Follow a run in its process. Each hook does nothing by default."""

    def on_start(self) -> None:
        """Handle the start of the run."""

    def on_outcome(self, outcome: "Outcome") -> None:
        """Handle the outcome of an output, or of a source without outputs."""

    def on_tick(self, activities: Sequence[Activity]) -> None:
        """Handle what each worker is doing. Called ten times per second."""

    def on_waiting(self) -> None:
        """Handle that the run waits for another one to free the destination."""

    def on_stopping(self, running: int, signal: str) -> None:
        """Handle that a signal, such as SIGINT, asked for an end while pictures are in progress. Called once."""

    def on_finish(self, summary: "Summary") -> None:
        """Handle the end of the run, unless an exception ended it."""


class FunctionObserver(Observer):
    """Call a function with every outcome."""

    def __init__(self, function: "Callable[[Outcome], object]") -> None:
        self._function = function

    def on_outcome(self, outcome: "Outcome") -> None:
        """Call the function."""
        self._function(outcome)


def as_observer(observer: "Observer | Callable[[Outcome], object]") -> Observer:
    """Return an observer as it is, a function as an observer of outcomes."""
    return observer if isinstance(observer, Observer) else FunctionObserver(observer)
