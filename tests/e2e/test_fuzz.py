"""Damaged pictures of every format, given to the installed command: each ends in a record, and none in a bug."""

from collections.abc import Callable
from typing import Any

import pytest

MUTANTS = 500


@pytest.fixture(scope="module")
def figures(figures_of: Callable[..., Any]) -> dict[str, object]:
    """Run the fuzzer on a few hundred mutants, some in each way of asking."""
    found: dict[str, object] = figures_of("fuzz", "--mutants", str(MUTANTS), "--chunk", "63", "--first", "900000")
    return found


def test_nothing_in_a_file_causes_an_internal_error_or_a_damaged_output(figures: dict[str, object]) -> None:
    assert figures["wrong"] == []


def test_damage_is_met_in_every_way(figures: dict[str, object]) -> None:
    ends = figures["ends"]
    assert isinstance(ends, dict)
    assert sum(ends.values()) >= MUTANTS
    assert {"written", "skipped: not a picture", "failed: damaged or truncated", "failed: too many pixels"} <= set(ends)
