"""The staleness decision: a table of cases."""

import pytest
from msgspec.structs import replace

from forkresize.ledger import InterruptedRun, OutputRecord
from forkresize.outcome import UNCHANGED, Failed, Planned, Reason, Skipped
from forkresize.plan.staleness import (
    Compare,
    IfExists,
    Rules,
    SourceState,
    StaleReason,
    decide,
    decide_in_place,
    may_be_incomplete,
    needs_hash,
)
from forkresize.store import ObjectInfo, ObjectKind
from tests.plan.staleness_cases import FAILED, FOUND, RECORD, SKIPPED, SOURCE, UPDATE, rules

HASHED = RECORD._replace(source_hash=b"hash")
OBJECT = SourceState("s3://in", "a.jpg", 1000, 50, None, "e1", "v1")
STORED = replace(FOUND, etag="e2", version="v2")
OF_OBJECT = RECORD._replace(root="s3://in", source_etag="e1", source_version="v1", etag="e2", version="v2", mtime_ns=0)
SECOND = 10**9
CHECKSUM = rules(compare=Compare.CHECKSUM)


def reason(
    found: ObjectInfo | None, record: OutputRecord | None, source: SourceState = SOURCE, rules: Rules = UPDATE
) -> str:
    """Return why the first rendition has to be made; what happens to it otherwise."""
    detail = decide(rules, source, 0, found, record).detail
    return detail.reason_text if isinstance(detail, Planned) else detail.status


@pytest.mark.parametrize(
    ("source", "found", "record", "expected"),
    [
        (OBJECT, STORED, OF_OBJECT, "unchanged"),
        (replace(OBJECT, mtime_ns=99), replace(STORED, mtime_ns=98), OF_OBJECT, "unchanged"),
        (replace(OBJECT, version=None), replace(STORED, version=None), OF_OBJECT, "unchanged"),
        (replace(OBJECT, etag=None), replace(STORED, etag=None), OF_OBJECT, "unchanged"),
        (replace(OBJECT, etag="e3"), STORED, OF_OBJECT, StaleReason.SOURCE_CHANGED),
        (replace(OBJECT, version="v3"), STORED, OF_OBJECT, StaleReason.SOURCE_CHANGED),
        (replace(OBJECT, size=999), STORED, OF_OBJECT, StaleReason.SOURCE_CHANGED),
        (OBJECT, replace(STORED, etag="e3"), OF_OBJECT, StaleReason.OUTPUT_MODIFIED),
        (OBJECT, replace(STORED, version="v3"), OF_OBJECT, StaleReason.OUTPUT_MODIFIED),
        (OBJECT, replace(STORED, size=299), OF_OBJECT, StaleReason.OUTPUT_MODIFIED),
        (OBJECT, replace(STORED, etag=None, version=None), OF_OBJECT, StaleReason.OUTPUT_MODIFIED),
        (OBJECT, STORED, RECORD._replace(root="s3://in"), "unchanged"),
        (replace(OBJECT, mtime_ns=51), STORED, RECORD._replace(root="s3://in"), StaleReason.SOURCE_CHANGED),
        (SOURCE, replace(FOUND, version=(64, 123)), RECORD._replace(version="v2"), "unchanged"),
    ],
)
def test_an_object_is_recognized_by_etag_and_version_before_its_time(
    source: SourceState, found: ObjectInfo, record: OutputRecord, expected: str
) -> None:
    assert reason(found, record, source) == expected


