"""How many pictures are under way at the same time: Admission, a bounded queue with two lanes."""

import asyncio
import time
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from forkresize.gateway.pressure import Pressure
from forkresize.gateway.problem import Problem
from forkresize.gateway.threads import call_in_loop

if TYPE_CHECKING:
    from concurrent.futures import Future

_AHEAD = 2
"""Pictures per worker that are with the pool: one that is rendered, and one that is next."""

BUSY = "the gateway is busy; try again"
"""Why a picture is refused."""


class Bounds(Struct, frozen=True, kw_only=True):
    """The bounds of the queue.

    Attributes:
        workers: of the pool.
        waiting: pictures that may wait, besides those that are with the pool.
        memory: bytes of sources that may be in memory.
        giant: bytes from which a source counts as a giant. At least one worker, if there are two, has no giant.
    """

    workers: int
    waiting: int
    memory: int
    giant: int


class Place:
    """The place of a picture in the queue, and later with the pool.

    Attributes:
        size: bytes of memory that it takes.
        is_giant: whether it waits in the lane of giants.
        entered: when it came, by ``time.monotonic``.
    """

    def __init__(self, size: int, *, is_giant: bool) -> None:
        self.size = size
        self.is_giant = is_giant
        self.entered = time.monotonic()
        self._busy: list[Future[Any]] = []

    def hold(self, future: "Future[Any]") -> None:
        """Keep the place until a future is done, also if the request has ended before: a worker is busy with it."""
        self._busy.append(future)

    @property
    def busy(self) -> "list[Future[Any]]":
        """The futures that are not done."""
        return [future for future in self._busy if not future.done()]


class Admission:
    """Admits pictures in their order, one lane of giants beside the others. For one event loop.

    In an overload, no picture waits: each that is admitted has a worker at once, and those that waited when the
    overload began are refused.

    Other threads may read its numbers: each is one value, or a sum over what does not change its length.

    Args:
        bounds: of the queue.
    """

    def __init__(self, bounds: Bounds) -> None:
        self.bounds = bounds
        self._waiting: dict[bool, deque[tuple[Place, asyncio.Future[None]]]] = {True: deque(), False: deque()}
        self._pressure = Pressure(bounds.waiting)
        self._giant_slots = max(1, bounds.workers - 1)
        self._active: set[Place] = set()
        self._memory = self._giant_memory = 0
        self._oldest: float | None = None

    @property
    def is_overloaded(self) -> bool:
        """Whether no picture may wait at the moment."""
        # If no more pictures come, nothing is noted.
        return self._pressure.is_high and not self._pressure.is_over

    @property
    def waiting(self) -> int:
        """How many pictures wait."""
        return sum(map(len, self._waiting.values()))

    @property
    def active(self) -> int:
        """How many pictures are with the pool, or on their way to it."""
        return len(self._active)

    @property
    def memory(self) -> int:
        """Bytes of sources that are in memory, or about to be."""
        return self._memory

    @property
    def oldest_age(self) -> float:
        """Seconds that the picture that waits longest has waited; 0 if none does."""
        # Another thread would find a lane empty that had a picture a moment ago.
        oldest = self._oldest
        return 0.0 if oldest is None else time.monotonic() - oldest

    @asynccontextmanager
    async def enter(self, size: int) -> AsyncIterator[Place]:
        """Wait for a place, and hold it while the body runs.

        Args:
            size: bytes of the source.

        Raises:
            Problem: 503: the queue is full. At once.
        """
        place = Place(size, is_giant=size >= self.bounds.giant)
        if not self._has_room(place):
            self._note_refusal()
            raise _refuse()
        self._book(place, place.size)
        await self._wait(place)
        try:
            yield place
        finally:
            self._leave(place)

    def refuses_all(self) -> bool:
        """Return whether a picture of any size would be refused now, in an overload."""
        has_room = len(self._active) < self._slots
        return self._pressure.note_room(has_room=has_room) and not has_room

    @property
    def _slots(self) -> int:
        return self.bounds.workers * (1 if self._pressure.is_high else _AHEAD)

    @property
    def _may_wait(self) -> int:
        return 0 if self._pressure.is_high else self.bounds.waiting

    def _note_refusal(self) -> None:
        if not self._pressure.note_refusal():
            return
        for lane in self._waiting.values():
            for place, turn in lane:
                self._book(place, -place.size)
                if not turn.done():
                    turn.set_exception(_refuse())
            lane.clear()
        self._note_oldest()

    def _has_room(self, place: Place) -> bool:
        """Return whether a place can be had, now or later. Giants get half of the queue and of the memory at most."""
        self._pressure.note_room(has_room=len(self._active) < self._slots)
        if place.is_giant:
            is_short = self._giant_memory and self._giant_memory + place.size > self.bounds.memory // 2
            if is_short or len(self._waiting[True]) >= max(1, self._may_wait // 2):
                return False
        is_short = self._memory and self._memory + place.size > self.bounds.memory
        return not is_short and (self._has_slot(place) or self.waiting < self._may_wait)

    def _book(self, place: Place, size: int) -> None:
        """Count the memory of a place, or no longer if the size is negative."""
        self._memory += size
        if place.is_giant:
            self._giant_memory += size

    async def _wait(self, place: Place) -> None:
        lane = self._waiting[place.is_giant]
        if not lane and self._has_slot(place):
            self._activate(place)
            return
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        entry = place, turn
        lane.append(entry)
        self._note_oldest()
        try:
            await turn
        except asyncio.CancelledError:
            if place in self._active:
                # It had its turn in the same moment.
                self._release(place)
            elif entry in lane:
                lane.remove(entry)
                self._note_oldest()
                self._book(place, -place.size)
            raise

    def _activate(self, place: Place) -> None:
        self._active.add(place)
        self._pressure.note_room(has_room=len(self._active) < self._slots)

    def _has_slot(self, place: Place) -> bool:
        giants = sum(each.is_giant for each in self._active) if place.is_giant else 0
        return len(self._active) < self._slots and giants < self._giant_slots

    def _leave(self, place: Place) -> None:
        """Release a place, as soon as no worker is busy with it."""
        busy = place.busy
        if not busy:
            self._release(place)
            return
        loop = asyncio.get_running_loop()
        busy[0].add_done_callback(lambda _: call_in_loop(loop, self._leave, place))

    def _release(self, place: Place) -> None:
        """Pass the slot of a place on to the one that waits longest of those that may have it."""
        self._active.discard(place)
        self._book(place, -place.size)
        while lanes := [lane for lane in self._waiting.values() if lane and self._has_slot(lane[0][0])]:
            found, turn = min(lanes, key=lambda lane: lane[0][0].entered).popleft()
            if turn.done():
                # Its request has been cancelled a moment ago.
                self._book(found, -found.size)
            else:
                self._activate(found)
                turn.set_result(None)
        self._pressure.note_room(has_room=len(self._active) < self._slots)
        self._note_oldest()

    def _note_oldest(self) -> None:
        """Note when the picture came that waits longest."""
        self._oldest = min((lane[0][0].entered for lane in self._waiting.values() if lane), default=None)


def _refuse() -> Problem:
    return Problem(HTTPStatus.SERVICE_UNAVAILABLE, BUSY, retry_after=1)
