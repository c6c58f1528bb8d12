"""The events of a run: every observer is called, in the order in which they were given."""

from collections.abc import Callable, Iterable, Sequence
from typing import TypeAlias

from forkresize.observer import Activity, Observer, as_observer, count_running
from forkresize.outcome import Outcome
from forkresize.pool import signal_name
from forkresize.summary import Summary

AnyObserver: TypeAlias = Observer | Callable[[Outcome], object]
"""An observer, or a function to call with every outcome."""


class EventDispatcher:
    """Calls observers.

    Args:
        observers: follow the run.
    """

    def __init__(self, observers: Iterable[AnyObserver]) -> None:
        self._started = False
        self._interrupted: Callable[[], int | None] | None = None
        self._observers = [as_observer(observer) for observer in observers]
        self._outcome_hooks = [observer.on_outcome for observer in self._observers]
        self._tick_hooks = [each.on_tick for each in self._observers if type(each).on_tick is not Observer.on_tick]
        awaited = (each for each in self._observers if type(each).on_stopping is not Observer.on_stopping)
        self._stopping_hooks = [each.on_stopping for each in awaited]

    @property
    def on_tick(self) -> Callable[[Sequence[Activity]], None] | None:
        """Calls the observers that want to know what the workers do, or that they are to stop; None if none does."""
        return self._tick if self._tick_hooks or self._stopping_hooks else None

    def follow(self, interrupted: Callable[[], int | None]) -> None:
        """Announce a stop signal at the next tick: when its number is returned instead of None."""
        self._interrupted = interrupted

    def start(self) -> None:
        """Announce the start of the run, once."""
        for observer in () if self._started else self._observers:
            observer.on_start()
        self._started = True

    def outcome(self, outcome: Outcome) -> None:
        """Announce an outcome."""
        for hook in self._outcome_hooks:
            hook(outcome)

    def waiting(self) -> None:
        """Announce that the run waits for another one to free the destination."""
        for observer in self._observers:
            observer.on_waiting()

    def finish(self, summary: Summary) -> None:
        """Announce the end of the run."""
        for observer in self._observers:
            observer.on_finish(summary)

    def _tick(self, activities: Sequence[Activity]) -> None:
        signum = self._interrupted and self._interrupted()
        if signum:
            self._interrupted = None
            running = sum(map(count_running, activities))
            for announce in self._stopping_hooks if running else ():
                announce(running, signal_name(signum))
        for hook in self._tick_hooks:
            hook(activities)
