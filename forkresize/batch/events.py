"""The events of a run: every observer is called, in the order in which they were given."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from typing import TypeAlias

from forkresize.errors import DestinationBusyError
from forkresize.observer import Activity, Observer, StopRun, as_observer, count_running
from forkresize.outcome import Outcome
from forkresize.pool import signal_name
from forkresize.report.terminal.source_counter import SourceCounter
from forkresize.summary import Summary

AnyObserver: TypeAlias = Observer | Callable[[Outcome], object]
"""An observer, or a function to call with every outcome."""


class EventDispatcher:
    """Calls observers, and notes when one asks for the end of the run.

    Args:
        observers: follow the run.

    Attributes:
        wants_unchanged: whether an observer wants the outcome of each output that is up to date.
    """

    def __init__(self, observers: Iterable[AnyObserver]) -> None:
        self._started = False
        self._interrupted: Callable[[], int | None] | None = None
        self._stop: Callable[[str], object] = lambda _: None
        self._sources: SourceCounter | None = None
        self._observers = [as_observer(observer) for observer in observers]
        self._outcome_hooks = self._hooks("on_outcome")
        self._unchanged_hooks = self._hooks("on_unchanged")
        self.wants_unchanged = any(
            each.wants_unchanged for each in self._observers if type(each).on_outcome is not Observer.on_outcome
        )
        self._tick_hooks = self._hooks("on_tick")
        self._stopping_hooks = self._hooks("on_stopping")
        self._total_hooks = self._hooks("on_total")
        self._work_hooks = self._hooks("on_total_work")

    @property
    def on_tick(self) -> Callable[[Sequence[Activity]], None] | None:
        """Calls the observers that want to know what happens between outcomes; None if none does."""
        return self._tick if self._tick_hooks or self._stopping_hooks or self.wants_total else None

    @property
    def wants_total(self) -> bool:
        """Whether an observer wants to know how many sources there are, or how much work."""
        return bool(self._total_hooks or self._work_hooks)

    def follow(self, interrupted: Callable[[], int | None]) -> None:
        """Announce a stop signal at the next tick: when its number is returned instead of None."""
        self._interrupted = interrupted

    def stop_with(self, stop: Callable[[str], object]) -> None:
        """Call a function with the reason when an observer asks for the end of the run."""
        self._stop = stop

    def count(self, sources: Iterator[int | None]) -> None:
        """Announce how many sources there are, at each tick."""
        self._sources = SourceCounter(sources)

    def start(self) -> None:
        """Announce the start of the run, once."""
        for observer in () if self._started else self._observers:
            self._call(observer.on_start)
        self._started = True

    def outcome(self, outcome: Outcome) -> None:
        """Announce an outcome."""
        for hook in self._outcome_hooks:
            try:
                hook(outcome)
            except StopRun as stop:
                self._stop(stop.text)

    def announce_unchanged(self, sources: int, outputs: int, size: int) -> None:
        """Announce that so many sources of a size and outputs are up to date, in place of their outcomes."""
        for hook in self._unchanged_hooks:
            self._call(hook, sources, outputs, size)

    def waiting(self) -> None:
        """Announce that the run waits for another one to free the destination.

        Raises:
            DestinationBusyError: an observer does not want to wait.
        """
        for observer in self._observers:
            try:
                observer.on_waiting()
            except StopRun as stop:
                raise DestinationBusyError(f"the run did not wait for the destination: {stop.text}") from None

    def notice(self, text: str) -> None:
        """Announce a remark on the run as a whole."""
        for observer in self._observers:
            self._call(observer.on_notice, text)

    def finish(self, summary: Summary) -> None:
        """Announce the end of the run."""
        for observer in self._observers:
            self._call(observer.on_finish, summary)

    def _hooks(self, name: str) -> list[Callable[..., None]]:
        """Return the hooks of a name of the observers that have it."""
        return [getattr(each, name) for each in self._observers if getattr(type(each), name) != getattr(Observer, name)]

    def _tick(self, activities: Sequence[Activity]) -> None:
        signum = self._interrupted and self._interrupted()
        if signum:
            self._interrupted = None
            running = sum(map(count_running, activities))
            for announce in self._stopping_hooks if running else ():
                self._call(announce, running, signal_name(signum))
        if self._sources is not None:
            self._count_on(self._sources)
        for hook in self._tick_hooks:
            self._call(hook, activities)

    def _count_on(self, sources: SourceCounter) -> None:
        before = sources.count
        sources.advance()
        if sources.exhausted:
            self._sources = None
        if sources.exhausted or sources.count > before:
            for hook in self._total_hooks:
                self._call(partial(hook, sources.count, is_final=sources.exhausted))
            for hook in self._work_hooks:
                self._call(partial(hook, sources.work, is_final=sources.exhausted))

    def _call(self, hook: Callable[..., object], *arguments: object) -> None:
        try:
            hook(*arguments)
        except StopRun as stop:
            self._stop(stop.text)
