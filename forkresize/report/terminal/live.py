"""The live view of a run on a terminal. Starts no thread: it is drawn when it is told of something."""

import contextlib
import time
from collections.abc import Callable, Iterator, Sequence
from types import TracebackType
from typing import Self

from rich.console import Console, Group, RenderableType
from rich.control import Control
from rich.live import Live
from rich.segment import ControlType
from rich.text import Text

from forkresize.outcome import Outcome
from forkresize.report.terminal.activity import Activity
from forkresize.report.terminal.live_layout import draw
from forkresize.report.terminal.progress import Progress

_INTERVAL = 0.1
"""Seconds between two drawings; more often is not seen and costs time."""


class LiveView:
    """A reporter that shows a bar, rates, the time left, and what each worker is on; gone when it is left.

    Args:
        console: where to draw; standard error unless told otherwise.
        ahead: an iterator of its own over all sources, to learn how many there are; None if that can't be known.
        clock: tells the time in seconds.
    """

    def __init__(
        self,
        console: Console | None = None,
        *,
        ahead: Iterator[object] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._console = console or Console(stderr=True)
        self._clock = clock
        self._progress = Progress(ahead, clock)
        self._activities: Sequence[Activity] = ()
        self._widths: list[int] = []
        self._lines: list[str] = []
        self._due = clock()
        # A forked worker inherits sys.stderr: were it redirected to the view, the worker would draw it too.
        self._live = Live(
            console=self._console,
            auto_refresh=False,
            transient=True,
            redirect_stdout=False,
            redirect_stderr=False,
            get_renderable=self.render,
        )

    def __enter__(self) -> Self:
        self._live.start()
        self._draw()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._draw()
        with self._while_terminal_lasts():
            self._live.stop()

    def __call__(self, outcome: Outcome) -> None:
        """Count an outcome, and draw if it is time to."""
        self._progress.tally(outcome)
        self._draw_if_due()

    def tick(self, activities: Sequence[Activity]) -> None:
        """Take note of what each worker is doing, count sources for a few milliseconds, and draw if it is time to."""
        self._activities = activities
        self._progress.look_ahead()
        self._draw_if_due()

    def print_line(self, line: str) -> None:
        """Print a line above the view, at the next drawing at the latest."""
        self._lines.append(line)
        self._draw_if_due()

    def render(self) -> RenderableType:
        """Return the view as it stands, fitted to the console."""
        lines = draw(self._progress.standing(), self._activities, self._console.options)
        self._widths = [line.cell_len for line in lines]
        return Group(*lines)

    def _draw_if_due(self) -> None:
        if self._clock() >= self._due:
            self._draw()

    def _draw(self) -> None:
        self._due = self._clock() + _INTERVAL
        self._progress.take_sample()
        with self._while_terminal_lasts(), self._console:
            self._climb_folded_rows()
            if self._lines:
                self._console.print(Text("\n".join(self._lines)), soft_wrap=True)
                self._lines.clear()
            self._live.refresh()

    def _climb_folded_rows(self) -> None:
        # A terminal made narrower folds the rows that it shows; Rich climbs as many rows as it once wrote.
        width = self._console.width
        extra = sum(max(0, -(-drawn // width) - 1) for drawn in self._widths)
        if extra:
            climb = [(ControlType.CURSOR_UP, 1), (ControlType.ERASE_IN_LINE, 2)] * extra
            self._console.control(Control(ControlType.CARRIAGE_RETURN, (ControlType.ERASE_IN_LINE, 2), *climb))

    @contextlib.contextmanager
    def _while_terminal_lasts(self) -> Iterator[None]:
        """Go on without a terminal that has vanished, as after a hang-up: the pictures matter more than the view."""
        try:
            yield
        except OSError:
            self._console.quiet = True
