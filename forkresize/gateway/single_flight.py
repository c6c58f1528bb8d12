"""Work that several requests wait for, and that is done once: SingleFlight."""

import asyncio
from collections.abc import Callable, Coroutine, Hashable
from typing import Any, Generic, TypeVar

from forkresize.gateway.observation import RequestRecord, current_record, observe

T = TypeVar("T")


class SingleFlight(Generic[T]):
    """Does what several callers ask for at the same time once. For one event loop.

    Args:
        on_join: called by those who wait for what another caller has begun.
    """

    def __init__(self, on_join: Callable[[], object] = lambda: None) -> None:
        self._on_join = on_join
        self._flights: dict[Hashable, _Flight[T]] = {}

    def __len__(self) -> int:
        return len(self._flights)

    async def run(self, key: Hashable, work: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """Return the result of work that is under way for a key, or begin it.

        The work goes on when a caller is cancelled, also the first one, as long as others wait. When the last one is
        cancelled, the work is.

        Args:
            key: what the work is for.
            work: begins it.
        """
        flight = self._flights.get(key)
        if flight is None:
            flight = self._flights[key] = _Flight.begin(work)
            flight.task.add_done_callback(lambda _: self._remove(key, flight))
        else:
            self._on_join()
        flight.waiting += 1
        try:
            return await asyncio.shield(flight.task)
        finally:
            flight.waiting -= 1
            if flight.task.done() or not flight.waiting:
                flight.hand_over_notes()
            if not flight.waiting and not flight.task.done():
                # No caller may join it from now on.
                self._remove(key, flight)
                flight.task.cancel()

    def _remove(self, key: Hashable, flight: "_Flight[T]") -> None:
        if self._flights.get(key) is flight:
            del self._flights[key]


class _Flight(Generic[T]):
    """Work under way, how many callers wait for it, and what is noted about it."""

    def __init__(self, task: "asyncio.Future[T]", notes: RequestRecord | None) -> None:
        self.task = task
        self.waiting = 0
        self._notes = notes

    @classmethod
    def begin(cls, work: Callable[[], Coroutine[Any, Any, T]]) -> "_Flight[T]":
        """Begin work. What it notes is kept apart: the request that began it may end before."""
        record = current_record()
        notes = record.begin_work() if record else None
        with observe(notes):
            return cls(asyncio.ensure_future(work()), notes)

    def hand_over_notes(self) -> None:
        """Add what was noted to the current request, unless another one has it: the work is counted once."""
        record, notes = current_record(), self._notes
        if record is not None and notes is not None:
            record.take_work(notes)
            self._notes = None
