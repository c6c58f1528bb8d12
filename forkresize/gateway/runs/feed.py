"""The events of runs for many listeners: each run is looked at once, however many there are."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress

from forkresize.errors import LedgerError
from forkresize.gateway.runs.run import Event

ReadEvents = Callable[[str, int, int], Awaitable[Sequence[Event]]]
"""Returns the events of a run after one with a number, at most so many."""

_PAGE = 200

_KEPT = 1_000
"""Events of a run in memory. A listener that is further behind reads them itself."""

_INTERVAL = 0.5
"""Seconds between two looks at a run, which another gateway may do."""


class Feeds:
    """The events of all runs that somebody listens to.

    Args:
        read: reads events; raises LedgerError.
        interval: seconds between two looks at a run.
    """

    def __init__(self, read: ReadEvents, interval: float = _INTERVAL) -> None:
        self._read = read
        self._interval = interval
        self._feeds: dict[str, Feed] = {}
        self.is_closed = False

    @property
    def listeners(self) -> int:
        """How many there are."""
        return sum(feed.listeners for feed in self._feeds.values())

    def notify(self, run: str) -> None:
        """Look at a run at once, if anybody listens: it has new events."""
        if run in self._feeds:
            self._feeds[run].notify()

    def close(self) -> None:
        """Let all listeners have no more events, at once."""
        self.is_closed = True
        for feed in self._feeds.values():
            feed.close()

    @asynccontextmanager
    async def listen(self, run: str) -> AsyncIterator["Feed"]:
        """Open the events of a run."""
        feed = self._feeds.setdefault(run, Feed(run, self._read, self._interval))
        feed.listeners += 1
        if self.is_closed:
            feed.close()
        try:
            yield feed
        finally:
            feed.listeners -= 1
            if not feed.listeners:
                self._feeds.pop(run, None)
                feed.close()


class Feed:
    """The events of one run. It begins to look when a listener has read all that there are.

    Attributes:
        listeners: how many there are.
        is_closed: whether no more events come.
    """

    def __init__(self, run: str, read: ReadEvents, interval: float) -> None:
        self.listeners = 0
        self._run = run
        self._read = read
        self._interval = interval
        self._recent: deque[Event] = deque(maxlen=_KEPT)
        self._last: int | None = None
        self._hurry = asyncio.Event()
        self._news = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._error: LedgerError | None = None
        self.is_closed = False

    async def after(self, number: int, patience: float) -> Sequence[Event]:
        """Return the events after one with a number, in order; nothing if none comes in so many seconds.

        Raises:
            LedgerError: they cannot be read.
        """
        news = self._news
        found = await self._find(number)
        if not found and not self.is_closed:
            self._begin(number)
            if self._error is None:
                with suppress(TimeoutError):
                    await asyncio.wait_for(news.wait(), patience)
            if self._error is not None:
                # No listener waits from now on; when all have left, a new feed takes the place of this one.
                raise self._error
            found = await self._find(number)
        return found

    def notify(self) -> None:
        """Look at once."""
        self._hurry.set()

    def close(self) -> None:
        """Look no more, and let listeners wait no longer."""
        self.is_closed = True
        if self._task is not None:
            self._task.cancel()
        self._announce()

    async def _find(self, number: int) -> Sequence[Event]:
        if self._recent and self._recent[0].number <= number + 1:
            return [event for event in self._recent if event.number > number]
        if self._last is None or number < self._last:
            return await self._read(self._run, number, _PAGE)
        return ()

    def _begin(self, number: int) -> None:
        if self._task is None:
            self._last = number
            self._task = asyncio.create_task(self._look(number))

    async def _look(self, last: int) -> None:
        try:
            while True:
                self._hurry.clear()
                found = await self._read(self._run, last, _PAGE)
                if found:
                    self._recent.extend(found)
                    self._last = last = found[-1].number
                    self._announce()
                if len(found) < _PAGE:
                    with suppress(TimeoutError):
                        await asyncio.wait_for(self._hurry.wait(), self._interval)
        except LedgerError as error:
            self._error = error
            self._announce()

    def _announce(self) -> None:
        news, self._news = self._news, asyncio.Event()
        news.set()
