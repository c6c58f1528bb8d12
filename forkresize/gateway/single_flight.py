"""Work that several requests wait for, and that is done once: SingleFlight."""

import asyncio
from collections.abc import Callable, Coroutine, Hashable
from typing import Any, Generic, TypeVar

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
            flight = self._flights[key] = _Flight(asyncio.ensure_future(work()))
            flight.task.add_done_callback(lambda _: self._remove(key, flight))
        else:
            self._on_join()
        flight.waiting += 1
        try:
            return await asyncio.shield(flight.task)
        finally:
            flight.waiting -= 1
            if not flight.waiting and not flight.task.done():
                # No caller may join it from now on.
                self._remove(key, flight)
                flight.task.cancel()

    def _remove(self, key: Hashable, flight: "_Flight[T]") -> None:
        if self._flights.get(key) is flight:
            del self._flights[key]


class _Flight(Generic[T]):
    """Work under way, and how many callers wait for it."""

    def __init__(self, task: "asyncio.Future[T]") -> None:
        self.task = task
        self.waiting = 0
