"""The rows of the live view at one moment."""

from dataclasses import dataclass
from io import StringIO

import pytest
from rich.console import Console

from forkresize.job import Job, Output, Source
from forkresize.observer import NodeActivity
from forkresize.report.terminal.live_layout import layout
from forkresize.report.terminal.progress import ProgressSnapshot
from tests.protocols import MakeConsole


@dataclass(frozen=True)
class Doing:
    worker: int
    item: Job | None
    seconds: float


def _doing(name: str | None, seconds: float = 0.4) -> Doing:
    return Doing(4711, None if name is None else Job(Source(f"in/{name}", name), (Output(f"out/{name}"),)), seconds)


MIDWAY = ProgressSnapshot(
    done=1_234,
    failed=3,
    total=2_000,
    exact=True,
    fraction=0.617,
    pictures_per_second=431.25,
    megapixels_per_second=62,
    seconds_left=12,
)


def _shown(console: Console, progress: ProgressSnapshot, *activities: Doing) -> list[str]:
    return [line.plain for line in layout(progress, activities, console.options)]


def test_wide_terminal_shows_everything(terminal: MakeConsole) -> None:
    lines = _shown(terminal(78), MIDWAY, _doing("a/b.jpg"), _doing(None), _doing("[red]x[/red]\n.jpg", 75))
    assert lines == [
        "━" * 47 + "─" * 30,
        "61%  1,234 / 2,000  431.2 pictures/s  62.0 MP/s  0:00:12 left  3 failed",
        f"  a/b.jpg{'0.4 s':>68}",
        "  idle",
        rf"  [red]x[/red]\n.jpg{'0:01:15':>57}",
    ]


def test_a_node_has_a_line_with_its_pictures(terminal: MakeConsole) -> None:
    nodes = [
        NodeActivity(worker="node-1\x1b[2J", pictures=1280, made=1017, seconds=12.0),
        NodeActivity(worker="a-name-of-a-node-that-is-very-long.example.com", pictures=3, made=0, seconds=0.4),
    ]
    lines = [line.plain for line in layout(MIDWAY, nodes, terminal(60).options)][2:]
    assert lines == [
        rf"  node-1\x1b[2J  1,017 of 1,280 pictures{'12.0 s':>19}",
        "  a-name-of-a-node…long.example.com  0 of 3 pictures  0.4 s",
    ]


def test_nodes_that_do_not_fit_are_counted(terminal: MakeConsole) -> None:
    nodes = [NodeActivity(worker=f"node-{number}", pictures=4, made=1, seconds=1.0) for number in range(100)]
    assert "more nodes" in layout(MIDWAY, nodes, terminal(60).options)[-1].plain


@pytest.mark.parametrize(
    ("width", "counts"),
    [
        (70, "61%  1,234 / 2,000  431.2 pictures/s  0:00:12 left  3 failed"),
        (50, "61%  1,234 / 2,000  0:00:12 left  3 failed"),
        (40, "1,234 / 2,000  0:00:12 left  3 failed"),
        (30, "1,234 / 2,000  3 failed"),
        (20, "1,234 / 2,000"),
        (6, "1,234"),
        (1, "1"),
    ],
)
def test_least_important_counts_are_dropped_first(terminal: MakeConsole, width: int, counts: str) -> None:
    assert _shown(terminal(width), MIDWAY)[1] == counts


@pytest.mark.parametrize(
    ("progress", "counts"),
    [
        (ProgressSnapshot(done=7, failed=0, total=7, exact=False), "7  0.0 pictures/s  0.0 MP/s"),
        (ProgressSnapshot(done=7, failed=0, total=5_000, exact=False), "7 / 5,000+  0.0 pictures/s  0.0 MP/s"),
        (ProgressSnapshot(done=0, failed=0, total=0, exact=True), "0%  0 / 0  0.0 pictures/s  0.0 MP/s"),
        (
            ProgressSnapshot(done=9_999, failed=0, total=10_000, exact=True, fraction=0.9999),
            "99%  9,999 / 10,000  0.0 pictures/s  0.0 MP/s",
        ),
    ],
)
def test_inexact_totals_are_marked(terminal: MakeConsole, progress: ProgressSnapshot, counts: str) -> None:
    assert _shown(terminal(), progress)[1] == counts


@pytest.mark.parametrize(
    ("height", "rows", "last"),
    [
        (70, 66, f"  a.jpg{'0.4 s':>53}"),
        (66, 65, "  and 2 more workers"),
        (5, 4, "  and 63 more workers"),
        (4, 3, "  and 64 more workers"),
        (3, 1, "61%  1,234 / 2,000  431.2 pictures/s  0:00:12 left  3 failed"),
        (1, 1, "61%  1,234 / 2,000  431.2 pictures/s  0:00:12 left  3 failed"),
    ],
)
def test_workers_that_do_not_fit_are_counted(terminal: MakeConsole, height: int, rows: int, last: str) -> None:
    lines = _shown(terminal(61, height), MIDWAY, *(_doing("a.jpg") for _ in range(64)))
    assert (len(lines), lines[-1]) == (rows, last)


@pytest.mark.parametrize("width", [1, 2, 8, 20, 41, 80, 300])
def test_no_name_wraps_a_row(terminal: MakeConsole, hostile: str, width: int) -> None:
    console = terminal(width)
    lines = layout(MIDWAY, [_doing(hostile), _doing("\u4dc0" * 50)], console.options)
    assert max(line.cell_len for line in lines) < max(2, width)
    console.print(*lines, sep="\n")
    assert isinstance(console.file, StringIO)
    assert console.file.getvalue() == "".join(f"{line.plain}\n" for line in lines)


def test_characters_the_terminal_lacks_are_escaped(terminal: MakeConsole) -> None:
    options = terminal(40).options
    options.encoding = "ascii"
    bar, _, worker = layout(MIDWAY, [_doing("漢字.jpg")], options)
    assert bar.plain == "#" * 24 + "-" * 15
    assert worker.plain == r"  \u6f22\u5b57.jpg                0.4 s"


def test_slow_pictures_are_highlighted(terminal: MakeConsole) -> None:
    lines = layout(MIDWAY, [_doing("a.jpg", 9.9), _doing("b.jpg", 10.0)], terminal(40).options)
    assert [line.spans[-1].style for line in lines[2:]] == ["dim", "yellow"]


@pytest.mark.parametrize(
    ("fraction", "exact", "filled"), [(0.0, True, 0), (0.9995, True, 38), (1.0, True, 39), (1.0, False, 0)]
)
def test_bar_is_full_only_at_the_end(terminal: MakeConsole, fraction: float, exact: bool, filled: int) -> None:
    bar = _shown(terminal(40), ProgressSnapshot(done=5, failed=0, total=9, exact=exact, fraction=fraction))[0]
    assert bar == "━" * filled + "─" * (39 - filled)
