"""The base of progress views: when to draw, and how many sources to expect."""

import time
from abc import abstractmethod
from collections.abc import Callable, Iterator, Sequence
from types import TracebackType
from typing import Self

from forkresize.observer import Activity, Observer
from forkresize.report.terminal.plain import WAITING, format_stopping
from forkresize.report.terminal.source_counter import SourceCounter


class ProgressView(Observer):
    """Show the progress of a run until the context ends, then disappear. Draws only when called: no thread is used.

    Args:
        interval: seconds between two drawings.
        sources: an iterator for SourceCounter; None if the sources cannot be counted.
        clock: returns the time in seconds.
    """

    wants_unchanged = False

    def __init__(
        self, interval: float, sources: Iterator[int | None] | None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._interval = interval
        self._sources = SourceCounter(sources, clock)
        self._clock = clock
        self._activities: Sequence[Activity] = ()
        self._due = clock()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def on_tick(self, activities: Sequence[Activity]) -> None:
        """Keep what the workers are doing, count sources for a few milliseconds, and draw if the interval is over."""
        self._activities = activities
        self._sources.advance()
        self._draw_if_due()

    def on_waiting(self) -> None:
        """Print a line and draw at once: there are no ticks while the run waits."""
        self.print_line(WAITING)
        self.draw()

    def on_notice(self, text: str) -> None:
        """Print a line."""
        self.print_line(text)

    def on_stopping(self, running: int, signal: str) -> None:
        """Print a line and draw at once: a person who pressed a key waits for an answer."""
        self.print_line(format_stopping(running, signal))
        self.draw()

    @abstractmethod
    def print_line(self, line: str) -> None:
        """Print a line above the view."""

    @abstractmethod
    def draw(self) -> None:
        """Draw the current state."""

    @abstractmethod
    def close(self) -> None:
        """Remove the view from the terminal."""

    def _draw_if_due(self) -> None:
        if self._clock() >= self._due:
            self._due = self._clock() + self._interval
            self.draw()
