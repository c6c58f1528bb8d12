"""Damaged pictures of every format, given to the installed command: each has a record, and none causes a bug."""

from collections.abc import Callable
from typing import Any

import pytest

pytestmark = pytest.mark.slow

MUTANTS = 500


@pytest.fixture(scope="module")
def figures(figures_of: Callable[..., Any]) -> dict[str, object]:
    """Run the fuzzer on a few hundred mutants, with each set of options."""
    found: dict[str, object] = figures_of("fuzz", "--mutants", str(MUTANTS), "--chunk", "63", "--first", "900000")
    return found


def test_mutants_cause_no_internal_error_and_no_damaged_output(figures: dict[str, object]) -> None:
    assert figures["wrong"] == []


def test_mutants_reach_every_kind_of_result(figures: dict[str, object]) -> None:
    ends = figures["ends"]
    assert isinstance(ends, dict)
    assert sum(ends.values()) >= MUTANTS
    assert {"written", "skipped: not a picture", "failed: damaged or truncated", "failed: too many pixels"} <= set(ends)
