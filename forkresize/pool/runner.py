"""What runs a Dispatcher: Runner, and a thread of its own, ThreadRunner."""

import threading
from typing import Protocol


class Exchange(Protocol):
    """What is run: it sends what waits and receives what has come, until all is done."""

    def fileno(self) -> int:
        """Return a descriptor that is readable when there is something to receive, or after ``wake``."""

    def send(self) -> bool:
        """Send what waits; return False when all is done."""

    def receive(self, timeout: float | None) -> None:
        """Handle what has come, or wait for it, at most this many seconds; None for any time."""

    def wake(self) -> None:
        """End a wait; called by any thread."""

    def end(self, error: BaseException | None) -> None:
        """Give up what is not done, because of an error or without one. Called once."""


class Runner(Protocol):
    """Runs an exchange."""

    def start(self) -> None:
        """Begin, if it was not begun."""

    def wake(self) -> None:
        """Have it look for what waits; called by any thread."""

    def join(self) -> None:
        """Wait until it has ended, if it was begun."""

    @property
    def is_started(self) -> bool:
        """Whether it was begun."""


class ThreadRunner:
    """Runs an exchange in a thread, which ends when all is done."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange
        self._thread: threading.Thread | None = None

    @property
    def is_started(self) -> bool:
        """Whether the thread was started."""
        return self._thread is not None

    def start(self) -> None:
        """Start the thread."""
        if self._thread is None:
            # A daemon: a program that forgets to shut the pool down can still exit.
            self._thread = threading.Thread(target=self._run, name="pool-dispatcher", daemon=True)
            self._thread.start()

    def wake(self) -> None:
        """End the thread's wait."""
        self._exchange.wake()

    def join(self) -> None:
        """Wait for the thread to end."""
        if self._thread is not None:
            self._thread.join()

    def _run(self) -> None:
        error: BaseException | None = None
        try:
            while self._exchange.send():
                self._exchange.receive(None)
        except BaseException as raised:
            error = raised
            raise
        finally:
            self._exchange.end(error)
