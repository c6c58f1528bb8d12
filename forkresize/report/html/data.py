"""The data of the page, computed from the outcomes of a run."""

import os
from collections.abc import Sequence
from datetime import datetime

from msgspec import Struct
from msgspec.structs import asdict

from forkresize.outcome import Reason
from forkresize.report.html.contact_sheet import Sheet, make_sheet
from forkresize.report.html.excerpt import DrawExcerpts
from forkresize.report.html.groups import Group, WarningGroup, find_groups, find_warnings, shown_status
from forkresize.report.html.timeline import Span, Timeline, timeline
from forkresize.report.outcome_store import OutcomeStore, Row
from forkresize.report.terminal.plain import printable
from forkresize.summary import Summary

MAX_ROWS = 10_000
"""Records in the table; reports with a record per line hold all of them."""

_TOP = 10
_MAX_WORKERS = 64


class RunInfo(Struct, frozen=True):
    """What a run processes.

    Attributes:
        sources: directories and files to read.
        destination: the directory to write to.
        started: when it began, with its time zone.
        command: the command line, without secrets; empty if it was started otherwise.
        recipe: the recipe, as a file; empty if it is not known.
        same_view: whether outputs of the same proportions as their sources show the same part of the picture.
    """

    sources: Sequence[str]
    destination: str
    started: datetime
    command: str = ""
    recipe: str = ""
    same_view: bool = True


class Conversion(Struct, frozen=True):
    """Outputs of one format from sources of one format. A source counts once, as in the summary."""

    before: str
    after: str
    count: int
    in_bytes: int
    out_bytes: int


class WorkerShare(Struct, frozen=True):
    """The sources that a worker processed, and the wall time that it spent on them."""

    worker: int | str
    count: int
    seconds: float


class Page(Struct, frozen=True, kw_only=True):
    """The data of the page.

    Attributes:
        info: what the run processed.
        summary: the run's summary.
        groups: the failed and the skipped outcomes, by reason; the most frequent first.
        warnings: the warnings, by kind; first those that matter, the most frequent first.
        conversions: the outputs by format, the most frequent first.
        workers: the busiest workers.
        slowest: the outputs that took longest.
        largest: the outputs of the largest sources.
        sheet: the pictures of the page.
        timeline: rates and utilization over time.
        table: the records for the page's script.
        total: number of records, including those that are not in the table.
    """

    info: RunInfo
    summary: Summary
    groups: list[Group]
    warnings: list[WarningGroup]
    conversions: list[Conversion]
    workers: list[WorkerShare]
    slowest: list[Row]
    largest: list[Row]
    sheet: Sheet
    timeline: Timeline
    table: list[list[object]]
    total: int

    @property
    def data(self) -> dict[str, object]:
        """The data for the page's script, ready for JSON."""
        return {"timeline": asdict(self.timeline), "rows": self.table}

    @property
    def not_needed(self) -> int:
        """Number of outputs that would be the same as a smaller one. They count as skipped in the summary."""
        return self.summary.skipped_by_reason.get(Reason.DUPLICATE, 0)

    @property
    def headline(self) -> str:
        """How the run ended, in a few words."""
        summary = self.summary
        counts = {"failed": summary.failed, "written": summary.written, "pruned": summary.pruned}
        parts = [f"{count:,} {word}" for word, count in counts.items() if count]
        if summary.refused or summary.stopped_by:
            parts.insert(0, "refused" if summary.refused else "stopped early")
        return ", ".join(parts) or ("up to date" if summary.unchanged else "nothing done")


def build_page(store: OutcomeStore, info: RunInfo, summary: Summary, draw: DrawExcerpts) -> Page:
    """Return the data of the page."""
    [[total]] = store.query("SELECT COUNT(*) FROM outcomes")
    executed = "WHERE is_first AND status != 'skipped'"
    return Page(
        info=info,
        summary=summary,
        groups=find_groups(store),
        warnings=find_warnings(store),
        conversions=_conversions(store),
        workers=_workers(store),
        slowest=list(store.rows(f"{executed} ORDER BY seconds DESC LIMIT ?", _TOP)),
        largest=list(store.rows(f"{executed} ORDER BY in_bytes DESC LIMIT ?", _TOP)),
        sheet=make_sheet(store, draw, same_view=info.same_view),
        timeline=_timeline(store, summary),
        table=_table(store),
        total=total,
    )


def display_name(path: bytes) -> str:
    """Return a path as printable text."""
    return printable(os.fsdecode(path))


def _conversions(store: OutcomeStore) -> list[Conversion]:
    counts = store.query(
        # TOTAL, because SUM raises an error on overflow, and the sizes that workers send may be anything.
        "SELECT in_format, out_format, SUM(outputs), "
        "CAST(TOTAL(in_bytes) AS INTEGER), CAST(TOTAL(out_bytes) AS INTEGER) "
        "FROM (SELECT in_format, out_format, COUNT(*) AS outputs, in_bytes, TOTAL(out_bytes) AS out_bytes "
        "FROM outcomes WHERE status = 'written' GROUP BY in_format, out_format, source) "
        "GROUP BY in_format, out_format ORDER BY SUM(outputs) DESC, in_format, out_format"
    )
    return [Conversion(*row) for row in counts]


def _workers(store: OutcomeStore) -> list[WorkerShare]:
    counts = store.query(
        "SELECT worker, COUNT(*), SUM(seconds) FROM outcomes WHERE is_first AND worker IS NOT NULL "
        "GROUP BY worker ORDER BY SUM(seconds) DESC LIMIT ?",
        _MAX_WORKERS,
    )
    return [WorkerShare(*row) for row in counts]


def _timeline(store: OutcomeStore, summary: Summary) -> Timeline:
    [[count]] = store.query("SELECT COUNT(*) FROM outcomes WHERE is_first")
    spans = map(Span._make, store.query("SELECT ended, seconds, in_bytes FROM outcomes WHERE is_first"))
    return timeline(spans, count, seconds=summary.stats.seconds, workers=summary.stats.workers)


def _table(store: OutcomeStore) -> list[list[object]]:
    rank = "CASE WHEN status = 'failed' THEN 0 WHEN warnings != '' THEN 1 WHEN status = 'skipped' THEN 2 ELSE 3 END"
    return [_cells(row) for row in store.rows(f"ORDER BY {rank}, seconds DESC, in_bytes DESC LIMIT ?", MAX_ROWS)]


def _cells(row: Row) -> list[object]:
    """Return a record as the script expects it: source, status, remark, bytes, pixels, format, seconds."""
    remark = "; ".join(filter(None, (": ".join(filter(None, (row.reason, row.error))), row.warnings)))
    pixels = [row.in_width, row.in_height, row.out_width, row.out_height]
    seconds = round(row.seconds, 4) if row.worker is not None else None
    source = display_name(row.source)
    return [
        source,
        shown_status(row.status, row.reason),
        remark,
        row.in_bytes,
        row.out_bytes,
        *pixels,
        row.out_format,
        seconds,
    ]
