"""A forked process as its parent sees it: ChildProcess."""

import contextlib
import os
import select
import signal
import sys
import time
from collections.abc import Callable
from typing import NoReturn, Self

_PAUSE = 0.0005
_GRACE = 1.0
"""Seconds that a process gets for exiting by itself, and again after SIGKILL."""
_STARVED_GRACE = 30.0
"""Seconds that a process gets after SIGKILL while it only waits for a processor, as on a machine with too much work."""

_unreaped: set[int] = set()
"""Numbers of the processes that outlived SIGKILL. Each stays a zombie until it is waited for, at a later fork."""


class ChildProcess:
    """A forked process.

    Not a process of ``multiprocessing``, which takes as long to load as a small picture takes.
    """

    def __init__(self, pid: int, sentinel: int) -> None:
        """Create what stands for a child of this process.

        Args:
            pid: its number.
            sentinel: a descriptor that is readable when it has ended; close() closes it.
        """
        self.pid = pid
        self.sentinel = sentinel
        self._exit_code: int | None = None

    @classmethod
    def fork(cls, run: Callable[[], NoReturn]) -> Self:
        """Fork a process that calls a function, which ends it.

        Raises:
            OSError: there are too many processes or open files.
        """
        _reap_late()
        reader, writer = os.pipe()
        try:
            _flush_standard_streams()
            pid = os.fork()  # noqa: TID251 -- the only place.
            if not pid:
                _run_child(run, reader)
            return cls(pid, _open_sentinel(pid, reader))
        except BaseException:
            os.close(reader)
            raise
        finally:
            # The child's copy is closed when it ends.
            os.close(writer)

    def kill(self) -> None:
        """Send SIGKILL; do not wait."""
        if self._poll() is None:
            # A signal handler may have waited for it since.
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGKILL)

    def reap(self) -> int:
        """Wait for the process to end; kill it if it does not.

        Returns:
            The exit code, or the negated number of the signal that ended it. A process in uninterruptible disk sleep
            may outlive SIGKILL for a while; it counts as dead. So does one that another part of the program has waited
            for, which has its exit code.
        """
        if not self._ends_within(_GRACE):
            self.kill()
            deadline = time.monotonic() + _STARVED_GRACE
            while not self._ends_within(_GRACE) and self._is_runnable() and time.monotonic() < deadline:
                pass
        return -signal.SIGKILL if self._exit_code is None else self._exit_code

    def _poll(self) -> int | None:
        """Return the exit code, as of ``reap``; None if the process has not ended."""
        if self._exit_code is None:
            try:
                pid, status = os.waitpid(self.pid, os.WNOHANG)
            except ChildProcessError:
                # It was waited for, and its number may be that of another process by now. If kill() did that, in a
                # signal handler, the exit code is known.
                if self._exit_code is None:
                    self._exit_code = -signal.SIGKILL
            else:
                if pid:
                    self._exit_code = os.waitstatus_to_exitcode(status)
        return self._exit_code

    def _is_runnable(self) -> bool:
        """Return whether the process runs or waits for a processor; False where the system does not show it."""
        try:
            with open(f"/proc/{self.pid}/stat", "rb") as file:
                # The name of the program, in parentheses, may hold anything.
                return file.read().rpartition(b")")[2].split()[:1] == [b"R"]
        except OSError:
            return False

    def _ends_within(self, seconds: float) -> bool:
        # Not waitpid without a limit, which cannot be interrupted by time.
        deadline = time.monotonic() + seconds
        poll = select.poll()
        poll.register(self.sentinel, select.POLLIN)
        while self._poll() is None:
            if time.monotonic() > deadline:
                return False
            if poll.poll(seconds * 1000) and self._poll() is None:
                # A pipe is closed a little before the process has ended.
                time.sleep(_PAUSE)
        return True

    def close(self) -> None:
        """Close the descriptor."""
        os.close(self.sentinel)
        if self._poll() is None:
            _unreaped.add(self.pid)


def _reap_late() -> None:
    for pid in list(_unreaped):
        # If it is not a child, this process was forked by its parent.
        with contextlib.suppress(ChildProcessError):
            if not os.waitpid(pid, os.WNOHANG)[0]:
                continue
        _unreaped.discard(pid)


def _flush_standard_streams() -> None:
    """Write what is buffered, which the child would write again."""
    for stream in (sys.stdout, sys.stderr):
        # As when they are closed or missing; what cannot be written stays, and fails in the parent.
        with contextlib.suppress(AttributeError, ValueError, OSError):
            stream.flush()


def _run_child(run: Callable[[], NoReturn], reader: int) -> NoReturn:
    """Call the function; never return into the code of the parent, whose stack the child has."""
    try:
        os.close(reader)
        run()
    finally:
        os._exit(1)


def _open_sentinel(pid: int, reader: int) -> int:
    """Return a descriptor that is readable once the process has ended.

    On Linux it is a pidfd. Elsewhere it is the pipe, which a process started by the work may keep open.
    """
    try:
        sentinel = os.pidfd_open(pid)
    except (AttributeError, OSError):
        return reader
    os.close(reader)
    return sentinel
