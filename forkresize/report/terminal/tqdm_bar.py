"""The progress bar for terminals that can't be drawn on. Starts no thread."""

import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from types import TracebackType
from typing import Self, TextIO

from tqdm import tqdm

from forkresize.outcome import Failed, Outcome
from forkresize.report.terminal.activity import Activity
from forkresize.report.terminal.source_counter import SourceCounter

_INTERVAL = 0.5
"""Seconds between two drawings; a dumb terminal may be a log."""


class _Bar(tqdm):  # type: ignore[type-arg]  # only the stubs know it as generic
    """A tqdm that starts no thread and shares no lock between processes, so that forking beside it is safe."""

    monitor_interval = 0


_Bar.set_lock(threading.RLock())


class TqdmBar:
    """A reporter that shows a bar of plain characters; gone when it is left.

    Args:
        file: where to draw; standard error unless told otherwise.
        ahead: an iterator of its own over all sources, to learn how many there are; None if that can't be known.
        clock: tells the time in seconds.
    """

    def __init__(
        self,
        file: TextIO | None = None,
        *,
        ahead: Iterator[object] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._ahead = SourceCounter(ahead, clock)
        self._clock = clock
        self._due = clock() + _INTERVAL
        self._failed = 0
        self._bar = _Bar(
            file=file or sys.stderr, ascii=True, unit=" pictures", leave=False, mininterval=_INTERVAL, miniters=1
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._bar.close()

    def __call__(self, outcome: Outcome) -> None:
        """Count an outcome, and draw if it is time to."""
        if isinstance(outcome, Failed):
            self._failed += 1
            self._bar.set_postfix_str(f"{self._failed:,} failed", refresh=False)
        self._bar.update()

    def tick(self, activities: Sequence[Activity]) -> None:  # noqa: ARG002 - one line has no room for the workers
        """Count sources for a few milliseconds, and draw if it is time to."""
        self._ahead.advance()
        if self._ahead.exhausted:
            self._bar.total = max(self._ahead.count, self._bar.n)
        if self._clock() >= self._due:
            self._due = self._clock() + _INTERVAL
            self._bar.refresh()

    def print_line(self, line: str) -> None:
        """Print a line above the bar."""
        self._bar.write(line, file=self._bar.fp)
