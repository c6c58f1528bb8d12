"""Sizes, durations and shares as people write them."""

import pytest

from forkresize import units


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (0, "0 Bytes"),
        (1, "1 Byte"),
        (999, "999 Bytes"),
        (80_000, "80.0 kB"),
        (999_949, "999.9 kB"),
        (999_950, "1.0 MB"),
        (1_234_567, "1.2 MB"),
        ((1 << 63) - 1, "9.2 EB"),
    ],
)
def test_sizes_are_decimal(count: int, text: str) -> None:
    assert units.format_size(count) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.04, "0.0 s"), (59.94, "59.9 s"), (60.0, "0:01:00"), (123.4, "0:02:03"), (90_000, "1 day, 1:00:00")],
)
def test_durations_are_short(seconds: float, text: str) -> None:
    assert units.format_duration(seconds) == text


@pytest.mark.parametrize(
    ("before", "after", "text"),
    [(1_000, 74, "92.6% saved"), (1_000, 1_031, "3.1% larger"), (5, 5, "0.0% saved"), (0, 9, "0.0% saved")],
)
def test_a_change_is_relative_to_the_size_before(before: int, after: int, text: str) -> None:
    assert units.format_change(before, after) == text
