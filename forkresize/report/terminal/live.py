"""The live view of a run on a terminal."""

import contextlib
import time
from collections.abc import Callable, Iterator
from typing import Self

from rich.console import Console, Group, RenderableType
from rich.control import Control
from rich.live import Live
from rich.segment import ControlType
from rich.text import Text

from forkresize.outcome import Outcome
from forkresize.report.terminal.echo import Echo
from forkresize.report.terminal.live_layout import layout
from forkresize.report.terminal.progress import Progress
from forkresize.report.terminal.view import ProgressView

_INTERVAL = 0.1
"""Seconds between two drawings; a higher rate is not visible and takes CPU time."""


class LiveView(ProgressView):
    """Show a bar, rates, the time left, and each worker's picture on a console, by default standard error."""

    def __init__(
        self,
        console: Console | None = None,
        *,
        sources: Iterator[int | None] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__(_INTERVAL, sources, clock)
        self._console = console or Console(stderr=True)
        self._progress = Progress(self._sources, clock)
        self._widths: list[int] = []
        self._lines: list[str] = []
        self._cleanup = contextlib.ExitStack()
        # Without redirection: forked workers inherit sys.stderr, and would draw the view too.
        self._live = Live(
            console=self._console,
            auto_refresh=False,
            transient=True,
            redirect_stdout=False,
            redirect_stderr=False,
            get_renderable=self.render,
        )

    def __enter__(self) -> Self:
        with contextlib.ExitStack() as cleanup:
            cleanup.enter_context(Echo(self._console.file).off())
            self._live.start()
            self._draw_if_due()
            self._cleanup = cleanup.pop_all()
        return self

    def on_outcome(self, outcome: Outcome) -> None:
        """Count an outcome, and draw if the interval is over."""
        self._progress.add(outcome)
        self._draw_if_due()

    def on_unchanged(self, sources: int, outputs: int, size: int) -> None:  # noqa: ARG002  A hook.
        """Count sources that are up to date, and draw if the interval is over."""
        self._progress.add_unchanged(sources, outputs)
        self._draw_if_due()

    def print_line(self, line: str) -> None:
        """Print a line above the view, with the next drawing."""
        self._lines.append(line)
        self._draw_if_due()

    def render(self) -> RenderableType:
        """Return the current view, fitted to the console."""
        lines = layout(self._progress.snapshot(), self._activities, self._console.options)
        self._widths = [line.cell_len for line in lines]
        return Group(*lines)

    def draw(self) -> None:
        """Draw the view."""
        self._progress.take_sample()
        self._progress.work.observe(self._activities)
        with self._ignoring_lost_terminal(), self._console:
            self._clear_folded_rows()
            if self._lines:
                self._console.print(Text("\n".join(self._lines)), soft_wrap=True)
                self._lines.clear()
            self._live.refresh()

    def close(self) -> None:
        """Print the remaining lines and remove the view."""
        with self._cleanup:
            self.draw()
            with self._ignoring_lost_terminal():
                self._live.stop()

    def _clear_folded_rows(self) -> None:
        # A terminal made narrower folds its rows, but Rich moves up only by the number of rows that it wrote.
        width = self._console.width
        extra = sum(max(0, -(-drawn // width) - 1) for drawn in self._widths)
        if extra:
            moves = [(ControlType.CURSOR_UP, 1), (ControlType.ERASE_IN_LINE, 2)] * extra
            self._console.control(Control(ControlType.CARRIAGE_RETURN, (ControlType.ERASE_IN_LINE, 2), *moves))

    @contextlib.contextmanager
    def _ignoring_lost_terminal(self) -> Iterator[None]:
        """Stop drawing if the terminal has vanished, as after a hang-up; the run goes on."""
        try:
            yield
        except OSError:
            self._console.quiet = True
