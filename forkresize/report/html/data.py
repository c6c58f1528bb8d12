"""What the page shows, gathered from the records of a run. Knows no markup."""

import os
from collections.abc import Sequence
from datetime import datetime

from msgspec import Struct
from msgspec.structs import asdict

from forkresize.report.html.contact_sheet import Pair, Thumbnails, choose_pairs
from forkresize.report.html.outcome_store import OutcomeStore, Row
from forkresize.report.html.timeline import Span, Timeline, timeline
from forkresize.report.terminal.plain import printable
from forkresize.summary import Summary

MAX_ROWS = 10_000
"""So many records are in the table; a report with a record a line holds them all."""

_EXAMPLES = 10
_TOP = 10
_MAX_WORKERS = 64


class RunInfo(Struct, frozen=True):
    """What a run was about.

    Attributes:
        sources: the directories and files that were read.
        destination: where it wrote to.
        started: when, with its time zone.
    """

    sources: Sequence[str]
    destination: str
    started: datetime


class Group(Struct, frozen=True):
    """Outcomes that have a reason in common.

    Attributes:
        status: skipped or failed.
        reason: why.
        count: how many there are.
        examples: the first of them.
    """

    status: str
    reason: str
    count: int
    examples: list[Row]


class Conversion(Struct, frozen=True):
    """Outputs of one format from sources of one format.

    Attributes:
        before: the format of the sources.
        after: that of the outputs.
        count: how many there are.
        in_bytes: size of the sources; of one with several outputs, for each of them.
        out_bytes: size of the outputs.
    """

    before: str
    after: str
    count: int
    in_bytes: int
    out_bytes: int


class WorkerShare(Struct, frozen=True):
    """What one worker did.

    Attributes:
        worker: its process id.
        count: sources that it worked on.
        seconds: wall time that it spent on them.
    """

    worker: int
    count: int
    seconds: float


class Page(Struct, frozen=True, kw_only=True):
    """All that the page shows.

    Attributes:
        subject: what the run was about.
        summary: what it came to.
        groups: the failed, then the skipped, by reason; the most frequent first.
        conversions: the outputs by format, the most frequent first.
        workers: who did what, the busiest first; at most 64.
        slowest: the outputs that took longest.
        largest: those of the largest sources.
        pairs: the contact sheet.
        timeline: pace and utilization over time.
        table: the records, as the page's script reads them.
        total: how many records there are, in the table or not.
    """

    subject: RunInfo
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
        """Return what the page's script works on, ready for JSON."""
        return {"timeline": asdict(self.timeline), "rows": self.table}


def build_page(spool: OutcomeStore, subject: RunInfo, summary: Summary, thumbnails: Thumbnails) -> Page:
    """Return what the page shows.

    Args:
        spool: the records.
        subject: what the run was about.
        summary: what it came to.
        thumbnails: makes the pictures of the contact sheet.
    """
    [[total]] = spool.query("SELECT COUNT(*) FROM rows")
    return Page(
        subject=subject,
        summary=summary,
        groups=_groups(spool),
        conversions=_conversions(spool),
        workers=_workers(spool),
        slowest=list(spool.rows("WHERE leads AND status != 'skipped' ORDER BY seconds DESC LIMIT ?", _TOP)),
        largest=list(spool.rows("WHERE leads AND status != 'skipped' ORDER BY in_bytes DESC LIMIT ?", _TOP)),
        pairs=choose_pairs(spool, thumbnails),
        timeline=_timeline(spool, summary),
        table=_table(spool),
        total=total,
    )


def name(path: bytes) -> str:
    """Return a path as text that can't garble a page."""
    return printable(os.fsdecode(path))


def _groups(spool: OutcomeStore) -> list[Group]:
    counted = spool.query(
        "SELECT status, reason, COUNT(*) FROM rows WHERE status IN ('failed', 'skipped') "
        "GROUP BY status, reason ORDER BY status, COUNT(*) DESC, reason"
    )
    return [Group(status, reason, count, _examples(spool, status, reason)) for status, reason, count in list(counted)]


def _examples(spool: OutcomeStore, status: str, reason: str) -> list[Row]:
    return list(spool.rows("WHERE status = ? AND reason = ? LIMIT ?", status, reason, _EXAMPLES))


def _conversions(spool: OutcomeStore) -> list[Conversion]:
    counted = spool.query(
        # Not SUM, which raises when it runs over: what a worker says of its outputs may be anything.
        "SELECT in_format, out_format, COUNT(*), CAST(TOTAL(in_bytes) AS INTEGER), CAST(TOTAL(out_bytes) AS INTEGER) "
        "FROM rows WHERE status = 'written' "
        "GROUP BY in_format, out_format ORDER BY COUNT(*) DESC, in_format, out_format"
    )
    return [Conversion(*row) for row in counted]


def _workers(spool: OutcomeStore) -> list[WorkerShare]:
    counted = spool.query(
        "SELECT worker, COUNT(*), SUM(seconds) FROM rows WHERE leads AND worker IS NOT NULL "
        "GROUP BY worker ORDER BY SUM(seconds) DESC LIMIT ?",
        _MAX_WORKERS,
    )
    return [WorkerShare(*row) for row in counted]


def _timeline(spool: OutcomeStore, summary: Summary) -> Timeline:
    [[count]] = spool.query("SELECT COUNT(*) FROM rows WHERE leads")
    spans = (Span(*row) for row in spool.query("SELECT ended, seconds, in_bytes FROM rows WHERE leads"))
    return timeline(spans, count, seconds=summary.stats.seconds, workers=summary.stats.workers)


def _table(spool: OutcomeStore) -> list[list[object]]:
    rank = "CASE status WHEN 'failed' THEN 0 WHEN 'skipped' THEN 1 ELSE 2 END"
    return [_cells(row) for row in spool.rows(f"ORDER BY {rank}, seconds DESC, in_bytes DESC LIMIT ?", MAX_ROWS)]


def _cells(row: Row) -> list[object]:
    """Return a record as the script reads it: source, status, remark, bytes, pixels, format, seconds."""
    remark = "; ".join(filter(None, (": ".join(filter(None, (row.reason, row.error))), row.warnings)))
    sides = [row.in_width, row.in_height, row.out_width, row.out_height]
    seconds = round(row.seconds, 4) if row.worker is not None else None
    return [name(row.source), row.status, remark, row.in_bytes, row.out_bytes, *sides, row.out_format, seconds]