@pytest.mark.parametrize(
    ("found", "record", "expected"),
    [
        (FOUND, RECORD, "unchanged"),
        (None, None, StaleReason.NO_OUTPUT),
        (None, RECORD, StaleReason.OUTPUT_MISSING),
        (replace(FOUND, size=0), RECORD, StaleReason.OUTPUT_INCOMPLETE),
        (replace(FOUND, kind=ObjectKind.OTHER), RECORD, StaleReason.OUTPUT_INCOMPLETE),
        (replace(FOUND, kind=ObjectKind.DIRECTORY), RECORD, "failed"),
        (replace(FOUND, size=301), RECORD, StaleReason.OUTPUT_MODIFIED),
        (replace(FOUND, mtime_ns=71), RECORD, StaleReason.OUTPUT_MODIFIED),
        (FOUND, RECORD._replace(source="b.jpg"), StaleReason.OTHER_SOURCE),
        (FOUND, RECORD._replace(root="/elsewhere"), StaleReason.OTHER_SOURCE),
        (FOUND, RECORD._replace(source_size=999), StaleReason.SOURCE_CHANGED),
        (FOUND, RECORD._replace(source_mtime_ns=49), StaleReason.SOURCE_CHANGED),
        (FOUND, RECORD._replace(source_mtime_ns=51), StaleReason.SOURCE_CHANGED),
        (FOUND, RECORD._replace(recipe=b"two"), StaleReason.RECIPE_CHANGED),
        (FOUND, None, "unchanged"),
        (replace(FOUND, mtime_ns=50), None, "unchanged"),
        (replace(FOUND, mtime_ns=49), None, StaleReason.SOURCE_NEWER),
        (FOUND, FAILED, "failed"),
        (None, FAILED, "failed"),
        (None, SKIPPED, "skipped"),
        (FOUND, FAILED._replace(reason="a reason of a later version"), StaleReason.RETRY),
        (None, FAILED._replace(reason="a reason of a later version"), StaleReason.RETRY),
        (None, FAILED._replace(reason="worker went astray"), "failed"),  # language: allow (recorded by 0.1.0)
        (None, FAILED._replace(recipe=b"two"), StaleReason.RETRY),
        (None, SKIPPED._replace(recipe=b"one"), StaleReason.RETRY),
        (None, FAILED._replace(source_size=999), StaleReason.RETRY),
        (None, FAILED._replace(reason="too many pixels", limit_value=100), "failed"),
        (None, FAILED._replace(reason="too many pixels", limit_value=99), StaleReason.RETRY),
        (None, FAILED._replace(reason="too many pixels", limit_value=None), StaleReason.RETRY),
        (None, FAILED._replace(limit_value=4001), "failed"),
        (None, FAILED._replace(limit_value=3999), StaleReason.RETRY),
        (None, FAILED._replace(limit_value=None), StaleReason.RETRY),
        (None, FAILED._replace(reason="worker crashed", limit_value=3999), StaleReason.RETRY),
        (None, FAILED._replace(reason="not supported", limit_value=3999), StaleReason.RETRY),
    ],
)
def test_the_default_policy_updates_what_changed(
    found: ObjectInfo | None, record: OutputRecord | None, expected: str
) -> None:
    assert reason(found, record) == expected


@pytest.mark.parametrize("record", [None, RECORD, FAILED, SKIPPED, RECORD._replace(recipe=b"two")])
@pytest.mark.parametrize(
    ("if_exists", "expected"),
    [(IfExists.SKIP, "skipped"), (IfExists.ERROR, "failed"), (IfExists.OVERWRITE, StaleReason.OVERWRITE)],
)
def test_other_policies_decide_by_existence_alone(
    if_exists: IfExists, expected: str, record: OutputRecord | None
) -> None:
    assert reason(FOUND, record, rules=rules(if_exists=if_exists)) == expected


def test_existing_outputs_are_skipped_or_failed_with_that_reason() -> None:
    assert decide(rules(if_exists=IfExists.SKIP), SOURCE, 0, FOUND, None).detail == Skipped(Reason.EXISTS)
    assert decide(rules(if_exists=IfExists.ERROR), SOURCE, 0, FOUND, None).detail == Failed(Reason.EXISTS)


def test_overwrite_tries_failures_again() -> None:
    assert reason(None, FAILED, rules=rules(if_exists=IfExists.OVERWRITE)) == StaleReason.RETRY


def test_retry_failed_tries_failures_again_but_not_skips() -> None:
    assert reason(None, FAILED, rules=rules(retry_failed=True)) == StaleReason.RETRY
    assert reason(None, SKIPPED, rules=rules(retry_failed=True)) == "skipped"


def test_a_previous_failure_is_reported_as_it_was() -> None:
    decision = decide(UPDATE, SOURCE, 0, None, FAILED._replace(covers_all=1))
    assert decision.detail == Failed(Reason.DAMAGED, "cut off", "SIGSEGV")
    assert decision.covers_all
    assert not decide(UPDATE, SOURCE, 0, None, FAILED).covers_all


def test_each_rendition_has_a_fingerprint_of_its_own() -> None:
    assert decide(UPDATE, SOURCE, 1, FOUND, RECORD._replace(recipe=b"two")).detail is UNCHANGED


