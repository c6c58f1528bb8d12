"""Tests of sizes, times and shares for people."""

import pytest

from forkresize.report import units


@pytest.mark.parametrize(("count", "told"), [(0, "0 Bytes"), (80_000, "80.0 kB"), (1_234_567, "1.2 MB")])
def test_sizes_are_decimal(count: int, told: str) -> None:
    assert units.size(count) == told


@pytest.mark.parametrize(
    ("seconds", "told"),
    [(0.04, "0.0 s"), (59.94, "59.9 s"), (60.0, "0:01:00"), (123.4, "0:02:03"), (90_000, "1 day, 1:00:00")],
)
def test_times_are_short(seconds: float, told: str) -> None:
    assert units.span(seconds) == told


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [(1_000, 74, "92.6% saved"), (1_000, 1_031, "3.1% larger"), (5, 5, "0.0% saved"), (0, 9, "0.0% saved")],
)
def test_what_was_saved_is_a_share_of_what_was_there(before: int, after: int, told: str) -> None:
    assert units.change(before, after) == told
