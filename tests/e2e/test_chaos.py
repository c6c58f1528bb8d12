"""Workers of the installed command are killed at random while the disk fills up: all is whole and accounted for."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent


@pytest.mark.skipif(not os.path.isdir("/proc/self"), reason="looks for processes where Linux lists them")
def test_whatever_is_killed_and_runs_full_no_output_is_half_and_no_source_lost(tmp_path: Path) -> None:
    report = tmp_path / "outcomes.json"
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.chaos_command", "--runs", "3", "--pictures", "90", "--json", report],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )
    assert report.exists(), done.stderr
    outcomes = json.loads(report.read_text())
    assert [outcome["wrong"] for outcome in outcomes] == [[], [], []]
    assert sum(outcome["kills"] for outcome in outcomes) > 0
