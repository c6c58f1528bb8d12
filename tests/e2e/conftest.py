"""Shared by the end-to-end tests: short runs of the benchmarks that count faults."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Figures = Callable[..., Any]

ROOT = Path(__file__).parent.parent.parent


@pytest.fixture(scope="session")
def figures_of(tmp_path_factory: pytest.TempPathFactory) -> Figures:
    """Run a benchmark and return its figures: ``figures_of("fuzz", "--mutants", "500")``."""

    def run(name: str, *arguments: str, timeout: float = 110) -> Any:
        report = tmp_path_factory.mktemp(name) / "figures.json"
        done = subprocess.run(
            [sys.executable, "-m", f"benchmarks.{name}", *arguments, "--json", report],
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )
        assert report.exists(), done.stderr
        return json.loads(report.read_text())

    return run
