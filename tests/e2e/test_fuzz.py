"""Damaged pictures of every format, given to the installed command: each ends in a record, and none in a bug."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
MUTANTS = 500


@pytest.fixture(scope="module")
def figures(tmp_path_factory: pytest.TempPathFactory) -> dict[str, object]:
    """Run the fuzzer on a few hundred mutants, some in each way of asking."""
    report = tmp_path_factory.mktemp("fuzz") / "figures.json"
    arguments = ["--mutants", str(MUTANTS), "--chunk", "63", "--first", "900000", "--json", str(report)]
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.fuzz", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )
    assert report.exists(), done.stderr
    found: dict[str, object] = json.loads(report.read_text())
    return found


def test_nothing_in_a_file_causes_an_internal_error_or_a_damaged_output(figures: dict[str, object]) -> None:
    assert figures["wrong"] == []


def test_damage_is_met_in_every_way(figures: dict[str, object]) -> None:
    ends = figures["ends"]
    assert isinstance(ends, dict)
    assert sum(ends.values()) >= MUTANTS
    assert {"written", "skipped: not a picture", "failed: damaged or truncated", "failed: too many pixels"} <= set(ends)
