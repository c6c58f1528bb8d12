"""The data of the page, computed from the outcomes of a run."""

import os
from collections.abc import Sequence
from datetime import datetime

from msgspec import Struct
from msgspec.structs import asdict

from forkresize.report.html.contact_sheet import Pair, Thumbnails, choose_pairs
from forkresize.report.html.timeline import Span, Timeline, timeline
from forkresize.report.outcome_store import OutcomeStore, Row
from forkresize.report.terminal.plain import printable
from forkresize.summary import Summary

MAX_ROWS = 10_000
"""Records in the table; reports with a record per line hold all of them."""

_EXAMPLES = 10
_TOP = 10
_MAX_WORKERS = 64


class RunInfo(Struct, frozen=True):
    """What a run processes.

    Attributes:
        sources: directories and files to read.
        destination: the directory to write to.
        started: when it began, with its time zone.
    """

    sources: Sequence[str]
    destination: str
    started: datetime


class Group(Struct, frozen=True):
    """Skipped or failed outcomes with the same reason, and the first ones as examples."""

    status: str
    reason: str
    count: int
    examples: list[Row]


class Conversion(Struct, frozen=True):
    """Outputs of one format from sources of one format. A source counts once for each of its outputs."""

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
        groups: the failed, then the skipped outcomes, by reason; the most frequent first.
        conversions: the outputs by format, the most frequent first.
        workers: the busiest workers.
        slowest: the outputs that took longest.
        largest: the outputs of the largest sources.
        pairs: the contact sheet.
        timeline: rates and utilization over time.
        table: the records for the page's script.
        total: number of records, including those that are not in the table.
    """

    info: RunInfo
    summary: Summary
    groups: list[Group]
    conversions: list[Conversion]
    workers: list[WorkerShare]
    slowest: list[Row]
    largest: list[Row]
    pairs: list[Pair]
    timeline: Timeline
    table: list[list[object]]
    total: int

    @property
    def data(self) -> dict[str, object]:
        """The data for the page's script, ready for JSON."""
        return {"timeline": asdict(self.timeline), "rows": self.table}


def build_page(store: OutcomeStore, info: RunInfo, summary: Summary, thumbnails: Thumbnails) -> Page:
    """Return the data of the page."""
    [[total]] = store.query("SELECT COUNT(*) FROM outcomes")
    executed = "WHERE is_first AND status != 'skipped'"
    return Page(
        info=info,
        summary=summary,
        groups=_groups(store),
        conversions=_conversions(store),
        workers=_workers(store),
        slowest=list(store.rows(f"{executed} ORDER BY seconds DESC LIMIT ?", _TOP)),
        largest=list(store.rows(f"{executed} ORDER BY in_bytes DESC LIMIT ?", _TOP)),
        pairs=choose_pairs(store, thumbnails),
        timeline=_timeline(store, summary),
        table=_table(store),
        total=total,
    )


def display_name(path: bytes) -> str:
    """Return a path as printable text."""
    return printable(os.fsdecode(path))


def _groups(store: OutcomeStore) -> list[Group]:
    counts = store.query(
        "SELECT status, reason, COUNT(*) FROM outcomes WHERE status IN ('failed', 'skipped') "
        "GROUP BY status, reason ORDER BY status, COUNT(*) DESC, reason"
    )
    return [Group(status, reason, count, _examples(store, status, reason)) for status, reason, count in list(counts)]


def _examples(store: OutcomeStore, status: str, reason: str) -> list[Row]:
    return list(store.rows("WHERE status = ? AND reason = ? LIMIT ?", status, reason, _EXAMPLES))


def _conversions(store: OutcomeStore) -> list[Conversion]:
    counts = store.query(
        # TOTAL, because SUM raises an error on overflow, and the sizes that workers send may be anything.
        "SELECT in_format, out_format, COUNT(*), CAST(TOTAL(in_bytes) AS INTEGER), CAST(TOTAL(out_bytes) AS INTEGER) "
        "FROM outcomes WHERE status = 'written' "
        "GROUP BY in_format, out_format ORDER BY COUNT(*) DESC, in_format, out_format"
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
    rank = "CASE status WHEN 'failed' THEN 0 WHEN 'skipped' THEN 1 ELSE 2 END"
    return [_cells(row) for row in store.rows(f"ORDER BY {rank}, seconds DESC, in_bytes DESC LIMIT ?", MAX_ROWS)]


def _cells(row: Row) -> list[object]:
    """Return a record as the script expects it: source, status, remark, bytes, pixels, format, seconds."""
    remark = "; ".join(filter(None, (": ".join(filter(None, (row.reason, row.error))), row.warnings)))
    pixels = [row.in_width, row.in_height, row.out_width, row.out_height]
    seconds = round(row.seconds, 4) if row.worker is not None else None
    source = display_name(row.source)
    return [source, row.status, remark, row.in_bytes, row.out_bytes, *pixels, row.out_format, seconds]
