"""The summary table at the end of a run on a terminal."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from rich.cells import cell_len
from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from forkresize import units
from forkresize.loss import format_losses
from forkresize.report.terminal.plain import MAX_SHOWN, format_failure, format_refusal, printable, remaining_failures
from forkresize.summary import RunStats, Summary

_MIN_WIDTH = 40
"""Columns that a table needs; narrower terminals get lines."""

_MAX_KINDS = 8
"""Reasons to show in a row; the others are added up."""

_Row = tuple[str, str, str, str]
"""Label, value, details and the value's style."""


class Places(NamedTuple):
    """Where a person finds what a run made: its outputs, and its reports. Each report holds all failures."""

    output: str = ""
    reports: Sequence[str] = ()


def print_summary(
    summary: Summary, console: Console | None = None, *, places: Places | None = None, verbose: bool = False
) -> None:
    """Print the summary of a run and its first failures.

    Args:
        summary: the run's summary.
        console: where to print; standard error by default.
        places: paths to print.
        verbose: whether to name the sandbox layers that the system lacks.
    """
    console = console or Console(stderr=True)
    places = places or Places()
    arrow = "->" if console.options.ascii_only else "→"
    rows = [*_counts(summary, arrow), *_execution(summary, verbose=verbose), *_places(summary, places)]
    console.print(Padding(_lines(rows) if console.width < _MIN_WIDTH else _columns(rows), (0, 1), expand=False))
    if summary.failures:
        console.print(Padding(_failures(summary, console.width), (1, 1, 0, 1), expand=False))
    rest = remaining_failures(summary, next(iter(places.reports), None))
    if rest:
        console.print(Padding(Text(rest, "dim", overflow="fold"), (0, 1), expand=False))


def _columns(rows: Iterable[_Row]) -> Table:
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(no_wrap=True)
    table.add_column(justify="right", no_wrap=True)
    table.add_column(overflow="fold")
    for label, value, details, style in rows:
        table.add_row(Text(label), Text(value, style), Text(details, "dim"))
    return table


def _lines(rows: Iterable[_Row]) -> Text:
    lines = (f"{label} {', '.join(filter(None, (value, details)))}" for label, value, details, _ in rows)
    return Text("\n".join(lines), overflow="fold")


def _counts(summary: Summary, arrow: str) -> Iterator[_Row]:
    yield _count("written", summary.written, _sizes(summary, arrow), "bold green")
    yield _count("unchanged", summary.unchanged)
    if summary.pruned:
        yield _count("pruned", summary.pruned)
    yield _count("skipped", summary.skipped, _by_reason(summary.skipped_by_reason))
    yield _count("failed", summary.failed, _by_reason(summary.failed_by_reason), "bold red")
    if summary.losses:
        yield _count("warnings", sum(summary.losses.values()), format_losses(summary.losses), "bold yellow")


def _count(label: str, count: int, details: str = "", style: str = "bold") -> _Row:
    return label, f"{count:,}", details, style if count else "dim"


def _sizes(summary: Summary, arrow: str) -> str:
    before, after = summary.in_bytes, summary.out_bytes
    if not before:
        return ""
    return f"{units.format_size(before)} {arrow} {units.format_size(after)}, {units.format_change(before, after)}"


def _execution(summary: Summary, *, verbose: bool) -> Iterator[_Row]:
    if summary.stopped_by:
        reason = f"by {printable(summary.stopped_by)}; run the same command again to continue"
        yield "stopped", "early", reason, "bold yellow"
    if summary.refused:
        yield "refused", "", format_refusal(summary.refused), "bold yellow"
    stats = summary.stats
    yield "time", units.format_duration(stats.seconds), "", "bold"
    rate = f"{summary.megapixels_per_second:,.1f} megapixels/s"
    yield "pictures/s", f"{summary.pictures_per_second:,.1f}", rate, "bold"
    yield "workers", f"{stats.workers:,}", f"{_workers(stats)}{_memory(summary)}", "bold"
    if verbose and stats.sandbox_missing:
        yield "sandbox", "partial", f"no {', '.join(stats.sandbox_missing)}", "bold yellow"


def _places(summary: Summary, places: Places) -> Iterator[_Row]:
    if places.output and summary.written:
        yield "output", "", printable(places.output), ""
    for report in places.reports:
        yield "report", "", printable(report), ""


def _workers(stats: RunStats) -> str:
    lost = f", {stats.workers_lost:,} lost" if stats.workers_lost else ""
    return f"{stats.utilization:.0%} busy{lost}"


def _memory(summary: Summary) -> str:
    used, budget = summary.memory_used, summary.stats.memory
    if not used or not budget:
        return f", memory budget {units.format_size(budget)}" if budget else ""
    texts = [f"{count / 1e9:,.1f}" for count in (used, budget)]
    if "0.0" in texts:
        return f", memory peak {units.format_size(used)} of {units.format_size(budget)}"
    return f", memory peak {texts[0]} of {texts[1]} GB"


def _by_reason(counts: Mapping[Any, int]) -> str:
    falling = sorted(counts.items(), key=lambda entry: (-entry[1], entry[0]))
    shown = [f"{count:,} {printable(reason)}" for reason, count in falling[:_MAX_KINDS]]
    rest = sum(count for _, count in falling[_MAX_KINDS:])
    if len(falling) == 1:
        return printable("".join(counts))
    return ", ".join([*shown, *([f"{rest:,} other"] if rest else [])])


def _failures(summary: Summary, width: int) -> Table:
    rows = [(printable(failure.source.path), format_failure(failure)) for failure in summary.failures[:MAX_SHOWN]]
    side_by_side = max(cell_len(path) for path, _ in rows) <= width // 2
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(overflow="fold")
    for path, reason in rows:
        if side_by_side:
            table.add_row(Text(path), Text(reason, "red"))
        else:
            table.add_row(Text(path))
            table.add_row(Padding(Text(reason, "red"), (0, 0, 0, 2)))
    return table
