"""Workers of the installed command are killed at random while the disk fills up: all is whole and accounted for."""

import os
from collections.abc import Callable
from typing import Any

import pytest


@pytest.mark.skipif(not os.path.isdir("/proc/self"), reason="looks for processes where Linux lists them")
def test_whatever_is_killed_and_runs_full_no_output_is_half_and_no_source_lost(figures_of: Callable[..., Any]) -> None:
    outcomes = figures_of("chaos_command", "--runs", "3", "--pictures", "90")
    assert [outcome["wrong"] for outcome in outcomes] == [[], [], []]
    assert sum(outcome["kills"] for outcome in outcomes) > 0
