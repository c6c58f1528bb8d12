"""The progress bar for terminals without cursor control."""

import sys
import threading
import time
from collections.abc import Callable, Iterator
from typing import TextIO

from tqdm import tqdm

from forkresize.outcome import Failed, Outcome
from forkresize.report.terminal.view import ProgressView
from forkresize.report.weighed_bar import add_weights
from forkresize.report.work import WorkEstimate

_INTERVAL = 0.5
"""Seconds between two drawings; a dumb terminal may be a log."""


_Bar = add_weights(tqdm)
_Bar.set_lock(threading.RLock())


class TqdmBar(ProgressView):
    """Show a bar of ASCII characters in a file, by default standard error."""

    def __init__(
        self,
        file: TextIO | None = None,
        *,
        sources: Iterator[int | None] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__(_INTERVAL, sources, clock)
        self._due += _INTERVAL
        self._failed = 0
        self._work = WorkEstimate(clock)
        self._bar = _Bar(
            file=file or sys.stderr, ascii=True, unit=" pictures", leave=False, mininterval=_INTERVAL, miniters=1
        )

    def on_outcome(self, outcome: Outcome) -> None:
        """Count an outcome, and draw if the interval is over."""
        if isinstance(outcome.detail, Failed):
            self._failed += 1
            self._bar.set_postfix_str(f"{self._failed:,} failed", refresh=False)
        self._work.add(outcome)

    def on_unchanged(self, sources: int, outputs: int, size: int) -> None:  # noqa: ARG002  A hook.
        """Count sources that are up to date."""
        self._work.add_without_work(sources)

    def print_line(self, line: str) -> None:
        """Print a line above the bar."""
        self._bar.write(line, file=self._bar.fp)

    def draw(self) -> None:
        """Draw the bar."""
        if self._sources.exhausted:
            self._bar.total = max(self._sources.count, self._work.count)
            self._work.expect(self._sources.count, self._sources.work)
        self._work.observe(self._activities)
        self._bar.follow(self._work)
        self._bar.refresh()

    def close(self) -> None:
        """Remove the bar."""
        self._bar.close()
