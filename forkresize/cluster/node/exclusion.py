"""Exclusion: lets chunks run side by side, except those that have to be alone on their node."""

import contextlib
import threading
from collections.abc import Iterator


class Exclusion:
    """Lets threads run side by side or alone. One that waits to be alone goes before others that begin later."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._running = 0
        self._alone = 0

    @contextlib.contextmanager
    def enter(self, *, alone: bool) -> Iterator[None]:
        """Wait for the turn of this thread, and run until the block ends.

        Args:
            alone: whether no other thread may run.
        """
        with self._changed:
            self._alone += alone
            if alone:
                self._changed.wait_for(lambda: not self._running)
            else:
                self._changed.wait_for(lambda: not self._alone)
            self._running += 1
        try:
            yield
        finally:
            with self._changed:
                self._running -= 1
                self._alone -= alone
                self._changed.notify_all()
