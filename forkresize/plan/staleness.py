"""Whether an output is up to date: a pure decision from what exists, what is recorded, fingerprints and policy."""

import math
from collections.abc import Callable, Sequence
from enum import StrEnum
from functools import cached_property

from msgspec import Struct

from forkresize.ledger import InterruptedRun, OutputRecord, RecipeFingerprints, recordable_version
from forkresize.outcome import FORMER_REASONS, UNCHANGED, Failed, Planned, Reason, Skipped, Unchanged
from forkresize.store import ObjectInfo, ObjectKind

_CLOCK_TOLERANCE_NS = 2_000_000_000
"""Nanoseconds by which the clocks of a store and of this machine may differ."""

_KNOWN_REASONS = frozenset({*map(str, Reason), *FORMER_REASONS})
"""A later version may have recorded others."""


class IfExists(StrEnum):
    """What to do if an output exists already."""

    UPDATE = "update"
    SKIP = "skip"
    OVERWRITE = "overwrite"
    ERROR = "error"


class Compare(StrEnum):
    """How to detect a changed source: by its size and modification time, or by its content."""

    STAT = "stat"
    CHECKSUM = "checksum"


class Policy(Struct, frozen=True, kw_only=True):
    """How a run treats the outputs of earlier runs.

    Attributes:
        if_exists: what to do if an output exists.
        compare: how to detect a changed source.
        retry_failed: whether failures of earlier runs are tried again although nothing changed.
    """

    if_exists: IfExists = IfExists.UPDATE
    compare: Compare = Compare.STAT
    retry_failed: bool = False


class StaleReason(StrEnum):
    """Why an output has to be made."""

    NO_OUTPUT = "no output yet"
    OUTPUT_MISSING = "the output is gone"
    OUTPUT_INCOMPLETE = "the output is empty or not a regular file"
    OUTPUT_MODIFIED = "the output was modified"
    OVERWRITE = "to be overwritten"
    RETRY = "to be tried again"
    INTERRUPTED = "an interrupted run may have made it"
    SOURCE_NEWER = "the source is newer"
    SOURCE_CHANGED = "the source changed"
    CONTENT_CHANGED = "the source's content changed"
    OTHER_SOURCE = "made from another source"
    RECIPE_CHANGED = "the recipe changed"
    NOT_REPLACED = "not replaced yet"


class SourceState(Struct, frozen=True):
    """A source, in the terms of OutputRecord.

    Its hash is None if it is not needed, or cannot be read; its ETag and version, if it is a local file.
    """

    root: str
    relative: str
    size: int
    mtime_ns: int
    hash: bytes | None = None
    etag: str | None = None
    version: str | None = None


class Rules(Struct, frozen=True, dict=True):
    """What the decisions of a run have in common.

    Attributes:
        policy: how the outputs of earlier runs are treated.
        compute: returns the fingerprints. It takes as long as several tiny pictures.
        interrupted: earlier runs that were interrupted.
    """

    policy: Policy
    compute: Callable[[], RecipeFingerprints]
    interrupted: Sequence[InterruptedRun] = ()

    @cached_property
    def fingerprints(self) -> RecipeFingerprints:
        """What outputs would be made with now."""
        return self.compute()


class Decision(Struct, frozen=True):
    """What to do about an output.

    Attributes:
        detail: Planned if it has to be made, otherwise what happens to it without work.
        covers_all: whether that holds for all outputs of the source together.
        update: the output's record, if the source looks different by now although its content is the same.
    """

    detail: Planned | Unchanged | Skipped | Failed
    covers_all: bool = False
    update: OutputRecord | None = None


_UP_TO_DATE = Decision(UNCHANGED)
_A_DIRECTORY = Decision(Failed(Reason.NOT_WRITTEN, "a directory has the output's name"))
_STALE = {reason: Decision(Planned(reason)) for reason in StaleReason}
_EXISTS = {
    IfExists.SKIP: Decision(Skipped(Reason.EXISTS)),
    IfExists.ERROR: Decision(Failed(Reason.EXISTS)),
    IfExists.OVERWRITE: _STALE[StaleReason.OVERWRITE],
}


def decide(
    rules: Rules, source: SourceState, rendition: int, found: ObjectInfo | None, record: OutputRecord | None
) -> Decision:
    """Decide what to do about an output, from what exists at its key and what is recorded of it."""
    if found is None:
        return _decide_missing(rules, source, rendition, record)
    if found.kind is ObjectKind.DIRECTORY:
        return _A_DIRECTORY
    if rules.policy.if_exists is not IfExists.UPDATE:
        return _EXISTS[rules.policy.if_exists]
    if (
        record is not None
        and record.status != "written"
        and (refused := previous_refusal(rules, source, rendition, record))
    ):
        return refused
    reason = _reason_to_update(rules, source, rendition, found, record)
    if reason is not None:
        return _STALE[reason]
    if record is None or rules.policy.compare is Compare.STAT:
        return _UP_TO_DATE
    now = record._replace(
        source_hash=source.hash,
        source_size=source.size,
        source_mtime_ns=source.mtime_ns,
        source_etag=source.etag,
        source_version=source.version,
    )
    return _UP_TO_DATE if now == record else Decision(UNCHANGED, update=now)


def decide_in_place(rules: Rules, source: SourceState, record: OutputRecord | None, *, is_output: bool) -> Decision:
    """Decide what to do about a source that its output replaces.

    Args:
        rules: those of the run.
        source: the file that is there.
        record: what is recorded of its output.
        is_output: whether the file is that output.
    """
    if rules.policy.if_exists is IfExists.OVERWRITE:
        return _STALE[StaleReason.OVERWRITE]
    if record is not None and (refused := previous_refusal(rules, source, 0, record)):
        return refused
    if record is None or record.status != "written":
        return _STALE[StaleReason.NOT_REPLACED]
    if not is_output:
        return _STALE[StaleReason.SOURCE_CHANGED]
    return _STALE[StaleReason.RECIPE_CHANGED] if _recipe_changed(rules, record, 0) else _UP_TO_DATE