@pytest.mark.parametrize(
    ("source", "record", "expected"),
    [
        (replace(SOURCE, hash=b"hash"), HASHED, "unchanged"),
        (replace(SOURCE, hash=b"hash", mtime_ns=99), HASHED, "unchanged"),
        (replace(SOURCE, hash=b"other"), HASHED, StaleReason.CONTENT_CHANGED),
        (replace(SOURCE, hash=None), HASHED, StaleReason.CONTENT_CHANGED),
        (replace(SOURCE, size=999), HASHED, StaleReason.SOURCE_CHANGED),
        (SOURCE, RECORD, "unchanged"),
        (replace(SOURCE, mtime_ns=99), RECORD, StaleReason.SOURCE_CHANGED),
    ],
)
def test_checksums_decide_by_content_where_one_is_recorded(
    source: SourceState, record: OutputRecord, expected: str
) -> None:
    assert reason(FOUND, record, source, CHECKSUM) == expected


def test_a_source_that_only_looks_different_has_its_record_updated() -> None:
    touched = replace(SOURCE, hash=b"hash", mtime_ns=99)
    assert decide(CHECKSUM, touched, 0, FOUND, HASHED).update == HASHED._replace(source_mtime_ns=99)
    assert decide(CHECKSUM, replace(SOURCE, hash=b"hash"), 0, FOUND, RECORD).update == HASHED
    assert decide(CHECKSUM, replace(SOURCE, hash=b"hash"), 0, FOUND, HASHED).update is None


def test_the_hash_is_needed_where_contents_are_compared_and_sizes_are_equal() -> None:
    assert needs_hash(CHECKSUM, SOURCE, HASHED)
    assert not needs_hash(CHECKSUM, replace(SOURCE, size=1), HASHED)
    assert not needs_hash(CHECKSUM, SOURCE, None)
    assert not needs_hash(UPDATE, SOURCE, HASHED)


@pytest.mark.parametrize(
    ("interrupted", "run", "changed", "expected"),
    [
        (InterruptedRun(4, 100 * SECOND, 200 * SECOND), 3, 150, True),
        (InterruptedRun(4, 100 * SECOND, 200 * SECOND), 0, 150, True),
        (InterruptedRun(4, 100 * SECOND, 200 * SECOND), 4, 150, False),
        (InterruptedRun(4, 100 * SECOND, 200 * SECOND), 5, 150, False),
        (InterruptedRun(4, 100 * SECOND, 200 * SECOND), 3, 98, True),
        (InterruptedRun(4, 100 * SECOND, 200 * SECOND), 3, 97, False),
        (InterruptedRun(4, 100 * SECOND, 200 * SECOND), 3, 202, True),
        (InterruptedRun(4, 100 * SECOND, 200 * SECOND), 3, 203, False),
        (InterruptedRun(4, 200 * SECOND, 100 * SECOND), 3, 0, True),
        (InterruptedRun(4, 200 * SECOND, 100 * SECOND), 4, 0, False),
    ],
)
def test_an_interrupted_run_puts_outputs_of_its_time_in_doubt(
    interrupted: InterruptedRun, run: int, changed: int, expected: bool
) -> None:
    assert may_be_incomplete([interrupted], run, changed * SECOND) is expected
    found, record = replace(FOUND, changed_ns=changed * SECOND), RECORD._replace(run=run)
    assert (reason(found, record, rules=rules(interrupted)) == StaleReason.INTERRUPTED) is expected


def test_an_output_without_a_record_may_be_of_an_interrupted_run() -> None:
    assert reason(FOUND, None, rules=rules(InterruptedRun(1, 0, SECOND))) == StaleReason.INTERRUPTED


@pytest.mark.parametrize(
    ("record", "is_output", "expected"),
    [
        (None, False, StaleReason.NOT_REPLACED),
        (FAILED, False, "failed"),
        (FAILED._replace(recipe=b"two"), False, StaleReason.NOT_REPLACED),
        (RECORD, False, StaleReason.SOURCE_CHANGED),
        (RECORD, True, "unchanged"),
        (RECORD._replace(recipe=b"two"), True, StaleReason.RECIPE_CHANGED),
    ],
)
def test_in_place_a_source_is_replaced_once(record: OutputRecord | None, is_output: bool, expected: str) -> None:
    detail = decide_in_place(UPDATE, SOURCE, record, is_output=is_output).detail
    assert (detail.reason_text if isinstance(detail, Planned) else detail.status) == expected
    assert decide_in_place(rules(if_exists=IfExists.OVERWRITE), SOURCE, record, is_output=is_output).detail == Planned(
        StaleReason.OVERWRITE
    )
