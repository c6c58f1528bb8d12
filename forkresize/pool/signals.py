"""Signals that ask the pool to stop: in its process, around a fork, and in a worker."""

import contextlib
import os
import select
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Self

from forkresize.errors import StopRequested

STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

_LEAVING_SIGNALS = (signal.SIGTSTP, signal.SIGQUIT)
"""What Ctrl-Z and Ctrl-\\ send: the first suspends a process, the second ends it without clean-up."""

_DEBOUNCE = 0.1
"""Seconds within which a second signal counts as the first: ``timeout`` signals its child, then the whole group."""


class StopSignals:
    """Handlers for stop signals, installed while entered, and a descriptor that becomes readable at a signal.

    Only the main thread can install handlers; entered in another thread, this does nothing. A signal that was ignored
    stays ignored, as ``nohup`` and a shell's ``&`` expect.
    """

    def __init__(self, on_first: Callable[[], object]) -> None:
        """Create the handlers; nothing is installed yet.

        Args:
            on_first: called at the first signal, between any two instructions of the main thread.
        """
        self.first: int | None = None  # Number of the first signal.
        self.forced = False  # Whether a further signal followed.
        self.on_force = on_first  # Called at every further signal.
        self.resumed_at = 0.0  # When this process last continued after being stopped, by ``time.monotonic``.
        self._first_at = 0.0
        self._on_first = on_first
        self._cleanup = contextlib.ExitStack()

    def __enter__(self) -> Self:
        self._reader, self._writer = socket.socketpair()
        for end in (self._reader, self._writer):
            self._cleanup.enter_context(end).setblocking(False)
        if threading.current_thread() is threading.main_thread():
            # Without it, select() would be restarted after the handler (PEP 475), and the signal be noticed late.
            previous = signal.set_wakeup_fd(self._writer.fileno(), warn_on_full_buffer=False)
            self._cleanup.callback(signal.set_wakeup_fd, previous)
            for signum in STOP_SIGNALS:
                self._install(signum, self._on_stop)
            self._install(signal.SIGCONT, self._on_resume)
            # If it were ignored, the kernel would reap the workers and discard their exit codes.
            if signal.getsignal(signal.SIGCHLD) is signal.SIG_IGN:
                self._cleanup.callback(signal.signal, signal.SIGCHLD, signal.signal(signal.SIGCHLD, signal.SIG_DFL))
        return self

    def __exit__(self, *_: object) -> None:
        self._cleanup.close()

    def fileno(self) -> int:
        """Return the descriptor that becomes readable at a signal."""
        return self._reader.fileno()

    def clear(self) -> None:
        """Make the descriptor unreadable again."""
        with contextlib.suppress(BlockingIOError):
            self._reader.recv(4096)

    def wait(self, seconds: float | None = None, descriptor: int | None = None) -> None:
        """Wait for a signal, or until a descriptor is readable; at most this long."""
        poll = select.poll()
        for each in (self.fileno(), descriptor):
            if each is not None:
                poll.register(each, select.POLLIN)
        poll.poll(None if seconds is None else seconds * 1000)

    def _install(self, signum: signal.Signals, handler: Callable[[int, FrameType | None], object]) -> None:
        if signal.getsignal(signum) is not signal.SIG_IGN:
            previous = signal.signal(signum, handler)
            # None: the previous handler was not installed from Python and cannot be restored.
            self._cleanup.callback(signal.signal, signum, signal.SIG_DFL if previous is None else previous)

    def _on_stop(self, signum: int, _: FrameType | None) -> None:
        now = time.monotonic()
        if self.first is None:
            self.first, self._first_at = signum, now
            self._on_first()
        elif now - self._first_at > _DEBOUNCE:
            self.forced = True
            self.on_force()

    def _on_resume(self, _signum: int, _: FrameType | None) -> None:
        self.resumed_at = time.monotonic()


@contextlib.contextmanager
def stop_signals_blocked() -> Iterator[set[int]]:
    """Block stop signals, as around a fork; yield the previous signal mask."""
    previous = signal.pthread_sigmask(signal.SIG_BLOCK, STOP_SIGNALS)
    try:
        yield {int(signum) for signum in previous}
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, previous)


def install_worker_handlers(mask: set[int]) -> None:
    """In a forked worker: ignore SIGINT, which the parent handles, and let other stop signals end the process."""
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    for signum in (signal.SIGTERM, signal.SIGHUP, signal.SIGCONT, *_LEAVING_SIGNALS):
        if signal.getsignal(signum) is not signal.SIG_IGN:
            signal.signal(signum, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, mask)


def ignore_stops_in_child(mask: set[int]) -> None:
    """In a forked process that ends with its parent: ignore stop signals, which the parent handles."""
    signal.set_wakeup_fd(-1)
    for signum in _LEAVING_SIGNALS:
        if signal.getsignal(signum) is not signal.SIG_IGN:
            signal.signal(signum, signal.SIG_DFL)
    ignore_stops()
    signal.pthread_sigmask(signal.SIG_SETMASK, mask)


@contextlib.contextmanager
def leaving_announced(leave: Callable[[], object], resume: Callable[[], object]) -> Iterator[None]:
    r"""Call functions before Ctrl-Z suspends this process or Ctrl-\ ends it, and after it was resumed.

    Only the main thread can install handlers; in another thread, this does nothing.
    """
    owner = os.getpid()

    def handle(signum: int, _frame: FrameType | None) -> None:
        if os.getpid() == owner:
            leave()
        signal.signal(signum, signal.SIG_DFL)
        signal.raise_signal(signum)
        signal.signal(signum, handle)
        if os.getpid() == owner:
            resume()

    with contextlib.ExitStack() as stack:
        if threading.current_thread() is threading.main_thread():
            for signum in _LEAVING_SIGNALS:
                if signal.getsignal(signum) is signal.SIG_DFL:
                    stack.callback(signal.signal, signum, signal.signal(signum, handle))
        yield


def raise_on_stop() -> None:
    """Make SIGTERM and SIGHUP raise, as SIGINT does, so that open resources are closed. A running pool still drains."""

    def stop(signum: int, _frame: FrameType | None) -> None:
        raise StopRequested(signum)

    for signum in STOP_SIGNALS:
        if signum != signal.SIGINT and signal.getsignal(signum) is signal.SIG_DFL:
            signal.signal(signum, stop)


def ignore_stops() -> None:
    """Ignore stop signals for the rest of this process."""
    for signum in STOP_SIGNALS:
        signal.signal(signum, signal.SIG_IGN)


@contextlib.contextmanager
def sigio_ignored() -> Iterator[None]:
    """Ignore SIGIO, which the kernel sends to the holder of a file lease when another process wants to write."""
    previous = signal.signal(signal.SIGIO, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGIO, previous)


def signal_name(signum: int) -> str:
    """Return the name of a signal, such as ``SIGSEGV``."""
    try:
        return signal.Signals(signum).name
    except ValueError:
        return f"signal {signum}"
