"""The rows of the live view at one moment, fitted to the terminal."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from rich.console import ConsoleOptions
from rich.text import Text

from forkresize import units
from forkresize.observer import Activity, NodeActivity
from forkresize.report.terminal.plain import printable
from forkresize.report.terminal.progress import ProgressSnapshot

MAX_WIDTH = 100
"""Maximum width of the view in columns."""

_SLOW = 10.0
"""Seconds after which a picture is highlighted."""

_GAP = "  "


class _Part(NamedTuple):
    """A part of the line of counts. In narrow terminals, parts of the lowest rank are dropped first."""

    rank: int
    text: str
    style: str = ""


def layout(progress: ProgressSnapshot, activities: Sequence[Activity], terminal: ConsoleOptions) -> list[Text]:
    """Return the rows to show, within the terminal's width and height.

    One column and one row stay free for the cursor.
    """
    width = max(1, min(terminal.max_width - 1, MAX_WIDTH))
    rows = max(0, terminal.size.height - 3)
    lines = [_counts(progress, width), *_workers(activities, width, rows, terminal.encoding)]
    if rows:
        lines.insert(0, _bar(progress, width, ascii_only=terminal.ascii_only))
    return [_crop(line, width) for line in lines]


def _bar(progress: ProgressSnapshot, width: int, *, ascii_only: bool) -> Text:
    full, empty = ("#", "-") if ascii_only else ("━", "─")
    filled = int(width * progress.fraction) if progress.exact else 0
    return Text.assemble((full * filled, "green" if filled == width else "cyan"), (empty * (width - filled), "dim"))


def _counts(progress: ProgressSnapshot, width: int) -> Text:
    parts = [
        *([_Part(3, f"{int(100 * progress.fraction)}%", "bold")] if progress.exact else []),
        _Part(6, _done(progress)),
        _Part(2, f"{progress.pictures_per_second:,.1f} pictures/s", "cyan"),
        _Part(1, f"{progress.megapixels_per_second:,.1f} MP/s", "cyan"),
        *([] if progress.seconds_left is None else [_Part(4, f"{units.format_clock(progress.seconds_left)} left")]),
        *([_Part(5, f"{progress.failed:,} failed", "bold red")] if progress.failed else []),
    ]
    while len(parts) > 1 and len(_GAP.join(part.text for part in parts)) > width:
        parts.remove(min(parts))
    return Text(_GAP).join(Text(part.text, part.style) for part in parts)


def _done(progress: ProgressSnapshot) -> str:
    if not progress.exact and progress.total <= progress.done:
        return f"{progress.done:,}"
    return f"{progress.done:,} / {progress.total:,}" + ("" if progress.exact else "+")


def _workers(activities: Sequence[Activity], width: int, rows: int, encoding: str) -> Iterator[Text]:
    shown = activities if len(activities) <= rows else activities[: max(0, rows - 1)]
    for activity in shown:
        yield _worker(activity, width, encoding)
    if rows and len(activities) > len(shown):
        kind = "nodes" if isinstance(activities[0], NodeActivity) else "workers"
        yield Text(f"{_GAP}and {len(activities) - len(shown)} more {kind}", "dim")


def _worker(activity: Activity, width: int, encoding: str) -> Text:
    duration = units.format_duration(activity.seconds)
    room = max(0, width - 2 * len(_GAP) - len(duration))
    if isinstance(activity, NodeActivity):
        name = _node(activity, room)
    elif activity.item is None:
        return Text(f"{_GAP}idle", "dim")
    else:
        name = printable(activity.item.source.relative, room)
    # Encoded here, because the escapes for characters that the terminal lacks take room.
    line = Text(_GAP + name.encode(encoding, "backslashreplace").decode(encoding))
    line.truncate(len(_GAP) + room, overflow="crop", pad=True)
    return line.append(_GAP).append(duration, "yellow" if activity.seconds >= _SLOW else "dim")


def _node(activity: NodeActivity, room: int) -> str:
    counts = f"{activity.made:,} of {activity.pictures:,} pictures"
    return f"{printable(activity.worker, max(0, room - len(_GAP) - len(counts)))}{_GAP}{counts}"


def _crop(line: Text, width: int) -> Text:
    # Rich knows the widths of newer characters than Python does; a row too wide would wrap and break the next drawing.
    line.truncate(width, overflow="crop")
    line.no_wrap = True
    return line