def needs_hash(rules: Rules, source: SourceState, record: OutputRecord | None) -> bool:
    """Return whether a decision depends on the content of the source, or would record it."""
    return rules.policy.compare is Compare.CHECKSUM and record is not None and record.source_size == source.size


def previous_refusal(rules: Rules, source: SourceState, rendition: int, record: OutputRecord) -> Decision | None:
    """Return the recorded failure or skip if nothing that it depends on has changed; None otherwise."""
    if record.status == "written" or record.reason not in _KNOWN_REASONS:
        return None
    failed, reason = record.status == "failed", Reason(record.reason)
    if (
        (failed and rules.policy.retry_failed)
        or rules.fingerprints.allows_more(reason, record.limit_value)
        or _recipe_changed(rules, record, rendition)
        or _source_change(rules, source, record)
    ):
        return None
    detail = Failed(reason, record.error, record.signal) if failed else Skipped(reason, record.error)
    return Decision(detail, covers_all=bool(record.covers_all))


def may_be_incomplete(interrupted: Sequence[InterruptedRun], run: int, changed_ns: int) -> bool:
    """Return whether an output may be the work of an interrupted run that did not record it.

    Args:
        interrupted: those runs.
        run: number of the run that recorded the output last; 0 if none did.
        changed_ns: time of the output's last change.
    """
    # A run that ended before it started saw the clock set back: it may have made outputs of any time.
    return any(
        run < other.number
        and (
            other.ended_ns < other.started_ns
            or other.started_ns - _CLOCK_TOLERANCE_NS <= changed_ns <= other.ended_ns + _CLOCK_TOLERANCE_NS
        )
        for other in interrupted
    )


def interruption_bounds(interrupted: Sequence[InterruptedRun]) -> tuple[float, float]:
    """Return the first and the last time at which an output may have changed that ``may_be_incomplete``.

    In nanoseconds since the epoch. Without interrupted runs, the first is after the last.
    """
    if any(run.ended_ns < run.started_ns for run in interrupted):
        return -math.inf, math.inf
    started = min((run.started_ns for run in interrupted), default=math.inf)
    ended = max((run.ended_ns for run in interrupted), default=-math.inf)
    return started - _CLOCK_TOLERANCE_NS, ended + _CLOCK_TOLERANCE_NS


def _decide_missing(rules: Rules, source: SourceState, rendition: int, record: OutputRecord | None) -> Decision:
    if record is None:
        return _STALE[StaleReason.NO_OUTPUT]
    overwrites = rules.policy.if_exists is IfExists.OVERWRITE
    if not overwrites and (refused := previous_refusal(rules, source, rendition, record)):
        return refused
    return _STALE[StaleReason.OUTPUT_MISSING if record.status == "written" else StaleReason.RETRY]


def _reason_to_update(
    rules: Rules, source: SourceState, rendition: int, found: ObjectInfo, record: OutputRecord | None
) -> StaleReason | None:
    if found.kind is not ObjectKind.FILE or found.size == 0:
        return StaleReason.OUTPUT_INCOMPLETE
    run = 0 if record is None else record.run
    if rules.interrupted and may_be_incomplete(rules.interrupted, run, found.changed_ns):
        return StaleReason.INTERRUPTED
    if record is None:
        return StaleReason.SOURCE_NEWER if found.mtime_ns < source.mtime_ns else None
    if record.status != "written":
        return StaleReason.RETRY
    if not is_recorded(found, record):
        return StaleReason.OUTPUT_MODIFIED
    if (change := _source_change(rules, source, record)) is not None:
        return change
    return StaleReason.RECIPE_CHANGED if _recipe_changed(rules, record, rendition) else None


def is_recorded(found: ObjectInfo, record: OutputRecord) -> bool:
    """Return whether an output is as it was recorded."""
    return found.size == record.size and _same_content(
        (record.etag, record.version, record.mtime_ns), (found.etag, recordable_version(found), found.mtime_ns)
    )


_Identity = tuple[str | None, str | None, int]


def _same_content(recorded: _Identity, now: _Identity) -> bool:
    """Return whether ETag and version say that an object is the same; its modification time, if there are neither.

    The answer to a write may lack the time, and a copy of the same content has another one.
    """
    pairs = [pair for pair in zip(recorded[:2], now[:2], strict=True) if None not in pair]
    return all(before == after for before, after in pairs) if pairs else recorded[2] == now[2]


def _recipe_changed(rules: Rules, record: OutputRecord, rendition: int) -> bool:
    return record.recipe != rules.fingerprints.for_rendition(rendition, record.reason)


def _source_change(rules: Rules, source: SourceState, record: OutputRecord) -> StaleReason | None:
    if record.source != source.relative or record.root != source.root:
        return StaleReason.OTHER_SOURCE
    same = record.source_size == source.size and _same_content(
        (record.source_etag, record.source_version, record.source_mtime_ns),
        (source.etag, source.version, source.mtime_ns),
    )
    # Without a recorded hash, only size and time can be compared.
    if rules.policy.compare is Compare.STAT or record.source_hash is None:
        return None if same else StaleReason.SOURCE_CHANGED
    if record.source_size != source.size:
        return StaleReason.SOURCE_CHANGED
    return None if source.hash == record.source_hash else StaleReason.CONTENT_CHANGED
