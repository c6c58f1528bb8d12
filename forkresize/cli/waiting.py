"""Shows what the run waits for: what stores and ledgers log when a request or a connection fails for a while."""

import logging
import threading
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from forkresize.observer import Activity, Observer
from forkresize.report.terminal.plain import print_status


class WaitingNotices(logging.Handler, Observer):
    """Passes warnings to observers. Those of other threads wait for the next tick, as observers belong to one thread.

    Before there are observers, warnings are printed.
    """

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.observers: Sequence[Observer] = ()
        self._waiting: deque[str] = deque()

    def emit(self, record: logging.LogRecord) -> None:
        """Pass on a warning."""
        text = record.getMessage()
        if threading.current_thread() is threading.main_thread():
            self._announce(text)
        else:
            self._waiting.append(text)

    def on_tick(self, activities: Sequence[Activity]) -> None:  # noqa: ARG002  A method of Observer.
        """Pass on the warnings of other threads."""
        while self._waiting:
            self._announce(self._waiting.popleft())

    def _announce(self, text: str) -> None:
        for observer in self.observers:
            observer.on_notice(text)
        if not self.observers:
            print_status(text)


@contextmanager
def announce_waiting() -> Iterator[WaitingNotices]:
    """Handle the warnings of stores and ledgers while the context lasts."""
    notices, logger = WaitingNotices(), logging.getLogger("forkresize")
    propagated, logger.propagate = logger.propagate, False
    logger.addHandler(notices)
    try:
        yield notices
    finally:
        logger.removeHandler(notices)
        logger.propagate = propagated
