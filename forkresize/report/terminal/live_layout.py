"""What the live view shows at one moment, fitted to the terminal. Keeps nothing and prints nothing."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from rich.console import ConsoleOptions
from rich.text import Text

from forkresize.report import units
from forkresize.report.terminal.activity import Activity
from forkresize.report.terminal.plain import printable
from forkresize.report.terminal.progress import ProgressSnapshot

MAX_WIDTH = 100
"""Columns; a wider view is no easier to read."""

_SLOW = 10.0
"""Seconds after which a picture stands out."""

_GAP = "  "


class _Part(NamedTuple):
    """A piece of the line of counts; where room is short, the lowest rank is left out first."""

    rank: int
    text: str
    style: str = ""


def draw(standing: ProgressSnapshot, activities: Sequence[Activity], terminal: ConsoleOptions) -> list[Text]:
    """Return the rows to show, none wider than the terminal, as many as it holds.

    One column and one row stay free, where the terminal puts its cursor.
    """
    width = max(1, min(terminal.max_width - 1, MAX_WIDTH))
    rows = max(0, terminal.size.height - 3)
    lines = [_counts(standing, width), *_workers(activities, width, rows, terminal.encoding)]
    if rows:
        lines.insert(0, _bar(standing, width, ascii_only=terminal.ascii_only))
    return [_cropped(line, width) for line in lines]


def _bar(standing: ProgressSnapshot, width: int, *, ascii_only: bool) -> Text:
    full, empty = ("#", "-") if ascii_only else ("━", "─")
    total = max(1, standing.total)
    filled = width * standing.done // total if standing.exact else 0
    return Text.assemble((full * filled, "green" if filled == width else "cyan"), (empty * (width - filled), "dim"))


def _counts(standing: ProgressSnapshot, width: int) -> Text:
    parts = [
        *([_Part(3, f"{100 * standing.done // max(1, standing.total)}%", "bold")] if standing.exact else []),
        _Part(6, _done(standing)),
        _Part(2, f"{standing.pictures_per_second:,.1f} pictures/s", "cyan"),
        _Part(1, f"{standing.megapixels_per_second:,.1f} MP/s", "cyan"),
        *([] if standing.seconds_left is None else [_Part(4, f"{units.clock(standing.seconds_left)} left")]),
        *([_Part(5, f"{standing.failed:,} failed", "bold red")] if standing.failed else []),
    ]
    while len(parts) > 1 and len(_GAP.join(part.text for part in parts)) > width:
        parts.remove(min(parts))
    return Text(_GAP).join(Text(part.text, part.style) for part in parts)


def _done(standing: ProgressSnapshot) -> str:
    if not standing.exact and standing.total <= standing.done:
        return f"{standing.done:,}"
    return f"{standing.done:,} / {standing.total:,}" + ("" if standing.exact else "+")


def _workers(activities: Sequence[Activity], width: int, rows: int, encoding: str) -> Iterator[Text]:
    shown = activities if len(activities) <= rows else activities[: max(0, rows - 1)]
    for activity in shown:
        yield _worker(activity, width, encoding)
    if rows and len(activities) > len(shown):
        yield Text(f"{_GAP}and {len(activities) - len(shown)} more workers", "dim")


def _worker(activity: Activity, width: int, encoding: str) -> Text:
    if activity.item is None:
        return Text(f"{_GAP}idle", "dim")
    age = units.span(activity.seconds)
    room = max(0, width - 2 * len(_GAP) - len(age))
    name = printable(activity.item.source.relative, room)
    # Done here, for the escapes that a terminal's encoding makes necessary take room.
    line = Text(_GAP + name.encode(encoding, "backslashreplace").decode(encoding))
    line.truncate(len(_GAP) + room, overflow="crop", pad=True)
    return line.append(_GAP).append(age, "yellow" if activity.seconds >= _SLOW else "dim")


def _cropped(line: Text, width: int) -> Text:
    # Rich knows newer characters' widths than Python does, and a row too wide would wrap and spoil the next drawing.
    line.truncate(width, overflow="crop")
    line.no_wrap = True
    return line
