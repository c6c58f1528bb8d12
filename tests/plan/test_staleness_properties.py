"""Properties of the staleness decision that hold for all sources, outputs and records."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from forkresize.ledger import InterruptedRun, OutputRecord
from forkresize.outcome import UNCHANGED, Planned
from forkresize.plan.staleness import (
    Compare,
    IfExists,
    Policy,
    Rules,
    SourceState,
    StaleReason,
    decide,
    interruption_bounds,
    may_be_incomplete,
)
from forkresize.store import ObjectInfo
from tests.plan.staleness_cases import FAILED, FINGERPRINTS, RECORD, SKIPPED, UPDATE

times = st.integers(0, 2**62)


sources = st.builds(
    SourceState,
    st.sampled_from(["/a", "/b"]),
    st.sampled_from(["x", "y"]),
    st.integers(1, 9),
    times,
    st.none() | st.binary(),
)


founds = st.builds(ObjectInfo, st.just("x"), st.integers(1, 9), times, times)


policies = st.builds(
    Policy, if_exists=st.just(IfExists.UPDATE), compare=st.sampled_from(Compare), retry_failed=st.booleans()
)


def recorded(source: SourceState, found: ObjectInfo) -> OutputRecord:
    """Return the record of an output that exists, made of a source that has not changed."""
    return OutputRecord(
        key=found.key,
        root=source.root,
        source=source.relative,
        source_size=source.size,
        source_mtime_ns=source.mtime_ns,
        source_hash=source.hash,
        recipe=b"one",
        status="written",
        size=found.size,
        mtime_ns=found.mtime_ns,
    )


@given(sources, founds, policies)
def test_if_nothing_changed_the_output_is_up_to_date(source: SourceState, found: ObjectInfo, policy: Policy) -> None:
    decision = decide(Rules(policy, lambda: FINGERPRINTS), source, 0, found, recorded(source, found))
    assert decision.detail is UNCHANGED
    assert decision.update is None


CHANGES: dict[str, Any] = {
    "root": "/other",
    "source": "other",
    "source_size": 10**6,
    "source_mtime_ns": -1,
    "recipe": b"other",
    "size": 10**6,
    "mtime_ns": -1,
    "status": "failed",
}


@given(sources, founds, st.sets(st.sampled_from(sorted(CHANGES)), min_size=1))
def test_any_changed_field_makes_the_output_stale_with_a_reason(
    source: SourceState, found: ObjectInfo, changed: set[str]
) -> None:
    record = recorded(source, found)._replace(**{name: CHANGES[name] for name in changed})
    detail = decide(UPDATE, source, 0, found, record).detail
    assert isinstance(detail, Planned)
    assert detail.reason_text in set(StaleReason)


@given(
    sources, founds | st.none(), policies, st.sampled_from(IfExists), st.sampled_from([None, RECORD, FAILED, SKIPPED])
)
def test_a_decision_is_the_same_each_time(
    source: SourceState, found: ObjectInfo | None, policy: Policy, if_exists: IfExists, record: OutputRecord | None
) -> None:
    asked = Rules(replace(policy, if_exists=if_exists), lambda: FINGERPRINTS)
    assert decide(asked, source, 0, found, record) == decide(asked, source, 0, found, record)
    if found is None:
        assert decide(asked, source, 0, found, None).detail == Planned(StaleReason.NO_OUTPUT)


@given(
    st.lists(st.builds(InterruptedRun, st.integers(1, 9), st.integers(0, 10**11), st.integers(0, 10**11)), max_size=4),
    st.integers(0, 9),
    st.integers(-(10**10), 2 * 10**11),
)
def test_outputs_changed_outside_of_the_bounds_are_complete(
    interrupted: list[InterruptedRun], run: int, changed_ns: int
) -> None:
    first_ns, last_ns = interruption_bounds(interrupted)
    if not first_ns <= changed_ns <= last_ns:
        assert not may_be_incomplete(interrupted, run, changed_ns)
