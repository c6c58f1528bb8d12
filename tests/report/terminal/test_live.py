"""The live view."""

import errno
import itertools
import re
import threading
import time
from dataclasses import dataclass
from io import StringIO

import pytest
from rich.console import Console

from forkresize.job import Job, Output, Source
from forkresize.report.terminal.live import LiveView
from tests.protocols import MakeConsole, MakeOutcome

_TOKEN = re.compile(r"\x1b\[(?P<count>\??\d*)(?P<command>[A-Za-z])|[\r\n]|[^\x1b\r\n]+")


class Screen:
    """The parts of a terminal that the view uses: computes what is visible after the output so far."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._rows = [""]
        self._row = 0
        self._read = 0

    def rows(self) -> list[str]:
        """Return all rows up to the last that is not empty."""
        assert isinstance(self._console.file, StringIO)
        written = self._console.file.getvalue()[self._read :]
        self._read += len(written)
        for token in _TOKEN.finditer(written):
            self._take(token)
        return "\n".join(row.rstrip() for row in self._rows).rstrip("\n").split("\n")

    def narrow(self, width: int) -> None:
        """Make the terminal narrower: longer rows are folded, the cursor stays with its text."""
        self.rows()
        folded = [[row[at : at + width] for at in range(0, max(1, len(row)), width)] for row in self._rows]
        self._row = sum(map(len, folded[: self._row + 1])) - 1
        self._rows = list(itertools.chain.from_iterable(folded))
        self._console.width = width

    def _take(self, token: re.Match[str]) -> None:
        match token["command"], token[0]:
            case "A", _:
                self._row = max(0, self._row - int(token["count"]))
            case "K", _:
                self._rows[self._row] = ""
            case None, "\n":
                self._row += 1
                self._rows += [""] * (self._row + 1 - len(self._rows))
            case None, text if text != "\r":
                self._rows[self._row] += text


@dataclass(frozen=True)
class Doing:
    worker: int
    item: Job | None
    seconds: float


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def console(terminal: MakeConsole) -> Console:
    return terminal(60, 10)


def _doing(name: str) -> Doing:
    return Doing(4711, Job(Source(f"in/{name}", name), (Output(f"out/{name}"),)), 0.4)


def test_view_shows_the_run_and_is_removed_at_the_end(
    console: Console, clock: Clock, written: MakeOutcome, failed: MakeOutcome
) -> None:
    screen = Screen(console)
    console.print("$ forkresize")
    with LiveView(console, sources=iter([1_200_000, 700] * 2), clock=clock) as view:
        assert screen.rows()[2:] == ["0  0.0 pictures/s  0.0 MP/s"]
        clock.now += 1
        view.on_outcome(written())
        view.on_outcome(failed())
        clock.now += 1
        view.on_tick([_doing("a.jpg"), _doing("b\n.jpg")])
        assert screen.rows() == [
            "$ forkresize",
            "━" * 29 + "─" * 30,
            "50%  2 / 4  0.5 pictures/s  0:00:01 left  1 failed",
            f"  a.jpg{'0.4 s':>52}",
            rf"  b\n.jpg{'0.4 s':>50}",
        ]
    assert screen.rows() == ["$ forkresize"]
    assert isinstance(console.file, StringIO)
    assert console.file.getvalue().endswith("\x1b[2K")
    assert "\x1b[?25h" in console.file.getvalue()


def test_view_is_drawn_once_per_interval(console: Console, clock: Clock, unchanged: MakeOutcome) -> None:
    assert isinstance(console.file, StringIO)
    with LiveView(console, clock=clock) as view:
        size = len(console.file.getvalue())
        for _ in range(1_000):
            view.on_outcome(unchanged())
            view.on_tick([])
            view.print_line("a line")
        assert len(console.file.getvalue()) == size
        clock.now += 0.1
        view.on_outcome(unchanged())
        assert Screen(console).rows()[-1] == "1,001  0.0 pictures/s  0.0 MP/s"


def test_lines_are_printed_above_the_view_and_stay(console: Console, clock: Clock) -> None:
    screen = Screen(console)
    with LiveView(console, clock=clock) as view:
        view.print_line("[red]one[/red]")
        clock.now += 0.2
        view.print_line("two " + "x" * 100)
        assert screen.rows()[:2] == ["[red]one[/red]", "two " + "x" * 100]
        assert screen.rows()[-1] == "0  0.0 pictures/s  0.0 MP/s"
        assert len(screen.rows()) == 4
        view.print_line("last")
    assert screen.rows() == ["[red]one[/red]", "two " + "x" * 100, "last"]


def test_waiting_is_shown_at_once(console: Console, clock: Clock) -> None:
    screen = Screen(console)
    with LiveView(console, clock=clock) as view:
        view.on_waiting()
        assert screen.rows()[0] == "waiting for another run to free the destination"


def test_stop_is_acknowledged_at_once(console: Console, clock: Clock) -> None:
    screen = Screen(console)
    with LiveView(console, clock=clock) as view:
        view.on_stopping(2, "SIGINT")
        assert screen.rows()[0] == "stopping: finishing 2 pictures; press Ctrl-C again to stop now"


@pytest.mark.parametrize("width", [30, 17, 12])
def test_narrowed_terminal_is_cleared_of_the_wider_view(console: Console, clock: Clock, width: int) -> None:
    screen = Screen(console)
    console.print("$ cmd")
    with LiveView(console, clock=clock) as view:
        clock.now += 1
        view.on_tick([_doing("n" * 100), _doing("m.jpg")])
        assert len(screen.rows()) == 5
        screen.narrow(width)
        assert len(screen.rows()) > 7
        clock.now += 1
        view.on_tick([_doing("n" * 100), _doing("m.jpg")])
        rows = screen.rows()[-4:]
        assert rows[0] == "─" * (width - 1)
        assert not any("━" in row or "─" in row for row in screen.rows()[:-4])
    assert "".join(screen.rows()) == "$ cmd"


@pytest.mark.parametrize(("width", "height"), [(1, 1), (20, 5), (5, 2), (300, 100)])
def test_view_fits_any_terminal(terminal: MakeConsole, clock: Clock, hostile: str, width: int, height: int) -> None:
    console = terminal(width, height)
    screen = Screen(console)
    with LiveView(console, clock=clock) as view:
        clock.now += 1
        view.on_tick([_doing(hostile)] * 64)
        assert len(screen.rows()) <= max(1, height - 1)
    assert screen.rows() == [""]


def test_no_thread_is_started(console: Console, unchanged: MakeOutcome) -> None:
    before = threading.active_count()
    with LiveView(console) as view:
        view.on_outcome(unchanged())
        view.on_tick([])
        assert threading.active_count() == before


def test_outcomes_between_drawings_are_cheap(console: Console, clock: Clock, written: MakeOutcome) -> None:
    outcome = written()
    with LiveView(console, clock=clock) as view:
        began = time.process_time()
        for _ in range(10_000):
            view.on_outcome(outcome)
        assert time.process_time() - began < 1.0


def test_standard_streams_are_not_redirected(console: Console, capsys: pytest.CaptureFixture[str]) -> None:
    with LiveView(console):
        print("data")  # noqa: T201 - the view must not intercept it
    assert capsys.readouterr().out == "data\n"


def test_lost_terminal_does_not_end_the_run(
    console: Console, clock: Clock, unchanged: MakeOutcome, monkeypatch: pytest.MonkeyPatch
) -> None:
    def hung_up(_: str) -> int:
        raise OSError(errno.EIO, "Input/output error")

    with LiveView(console, clock=clock) as view:
        monkeypatch.setattr(console.file, "write", hung_up)
        for _ in range(3):
            clock.now += 1
            view.on_outcome(unchanged())
            view.print_line("lost")
    assert console.quiet


def test_view_is_drawn_on_standard_error(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TTY_COMPATIBLE", "1")
    monkeypatch.setenv("TERM", "xterm")
    with LiveView():
        pass
    out, err = capsys.readouterr()
    assert out == ""
    assert "pictures/s" in err


def test_view_can_be_exported(terminal: MakeConsole) -> None:
    console = terminal(60, 10)
    console.record = True
    view = LiveView(console, sources=iter([1] * 8))
    view.on_tick([_doing("a.jpg")])
    console.print(view.render())
    assert "a.jpg" in console.export_svg(title="forkresize")
