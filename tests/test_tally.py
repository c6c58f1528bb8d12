"""Counting outcomes."""

import pytest

from forkresize.job import Source
from forkresize.outcome import Outcome, OutputRef, Reason
from forkresize.tally import MAX_FAILURES, MAX_WARNING_KINDS, OTHER_WARNINGS, Tally
from tests.protocols import MakeOutcome


def test_each_outcome_counts_once(tally: Tally) -> None:
    assert (tally.sources, tally.written, tally.unchanged, tally.skipped, tally.failed) == (6, 2, 1, 2, 1)
    assert tally.skipped_by_reason == {Reason.NOT_A_PICTURE: 1, Reason.SYMBOLIC_LINK: 1}
    assert tally.failed_by_reason == {Reason.DAMAGED: 1}


def test_planned_outputs_count_as_sources(due: MakeOutcome) -> None:
    tally = Tally()
    tally(due())
    assert (tally.planned, tally.sources, tally.written) == (1, 1, 0)


def test_only_written_outputs_count_in_bytes_and_pixels(tally: Tally) -> None:
    assert (tally.in_bytes, tally.out_bytes, tally.in_pixels) == (2_400_000, 160_000, 24_000_000)


def test_failures_beyond_the_limit_are_counted_but_not_kept(failed: MakeOutcome) -> None:
    tally = Tally()
    for number in range(MAX_FAILURES + 5):
        tally(failed(f"{number}.jpg"))
    assert tally.failed == MAX_FAILURES + 5
    assert len(tally.failures) == MAX_FAILURES
    assert tally.failures[0].source.relative == "0.jpg"


def test_an_unknown_detail_is_an_error() -> None:
    with pytest.raises(AssertionError, match="unreachable"):
        Tally()(Outcome(OutputRef(Source("a", "a")), "odd"))  # type: ignore[arg-type]


def test_warnings_count_by_kind(written: MakeOutcome) -> None:
    tally = Tally()
    for number in range(3):
        tally(written(warnings=(f"only the first of {number} frames was kept", f"damaged: at {number}")))
    assert tally.warnings_by_kind == {"only the first of 0 frames was kept": 3, "damaged": 3}


def test_kinds_of_warnings_are_limited(written: MakeOutcome) -> None:
    tally = Tally()
    for number in range(MAX_WARNING_KINDS + 7):
        tally(written(warnings=("x" * (number + 1),)))
    assert len(tally.warnings_by_kind) == MAX_WARNING_KINDS + 1
    assert tally.warnings_by_kind[OTHER_WARNINGS] == 7
