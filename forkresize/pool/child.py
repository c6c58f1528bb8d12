"""A forked process as its parent sees it: ChildProcess."""

import os
import select
import signal
import time
from multiprocessing.context import ForkProcess

_PAUSE = 0.0005
_GRACE = 1.0
"""Seconds that a process gets for exiting by itself, and again after SIGKILL."""
_STARVED_GRACE = 30.0
"""Seconds that a process gets after SIGKILL while it only waits for a processor, as on a machine with too much work."""


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
            deadline = time.monotonic() + _STARVED_GRACE
            while not self._ends_within(_GRACE) and self._is_runnable() and time.monotonic() < deadline:
                pass
        return -signal.SIGKILL if self._process.exitcode is None else self._process.exitcode

    def _is_runnable(self) -> bool:
        """Return whether the process runs or waits for a processor; False where the system does not show it."""
        try:
            with open(f"/proc/{self.pid}/stat", "rb") as file:
                # The name of the program, in parentheses, may hold anything.
                return file.read().rpartition(b")")[2].split()[:1] == [b"R"]
        except OSError:
            return False

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
