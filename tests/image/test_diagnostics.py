"""How the warnings about a picture are collected."""

import subprocess
import sys
import threading
import warnings

import pytest

from forkresize.image.diagnostics import Diagnostics


def test_a_message_that_repeats_the_previous_one_is_left_out() -> None:
    diagnostics = Diagnostics()
    for message in ("one", "one", "two", "one"):
        diagnostics.warn(message)
    assert diagnostics.warnings == ["one", "two", "one"]


def test_endless_warnings_take_no_endless_memory() -> None:
    diagnostics = Diagnostics()
    for number in range(20_000):
        diagnostics.warn(str(number))
    assert len(diagnostics.warnings) == 10_000


def test_warnings_for_users_are_collected_and_others_ignored() -> None:
    diagnostics = Diagnostics()
    with diagnostics.collect():
        warnings.warn("for users", UserWarning, stacklevel=1)
        warnings.warn("for users as well", RuntimeWarning, stacklevel=1)
        warnings.warn("for developers", DeprecationWarning, stacklevel=1)
    assert diagnostics.warnings == ["for users", "for users as well"]
    with pytest.raises(UserWarning, match="elsewhere"):
        warnings.warn("elsewhere", UserWarning, stacklevel=1)


def test_threads_collect_their_own_warnings_and_restore_python_s_settings() -> None:
    before = warnings.showwarning, list(warnings.filters)
    both_collect, first_ended = threading.Barrier(2, timeout=10), threading.Event()
    first, second = Diagnostics(), Diagnostics()

    def collect_first() -> None:
        with first.collect():
            both_collect.wait()
            warnings.warn("first", UserWarning, stacklevel=1)
        first_ended.set()

    thread = threading.Thread(target=collect_first)
    thread.start()
    with second.collect():
        both_collect.wait()
        assert first_ended.wait(10)
        warnings.warn("second", UserWarning, stacklevel=1)
    thread.join()
    assert (first.warnings, second.warnings) == (["first"], ["second"])
    assert before == (warnings.showwarning, list(warnings.filters))


def test_a_process_that_only_renders_redirects_warnings_once() -> None:
    """In a process of its own: the redirection stays."""
    code = """
import warnings
from forkresize.image.diagnostics import Diagnostics, collect_always
collect_always()
redirected = warnings.showwarning
first, second = Diagnostics(), Diagnostics()
for diagnostics in (first, second):
    with diagnostics.collect():
        assert warnings.showwarning is redirected
        warnings.warn("for users", UserWarning)
warnings.warn("outside", UserWarning)
print(first.warnings, second.warnings)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout == "['for users'] ['for users']\n"
    assert "UserWarning: outside" in done.stderr
