"""A forked process as its parent sees it: ChildProcess."""

import os
import select
import signal
import time
from multiprocessing.context import ForkProcess

_PAUSE = 0.0005
_GRACE = 1.0
"""Seconds that a process gets for exiting by itself, and again after SIGKILL."""


class ChildProcess:
    """A forked process."""

    def __init__(self, process: ForkProcess) -> None:
        assert process.pid is not None  # noqa: S101  It was started.
        self.pid = process.pid
        self.sentinel = _open_sentinel(process)  # Readable when the process has ended.
        self._process = process

    def kill(self) -> None:
        """Send SIGKILL; do not wait."""
        self._process.kill()

    def reap(self) -> int:
        """Wait for the process to end; kill it if it does not.

        Returns:
            The exit code, or the negated number of the signal that ended it. A process in uninterruptible disk sleep
            may outlive SIGKILL for a while; it counts as dead.
        """
        if not self._ends_within(_GRACE):
            self._process.kill()
            self._ends_within(_GRACE)
        return -signal.SIGKILL if self._process.exitcode is None else self._process.exitcode

    def _ends_within(self, seconds: float) -> bool:
        # Not Process.join: it never returns if the work closed the descriptor that it waits for.
        deadline = time.monotonic() + seconds
        poll = select.poll()
        poll.register(self.sentinel, select.POLLIN)
        while self._process.exitcode is None:
            if time.monotonic() > deadline:
                return False
            if poll.poll(seconds * 1000):
                time.sleep(_PAUSE)
        return True

    def close(self) -> None:
        """Close the descriptors."""
        os.close(self.sentinel)
        if self._process.exitcode is not None:
            self._process.close()


def _open_sentinel(process: ForkProcess) -> int:
    """Open a descriptor that is readable once the process has ended.

    On Linux it is a pidfd. Elsewhere it is a pipe, which a process started by the work may keep open.
    """
    assert process.pid is not None  # noqa: S101
    try:
        return os.pidfd_open(process.pid)
    except (AttributeError, OSError):
        return os.dup(process.sentinel)
