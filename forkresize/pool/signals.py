"""The signals that ask the pool to stop, in the parent, around a fork, and in a worker. Decides nothing."""

import contextlib
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


_DEBOUNCE = 0.1
"""Seconds within which a second signal is the first one's echo: ``timeout`` signals its child, then all its group."""


class StopSignals:
    """Hears of stop signals while it is entered, and wakes whoever waits for its descriptor to turn readable.

    Only a process's main thread can set handlers; entered in another, it hears nothing. A signal that was ignored
    stays so, as ``nohup`` and a shell's ``&`` want it.

    Attributes:
        first: number of the first signal that came; None so far.
        insisted: whether another came after it.
        on_insisted: called at every further signal, likewise.
        resumed_at: when this process last went on after having been stopped, of the clock ``time.monotonic``.
    """

    def __init__(self, on_first: Callable[[], object]) -> None:
        """Make a watch.

        Args:
            on_first: called at the first signal, between two instructions of the main thread, whatever it is doing.
        """
        self.first: int | None = None
        self.insisted = False
        self.on_insisted = on_first
        self.resumed_at = 0.0
        self._first_at = 0.0
        self._on_first = on_first
        self._cleanup = contextlib.ExitStack()

    def __enter__(self) -> Self:
        self._reader, self._writer = socket.socketpair()
        for end in (self._reader, self._writer):
            self._cleanup.enter_context(end).setblocking(False)
        if threading.current_thread() is threading.main_thread():
            # Without, the wait would be restarted after the handler has run (PEP 475), and the signal be seen late.
            previous = signal.set_wakeup_fd(self._writer.fileno(), warn_on_full_buffer=False)
            self._cleanup.callback(signal.set_wakeup_fd, previous)
            for signum in STOP_SIGNALS:
                self._handle(signum, self._note)
            self._handle(signal.SIGCONT, self._note_resumed)
            # Where it was ignored, the kernel would reap the workers and forget how they ended.
            if signal.getsignal(signal.SIGCHLD) is signal.SIG_IGN:
                self._cleanup.callback(signal.signal, signal.SIGCHLD, signal.signal(signal.SIGCHLD, signal.SIG_DFL))
        return self

    def __exit__(self, *_: object) -> None:
        self._cleanup.close()

    def fileno(self) -> int:
        """Return the descriptor that turns readable when a signal has come."""
        return self._reader.fileno()

    def clear(self) -> None:
        """Make the descriptor unreadable again."""
        with contextlib.suppress(BlockingIOError):
            self._reader.recv(4096)

    def wait(self, seconds: float) -> None:
        """Wait until a signal comes, but no longer than this."""
        poll = select.poll()
        poll.register(self._reader, select.POLLIN)
        poll.poll(seconds * 1000)

    def _handle(self, signum: signal.Signals, handler: Callable[[int, FrameType | None], object]) -> None:
        if signal.getsignal(signum) is not signal.SIG_IGN:
            previous = signal.signal(signum, handler)
            # None is a handler that was not set from Python and can't be set again.
            self._cleanup.callback(signal.signal, signum, signal.SIG_DFL if previous is None else previous)

    def _note(self, signum: int, _: FrameType | None) -> None:
        now = time.monotonic()
        if self.first is None:
            self.first, self._first_at = signum, now
            self._on_first()
        elif now - self._first_at > _DEBOUNCE:
            self.insisted = True
            self.on_insisted()

    def _note_resumed(self, _signum: int, _: FrameType | None) -> None:
        self.resumed_at = time.monotonic()


@contextlib.contextmanager
def stop_signals_blocked() -> Iterator[set[int]]:
    """Hold stop signals back, as around a fork; yields the signal mask from before."""
    previous = signal.pthread_sigmask(signal.SIG_BLOCK, STOP_SIGNALS)
    try:
        yield {int(signum) for signum in previous}
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, previous)


def install_worker_handlers(mask: set[int]) -> None:
    """In a forked worker: leave Ctrl-C to the parent, let other stop signals end the process.

    Args:
        mask: the signal mask from before the fork.
    """
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    for signum in (signal.SIGTERM, signal.SIGHUP, signal.SIGCONT):
        if signal.getsignal(signum) is not signal.SIG_IGN:
            signal.signal(signum, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, mask)


def raise_on_stop() -> None:
    """Have SIGTERM and SIGHUP raise, as SIGINT does, so that what is open gets closed; a pool still drains on them."""

    def stop(signum: int, _frame: FrameType | None) -> None:
        raise StopRequested(signum)

    for signum in STOP_SIGNALS:
        if signum != signal.SIGINT and signal.getsignal(signum) is signal.SIG_DFL:
            signal.signal(signum, stop)


def ignore_stops() -> None:
    """Be deaf to stop signals for the rest of this process: one too many must not spoil how it ends."""
    for signum in STOP_SIGNALS:
        signal.signal(signum, signal.SIG_IGN)


@contextlib.contextmanager
def sigio_ignored() -> Iterator[None]:
    """Ignore SIGIO, which the kernel sends to whoever has a lease on a file that another process wants to write to."""
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
