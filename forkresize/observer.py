"""Observers: everything that follows a run, such as progress views, reports and counters."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Protocol

from msgspec import Struct

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


class NodeActivity(Struct, frozen=True, kw_only=True):
    """What a node of a cluster is doing, in place of what each of its workers is doing.

    Attributes:
        worker: name of the node.
        pictures: how many it has taken and not given back.
        made: how many of them have outcomes.
        seconds: how long it has been working on them.
        item: always None; the jobs are the node's.
    """

    worker: str
    pictures: int
    made: int
    seconds: float
    item: None = None


def count_running(activity: Activity) -> int:
    """Return how many pictures are in progress."""
    if isinstance(activity, NodeActivity):
        return activity.pictures - activity.made
    return int(activity.item is not None)


class StopRun(Exception):  # noqa: N818  (no error: like StopIteration, it asks for an end)
    """Raised by a hook of an observer to stop the run: pictures in progress are finished, others are not begun.

    Other observers are still called, and ``run`` returns: ``Summary.stopped_by`` is the text, ``exit_code`` is 11. The
    next run continues. Raised by ``on_waiting``, it becomes a DestinationBusyError; in ``on_finish``, it has no effect.

    Args:
        text: why, for people.
    """

    def __init__(self, text: str = "an observer") -> None:
        super().__init__(text)
        self.text = text


class Observer:
    """Follow a run in its process. Each hook does nothing by default, and may raise StopRun.

    Hooks are called in the thread that called ``run``, one after another; a slow one slows down the run.

    Attributes:
        wants_unchanged: whether ``on_outcome`` is called for each output that is up to date. If no observer wants that,
            a run over an unchanged tree creates no outcomes for them, and ``on_unchanged`` is called instead.
    """

    wants_unchanged: bool = True

    def on_start(self) -> None:
        """Handle the start of the run."""

    def on_total(self, sources: int, *, is_final: bool) -> None:
        """Handle how many files were found so far, at most ten times per second; ``is_final`` says that these are all.

        Files are counted only if an observer has this hook; not in a dry run. The count includes other files than
        pictures. A run that ends sooner does not wait for the final count.
        """

    def on_total_work(self, work: float, *, is_final: bool) -> None:
        """Handle how much work these files are, by their sizes; called after ``on_total``, in the same way.

        See ``forkresize.report.work.expected_work``.
        """

    def on_outcome(self, outcome: "Outcome") -> None:
        """Handle the outcome of an output, or of a source without outputs."""

    def on_unchanged(self, sources: int, outputs: int, size: int) -> None:
        """Handle that all outputs of so many sources are up to date; see ``wants_unchanged``.

        Args:
            sources: how many there are, one or more.
            outputs: how many outputs they have.
            size: bytes of the sources together.
        """

    def on_tick(self, activities: Sequence[Activity]) -> None:
        """Handle what each worker is doing. Called ten times per second."""

    def on_waiting(self) -> None:
        """Handle that the run waits for another one to free the destination."""

    def on_notice(self, text: str) -> None:
        """Handle a remark on the run as a whole, such as that no node of its cluster is connected."""

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
