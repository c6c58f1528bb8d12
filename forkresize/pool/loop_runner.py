"""The event loop of a program as what runs a Dispatcher: LoopRunner."""

import asyncio
import contextlib
import threading
from collections.abc import Callable

from forkresize.pool.runner import Exchange


class LoopRunner:
    """Runs an exchange in an event loop: no other thread has to be woken for a task or for its result.

    Only the start of a supervisor and its end take the loop's time, some milliseconds each.

    Args:
        exchange: what is run.
        loop: the loop, which outlives it.
    """

    def __init__(self, exchange: Exchange, loop: asyncio.AbstractEventLoop) -> None:
        self._exchange = exchange
        self._loop = loop
        self._started = self._is_over = False
        self._is_scheduled = False
        self._ended = threading.Event()
        self._lock = threading.Lock()

    @property
    def is_started(self) -> bool:
        """Whether the loop runs it, or did."""
        return self._started

    def start(self) -> None:
        """Begin with the next turn of the loop."""
        if not self._started:
            self._started = True
            self._call(self._begin)

    def wake(self) -> None:
        """Have the loop send what waits, once for all that comes in one of its turns."""
        if not self._started:
            return
        if self._loop.is_closed():
            self._end_without_loop()
        elif not self._is_scheduled:
            self._is_scheduled = True
            self._call(self._send)

    def join(self) -> None:
        """Wait until it has ended. In the loop itself, it has to be about to end."""
        if not self._started:
            return
        if self._is_inside or self._loop.is_closed():
            self._send()
        else:
            self._ended.wait()

    @property
    def _is_inside(self) -> bool:
        try:
            return asyncio.get_running_loop() is self._loop
        except RuntimeError:
            return False

    def _call(self, function: Callable[[], object]) -> None:
        if self._is_inside:
            self._loop.call_soon(function)
        else:
            # A loop that was closed has ended all.
            with contextlib.suppress(RuntimeError):
                self._loop.call_soon_threadsafe(function)

    def _begin(self) -> None:
        if not self._is_over:
            self._loop.add_reader(self._exchange.fileno(), self._receive)
            self._send()

    def _receive(self) -> None:
        self._run(is_readable=True)

    def _send(self) -> None:
        self._is_scheduled = False
        self._run(is_readable=False)

    def _run(self, *, is_readable: bool) -> None:
        if self._is_over:
            return
        try:
            if is_readable:
                self._exchange.receive(0)
            if self._exchange.send():
                return
        except BaseException as error:
            self._end(error)
            raise
        self._end(None)

    def _end_without_loop(self) -> None:
        """Fail what waits: nothing would do it any more."""
        with self._lock:
            if self._is_over:
                return
            self._is_over = True
        # Without the lock: callbacks of what fails may call wake().
        self._end(RuntimeError("its event loop is closed"))

    def _end(self, error: BaseException | None) -> None:
        self._is_over = True
        try:
            if not self._loop.is_closed():
                self._loop.remove_reader(self._exchange.fileno())
            self._exchange.end(error)
        finally:
            self._ended.set()
