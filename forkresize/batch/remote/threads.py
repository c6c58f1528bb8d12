"""Threads that transfer objects. They are daemons: a transfer that hangs does not keep the program from exiting."""

import threading
from collections.abc import Callable
from queue import SimpleQueue


class TransferThreads:
    """At most so many threads that run functions, in the order in which they were added; started as they are needed.

    Args:
        name: of the threads.
        count: how many there may be.
    """

    def __init__(self, name: str, count: int) -> None:
        self._name = name
        self._count = count
        self._calls: SimpleQueue[Callable[[], object] | None] = SimpleQueue()
        self._idle = threading.Semaphore(0)
        self._lock = threading.Lock()
        self._started = 0

    def add(self, call: Callable[[], object]) -> None:
        """Run a function, which must not raise."""
        self._calls.put(call)
        if self._idle.acquire(blocking=False):
            return
        with self._lock:
            if self._started >= self._count:
                return
            self._started += 1
            number = self._started
        threading.Thread(target=self._run, name=f"{self._name}-{number}", daemon=True).start()

    def close(self) -> None:
        """Let the threads end when they have run what was added. Does not wait for them."""
        with self._lock:
            started, self._started = self._started, self._count
        for _ in range(started):
            self._calls.put(None)

    def _run(self) -> None:
        while (call := self._calls.get()) is not None:
            call()
            # The function may hold a picture.
            del call
            self._idle.release()
