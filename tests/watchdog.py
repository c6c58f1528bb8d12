"""Limits that a test cannot evade: for the clean-up after a failure, and for code that no signal interrupts.

pytest-timeout raises an exception in the test, once, and no longer counts after a failure, for the sake of debuggers.
Here it raises again while the test or its clean-up waits, for a program for example, and the clean-up has a limit of
its own. What goes on for ``GRACE`` seconds longer ends its process with the stacks of all threads; pytest-xdist
reports that, and continues with a new process.
"""

import faulthandler
import os
import signal
import sys
from collections.abc import Generator
from typing import Any

import pytest

REPETITION = 20.0
"""Seconds after which pytest-timeout raises again."""

GRACE = 60.0
"""Seconds after its limit."""

_STDERR = pytest.StashKey[int]()
_SETTINGS = pytest.StashKey[Any]()


def pytest_configure(config: pytest.Config) -> None:
    """Keep the standard error that is not captured."""
    assert sys.__stderr__ is not None
    config.stash[_STDERR] = os.dup(sys.__stderr__.fileno())


@pytest.hookimpl(wrapper=True, optionalhook=True)
def pytest_timeout_set_timer(item: pytest.Item, settings: Any) -> Generator[None, object, object]:
    """Add further limits to that of pytest-timeout."""
    item.stash[_SETTINGS] = settings
    # A thread of C code that needs no lock of Python's. A forked child does not have it, and must not finalize Python.
    faulthandler.dump_traceback_later(settings.timeout + GRACE, exit=True, file=item.config.stash[_STDERR])
    result = yield
    if settings.method == "signal":
        signal.setitimer(signal.ITIMER_REAL, settings.timeout, REPETITION)
    return result


@pytest.hookimpl(tryfirst=True, optionalhook=True)
def pytest_timeout_cancel_timer() -> None:
    """Cancel them too, as before a debugger."""
    faulthandler.cancel_dump_traceback_later()


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_setup() -> Generator[None, object, object]:
    """Interrupt the fixtures, and not pytest, which reports the failure then."""
    return (yield from _interruptible())


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_call() -> Generator[None, object, object]:
    """Interrupt the test, and not pytest."""
    return (yield from _interruptible())


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_teardown(item: pytest.Item) -> Generator[None, object, object]:
    """Begin again: a failure has cancelled the limits."""
    if _SETTINGS in item.stash:
        item.config.hook.pytest_timeout_set_timer(item=item, settings=item.stash[_SETTINGS])
    return (yield from _interruptible())


def _interruptible() -> Generator[None, object, object]:
    try:
        return (yield)
    except BaseException:
        signal.setitimer(signal.ITIMER_REAL, 0)
        raise
