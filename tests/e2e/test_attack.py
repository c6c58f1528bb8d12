"""Short runs of the tools that attack, interrupt and starve runs; the long ones are in the benchmarks' README."""

import os
import shutil
import sys
from collections.abc import Callable
from typing import Any

import pytest

from forkresize.pool.sandbox import missing_layers
from forkresize.pool.sandbox.landlock import abi_version

# Each takes less than 20 seconds on an idle machine.
pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]
DEADLINE = 280

needs_linux = pytest.mark.skipif(sys.platform != "linux", reason="uses what only Linux has")


@needs_linux
@pytest.mark.parametrize("landlock", [abi_version(), 0], ids=["with", "without"])
def test_code_in_a_worker_reaches_nothing(landlock: int, figures_of: Callable[..., Any]) -> None:
    if missing := set(missing_layers()) - {"landlock"}:
        pytest.skip(f"this kernel lacks {', '.join(missing)}")
    (figures,) = figures_of("attack", "--short", "--landlock", str(landlock), timeout=DEADLINE)
    assert figures["escapes"] == {}
    # Without Landlock, only access to files is open.
    assert figures["refused"] + figures["open"] == figures["probes"]
    assert figures["refused"] >= 80


@pytest.mark.skipif(not hasattr(os, "fork"), reason="forks")
def test_outputs_after_any_history_are_those_of_a_fresh_run(figures_of: Callable[..., Any]) -> None:
    histories = figures_of("histories", "--histories", "8", "--seed", "7", timeout=DEADLINE)
    assert [history["wrong"] for history in histories] == [[]] * 8
    assert sum(history["kills"] for history in histories) > 0


@needs_linux
@pytest.mark.skipif(shutil.which("cc") is None, reason="needs a C compiler")
def test_a_failing_system_call_loses_no_source_and_is_repaired_by_the_next_run(figures_of: Callable[..., Any]) -> None:
    figures = figures_of("faults", "--faults", "15", "--seed", "7", timeout=DEADLINE)
    assert figures["findings"] == []
    assert sum(figures["faults"].values()) == 15
