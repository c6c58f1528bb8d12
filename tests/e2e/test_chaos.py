"""Workers of the installed command are killed at random while its disk fills up: nothing is lost or incomplete."""

import os
from collections.abc import Callable
from typing import Any

import pytest

pytestmark = pytest.mark.slow


@pytest.mark.skipif(not os.path.isdir("/proc/self"), reason="looks for processes where Linux lists them")
def test_kills_and_a_full_disk_leave_no_incomplete_output_and_lose_no_source(figures_of: Callable[..., Any]) -> None:
    outcomes = figures_of("chaos_command", "--runs", "3", "--pictures", "90")
    assert [outcome["wrong"] for outcome in outcomes] == [[], [], []]
    assert sum(outcome["kills"] for outcome in outcomes) > 0
