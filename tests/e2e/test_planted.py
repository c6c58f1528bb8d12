"""Hostile files in the state directory of a destination: no run hangs, crashes, or touches a file outside."""

from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

pytestmark = pytest.mark.slow

MUTANTS = 20


def test_planted_files_cause_no_hang_no_crash_and_no_damage_outside(figures_of: Callable[..., Any]) -> None:
    results = figures_of("planted", "--mutants", str(MUTANTS), "--first", "500000")
    assert [result for result in results if result["wrong"]] == []
    assert set(Counter(result["plant"] for result in results).values()) == {MUTANTS // 10}
    # Some are harmless, some are refused.
    assert {0, 3} <= {result["code"] for result in results}
