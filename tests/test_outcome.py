"""Outcomes: limits on warnings, and the words of earlier versions."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forkresize.outcome import Reason, truncate_warnings


@given(st.lists(st.text(max_size=3) | st.integers(400, 2000).map("x".__mul__), max_size=70))
def test_truncated_warnings_are_few_short_and_distinct(warnings: list[str]) -> None:
    truncated = truncate_warnings(warnings)
    assert len(truncated) <= 50
    assert all(len(text) <= 500 for text in truncated)
    assert truncate_warnings(truncated) == truncated


@given(st.lists(st.text(max_size=500), unique=True, max_size=50))
def test_warnings_within_the_limits_are_kept(warnings: list[str]) -> None:
    assert truncate_warnings(warnings) == tuple(warnings)
    assert truncate_warnings([*warnings, *warnings]) == tuple(warnings)


def test_dropped_warnings_are_counted_and_truncated_ones_marked() -> None:
    assert truncate_warnings(map(str, range(60)))[47:] == ("47", "48", "and 11 more")
    assert truncate_warnings(["x" * 501]) == ("x" * 499 + "…",)


def test_a_reason_of_an_earlier_version_is_accepted() -> None:
    assert Reason("worker went astray") is Reason.PROTOCOL_VIOLATION  # language: allow (accepted input)
    with pytest.raises(ValueError, match="not a valid Reason"):
        Reason("no such reason")
