"""The check whether a process may fork."""

import subprocess
import sys
import threading

import pytest

from forkresize.pool import threads
from forkresize.pool.threads import has_other_threads

ALONE = "from forkresize.pool.threads import has_other_threads; print(has_other_threads())"


def test_a_process_with_one_thread_may_fork() -> None:
    result = subprocess.run([sys.executable, "-c", ALONE], capture_output=True, text=True, timeout=60, check=True)
    assert result.stdout == "False\n"


def test_a_second_thread_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    leave = threading.Event()
    thread = threading.Thread(target=leave.wait)
    thread.start()
    try:
        assert has_other_threads()
        monkeypatch.setattr(threads, "_TASKS", "/missing")
        assert has_other_threads()
    finally:
        leave.set()
        thread.join()
