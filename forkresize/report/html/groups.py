"""Outcomes that a person looks into, grouped: failures and skipped sources by reason, and warnings by kind."""

from heapq import nsmallest

from msgspec import Struct

from forkresize.loss import loss_of
from forkresize.outcome import Reason
from forkresize.report.outcome_store import OutcomeStore, Row

_EXAMPLES = 10
_MAX_KINDS = 100
"""Kinds of warnings to show; a hostile picture can provoke any number."""

NOT_NEEDED = "not needed"
"""The status that the page shows for outputs that would be the same as a smaller one."""


class Group(Struct, frozen=True):
    """Skipped or failed outcomes with the same reason, and the first ones as examples."""

    status: str
    reason: str
    count: int
    examples: list[Row]


class WarningExample(Struct, frozen=True):
    """A warning about an output, with the path of its source."""

    source: bytes
    text: str


class WarningGroup(Struct, frozen=True):
    """Warnings of one kind: the first of them without its details, and the first ones as examples.

    ``loss`` says what these outputs lost; it is empty for warnings that matter less.
    """

    name: str
    count: int
    examples: list[WarningExample]
    loss: str


def find_groups(store: OutcomeStore) -> list[Group]:
    """Return the failed, then the outputs that are not needed, then the skipped outcomes, the most frequent first."""
    counts = store.query(
        "SELECT status, reason, COUNT(*) FROM outcomes WHERE status IN ('failed', 'skipped') "
        "GROUP BY status, reason ORDER BY status, COUNT(*) DESC, reason"
    )
    return [
        Group(shown_status(status, reason), reason, count, _examples(store, status, reason))
        for status, reason, count in list(counts)
    ]


def find_warnings(store: OutcomeStore) -> list[WarningGroup]:
    """Return the warnings by kind: first those that matter, the most frequent first."""
    # SQLite takes other columns from the row of the minimum.
    kinds = store.query("SELECT kind, name, COUNT(*), MIN(rowid) FROM warnings GROUP BY kind")
    shown = nsmallest(_MAX_KINDS, kinds, key=lambda each: (not _loss(each[1]), -each[2], each[0]))
    return [WarningGroup(name, count, _warnings(store, kind), _loss(name)) for kind, name, count, _ in shown]


def _loss(name: str) -> str:
    loss = loss_of(name)
    return "" if loss is None else loss.label


def shown_status(status: str, reason: str | None) -> str:
    """Return the status of an outcome as the page shows it."""
    return NOT_NEEDED if status == "skipped" and reason == Reason.DUPLICATE else status


def _examples(store: OutcomeStore, status: str, reason: str) -> list[Row]:
    return list(store.rows("WHERE status = ? AND reason = ? LIMIT ?", status, reason, _EXAMPLES))


def _warnings(store: OutcomeStore, kind: str) -> list[WarningExample]:
    found = store.query(
        "SELECT source, text FROM warnings JOIN outcomes ON outcomes.rowid = outcome WHERE kind = ? "
        "ORDER BY warnings.rowid LIMIT ?",
        kind,
        _EXAMPLES,
    )
    return [WarningExample(source, text) for source, text in found]
