"""A test that waits without end fails. One that no exception ends takes its process with it and says where it is."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent

pytestmark = pytest.mark.slow

CONFTEST = """
import tests.watchdog

tests.watchdog.REPETITION = 2
"""

SUITE = """
import subprocess
import time

import pytest
import tests.watchdog

pytestmark = pytest.mark.timeout(3)


@pytest.fixture
def stubborn():
    yield
    while True:
        try:
            time.sleep(60)
        except BaseException:
            pass


def test_waits_for_a_program():
    with subprocess.Popen(["sleep", "60"]):
        time.sleep(60)


def test_fails(stubborn):
    tests.watchdog.GRACE = 0.1
    assert False
"""


def test_a_wait_is_interrupted_and_a_clean_up_that_hangs_ends_the_process_with_its_stack(tmp_path: Path) -> None:
    (tmp_path / "conftest.py").write_text(CONFTEST)
    (tmp_path / "test_suite.py").write_text(SUITE)
    command = [sys.executable, "-m", "pytest", "-p", "tests.watchdog", "-p", "no:xdist", "-p", "no:cacheprovider"]
    result = subprocess.run(
        [*command, "-c", "/dev/null", "-v", f"--rootdir={tmp_path}", tmp_path],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert result.returncode == 1
    assert "test_waits_for_a_program FAILED" in result.stdout
    assert 'test_suite.py", line 16 in stubborn' in result.stderr
