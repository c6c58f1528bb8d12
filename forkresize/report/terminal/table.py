"""The summary table at the end of a run on a terminal. Counts nothing."""

from collections.abc import Iterable, Iterator, Mapping

from rich.cells import cell_len
from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from forkresize import units
from forkresize.outcome import Reason
from forkresize.report.terminal.plain import MAX_SHOWN, format_failure, printable, remaining_failures
from forkresize.summary import Summary

_NARROW = 40
"""Columns below which a table would be all folds."""

_Row = tuple[str, str, str, str]
"""Label, figure, particulars and the figure's style."""


def print_summary(
    summary: Summary, console: Console | None = None, *, report: str | None = None, verbose: bool = False
) -> None:
    """Print what a run came to, then the first failures.

    Args:
        summary: what the run came to.
        console: where to print; standard error unless told otherwise.
        report: the path of a report that holds all failures, if one was asked for.
        verbose: whether to tell what the system lacks for a sandbox.
    """
    console = console or Console(stderr=True)
    rows = [*_counts(summary, "->" if console.options.ascii_only else "→"), *_pace(summary, verbose=verbose)]
    console.print(Padding(_lines(rows) if console.width < _NARROW else _columns(rows), (0, 1)))
    if summary.failures:
        console.print(Padding(_failures(summary, console.width), (1, 1, 0, 1)))
    rest = remaining_failures(summary, report)
    if rest:
        console.print(Padding(Text(rest, "dim", overflow="fold"), (0, 1)))


def _columns(rows: Iterable[_Row]) -> Table:
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(no_wrap=True)
    table.add_column(justify="right", no_wrap=True)
    table.add_column(overflow="fold")
    for label, figure, particulars, style in rows:
        table.add_row(Text(label), Text(figure, style), Text(particulars, "dim"))
    return table


def _lines(rows: Iterable[_Row]) -> Text:
    told = (", ".join(filter(None, (f"{label} {figure}", particulars))) for label, figure, particulars, _ in rows)
    return Text("\n".join(told), overflow="fold")


def _counts(summary: Summary, arrow: str) -> Iterator[_Row]:
    before, after = summary.in_bytes, summary.out_bytes
    sizes = (
        f"{units.format_size(before)} {arrow} {units.format_size(after)}, {units.format_change(before, after)}"
        if before
        else ""
    )
    yield "written", f"{summary.written:,}", sizes, _style(summary.written, "bold green")
    yield "unchanged", f"{summary.unchanged:,}", "", _style(summary.unchanged, "bold")
    if summary.pruned:
        yield "pruned", f"{summary.pruned:,}", "", "bold"
    yield "skipped", f"{summary.skipped:,}", _by_reason(summary.skipped_by_reason), _style(summary.skipped, "bold")
    yield "failed", f"{summary.failed:,}", _by_reason(summary.failed_by_reason), _style(summary.failed, "bold red")


def _pace(summary: Summary, *, verbose: bool) -> Iterator[_Row]:
    if summary.stopped_by:
        yield "stopped", "early", f"by {printable(summary.stopped_by)}; the same command makes the rest", "bold yellow"
    if summary.refused:
        yield "refused", "", printable(summary.refused), "bold yellow"
    yield "time", units.format_duration(summary.stats.seconds), "", "bold"
    yield (
        "pictures/s",
        f"{summary.pictures_per_second:,.1f}",
        f"{summary.megapixels_per_second:,.1f} megapixels/s",
        "bold",
    )
    room = f", {units.format_size(summary.stats.memory)} of memory" if summary.stats.memory else ""
    lost = f", {summary.stats.workers_lost:,} lost" if summary.stats.workers_lost else ""
    yield "workers", f"{summary.stats.workers:,}", f"{summary.stats.utilization:.0%} busy{lost}{room}", "bold"
    if verbose and summary.stats.sandbox_missing:
        yield "sandbox", "partial", f"no {', '.join(summary.stats.sandbox_missing)}", "bold yellow"


def _style(count: int, style: str) -> str:
    return style if count else "dim"


def _by_reason(counts: Mapping[Reason, int]) -> str:
    falling = sorted(counts.items(), key=lambda entry: (-entry[1], entry[0]))
    return ", ".join(f"{count:,} {reason}" for reason, count in falling) if len(falling) > 1 else "".join(counts)


def _failures(summary: Summary, width: int) -> Table:
    told = [(printable(failure.source.path), format_failure(failure)) for failure in summary.failures[:MAX_SHOWN]]
    beside = max(cell_len(path) for path, _ in told) <= width // 2
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(overflow="fold")
    for path, why in told:
        if beside:
            table.add_row(Text(path), Text(why, "red"))
        else:
            table.add_row(Text(path))
            table.add_row(Padding(Text(why, "red"), (0, 0, 0, 2)))
    return table
