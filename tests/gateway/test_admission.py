"""The queue in front of the workers: bounds, order, lanes, places that are given back."""

import asyncio
import time
from collections.abc import Coroutine
from concurrent.futures import Future
from typing import Any

import pytest

from forkresize.gateway.admission import Admission, Bounds
from forkresize.gateway.problem import Problem

GIANT = 1000


class Visitors:
    """Requests that enter, and leave when a test says so."""

    def __init__(self, *, workers: int = 2, waiting: int = 3, memory: int = 10_000) -> None:
        self.admission = Admission(Bounds(workers=workers, waiting=waiting, memory=memory, giant=GIANT))
        self.inside: list[str] = []
        self._leave: dict[str, asyncio.Event] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}

    async def come(self, name: str, size: int = 1, busy: "Future[None] | None" = None) -> None:
        self._leave[name] = asyncio.Event()
        self._tasks[name] = asyncio.create_task(self._visit(name, size, busy))
        await let_run()

    async def _visit(self, name: str, size: int, busy: "Future[None] | None") -> None:
        async with self.admission.enter(size) as place:
            if busy is not None:
                place.hold(busy)
            self.inside.append(name)
            await self._leave[name].wait()

    async def leave(self, name: str) -> None:
        self._leave[name].set()
        await self._tasks[name]
        self.inside.remove(name)
        await let_run()

    def wait_for(self, name: str) -> "asyncio.Task[None]":
        return self._tasks[name]

    def cancel(self, name: str) -> None:
        self._tasks[name].cancel()

    async def give_up(self, name: str) -> None:
        self._tasks[name].cancel()
        await asyncio.gather(self._tasks[name], return_exceptions=True)
        await let_run()

    async def refused(self, size: int = 1) -> float | None:
        with pytest.raises(Problem) as caught:
            async with self.admission.enter(size):
                pass
        assert caught.value.status == 503
        return caught.value.retry_after


async def let_run() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


def call(work: Coroutine[Any, Any, None]) -> None:
    asyncio.run(work)


def test_those_that_wait_enter_in_their_order_and_those_beyond_are_refused() -> None:
    async def visit() -> None:
        visitors = Visitors()
        for name in "abcdefg":
            await visitors.come(name)
        assert visitors.inside == [*"abcd"]
        assert visitors.admission.waiting == 3
        assert await visitors.refused() == 1
        await visitors.leave("b")
        assert visitors.inside == [*"acde"]

    call(visit())


def test_one_that_gives_up_frees_its_place() -> None:
    async def visit() -> None:
        visitors = Visitors()
        for name in "abcdef":
            await visitors.come(name)
        await visitors.give_up("e")
        await visitors.leave("a")
        assert visitors.inside == [*"bcdf"]
        assert visitors.admission.waiting == 0

    call(visit())


def test_giants_leave_a_worker_to_others() -> None:
    async def visit() -> None:
        visitors = Visitors()
        for name in ("A", "B"):
            await visitors.come(name, GIANT)
        await visitors.come("c")
        assert visitors.inside == ["A", "c"]
        await visitors.leave("A")
        assert visitors.inside == ["c", "B"]

    call(visit())


def test_giants_that_wait_leave_half_of_the_queue_and_of_the_memory_to_others() -> None:
    async def visit() -> None:
        visitors = Visitors(waiting=4, memory=8 * GIANT)
        for name in ("A", "B", "C"):
            await visitors.come(name, GIANT)
        assert await visitors.refused(GIANT) == 1
        visitors = Visitors(waiting=20, memory=4 * GIANT)
        for name in ("A", "B"):
            await visitors.come(name, GIANT)
        assert await visitors.refused(GIANT) == 1
        await visitors.come("c")
        assert visitors.inside == ["A", "c"]

    call(visit())


def test_with_one_worker_giants_are_admitted() -> None:
    async def visit() -> None:
        visitors = Visitors(workers=1)
        await visitors.come("A", GIANT)
        assert visitors.inside == ["A"]

    call(visit())


def test_sources_beyond_the_memory_are_refused_unless_there_is_no_other() -> None:
    async def visit() -> None:
        visitors = Visitors(memory=100)
        await visitors.come("a", 101)
        assert visitors.inside == ["a"]
        assert await visitors.refused() == 1
        await visitors.leave("a")
        assert visitors.admission.memory == 0

    call(visit())


def test_a_place_is_kept_while_a_worker_is_busy_with_it() -> None:
    async def visit() -> None:
        visitors = Visitors(workers=1)
        busy: Future[None] = Future()
        await visitors.come("a", busy=busy)
        await visitors.come("b")
        await visitors.come("c")
        await visitors.give_up("a")
        assert (visitors.admission.active, visitors.admission.memory) == (2, 3)
        assert "c" not in visitors.inside
        busy.set_result(None)
        await let_run()
        assert "c" in visitors.inside
        assert visitors.admission.memory == 2

    call(visit())


def test_the_age_is_that_of_the_one_that_waits_longest() -> None:
    async def visit() -> None:
        visitors = Visitors(workers=1)
        assert visitors.admission.oldest_age == 0
        for name in "abc":
            await visitors.come(name)
        assert visitors.admission.oldest_age > 0

    call(visit())


def test_the_age_is_that_of_the_picture_that_waits_longest() -> None:
    async def check() -> None:
        visitors = Visitors(workers=1)
        admission = visitors.admission
        for name in "abc":
            await visitors.come(name)
        first = admission.oldest_age
        assert 0 < first < 60
        await visitors.come("d", GIANT)
        assert admission.oldest_age > first
        await visitors.give_up("c")
        assert 0 < admission.oldest_age < time.monotonic()
        await visitors.leave("a")
        assert (admission.waiting, admission.oldest_age) == (0, 0.0)

    asyncio.run(check())


async def overload(visitors: Visitors) -> None:
    """Have pictures refused until that is an overload."""
    end = time.monotonic() + 10
    while not visitors.admission.is_overloaded and time.monotonic() < end:
        assert await visitors.refused() == 1
        await asyncio.sleep(0.01)
    assert visitors.admission.is_overloaded


def test_in_an_overload_those_that_wait_are_refused_and_no_other_waits() -> None:
    async def check() -> None:
        visitors = Visitors(workers=2, waiting=3)
        for name in "abcdefg":
            await visitors.come(name)
        assert not visitors.admission.refuses_all()
        await overload(visitors)
        results = await asyncio.gather(*(visitors.wait_for(name) for name in "efg"), return_exceptions=True)
        assert [isinstance(each, Problem) and each.status for each in results] == [503] * 3
        assert (visitors.admission.waiting, visitors.admission.memory) == (0, 4)
        # One that is next would wait for a worker.
        for name in "ab":
            await visitors.leave(name)
            assert visitors.admission.refuses_all()
            await visitors.refused()
        await visitors.leave("c")
        assert not visitors.admission.refuses_all()
        await visitors.come("h")
        assert visitors.inside == ["d", "h"]
        await visitors.refused()

    call(check())


def test_after_an_overload_pictures_wait_again() -> None:
    async def check() -> None:
        visitors = Visitors(workers=1, waiting=3)
        for name in "abcde":
            await visitors.come(name)
        await overload(visitors)
        await asyncio.gather(*(visitors.wait_for(name) for name in "cde"), return_exceptions=True)
        for name in "ab":
            await visitors.leave(name)
        # Without a further picture.
        for _ in range(1000):
            if not visitors.admission.is_overloaded:
                break
            await asyncio.sleep(0.01)
        assert not visitors.admission.is_overloaded
        for name in "fghij":
            await visitors.come(name)
        assert visitors.inside == [*"fg"]
        assert (visitors.admission.is_overloaded, visitors.admission.waiting) == (False, 3)

    call(check())


def test_one_that_is_cancelled_while_it_gets_its_turn_or_is_refused_leaves_nothing_behind() -> None:
    async def check() -> None:
        visitors = Visitors(workers=1, waiting=2)
        for name in "abcd":
            await visitors.come(name)
        # In the same turn of the loop: c gives up, and a leaves, so that it would be c's turn.
        visitors.cancel("c")
        await visitors.leave("a")
        assert visitors.inside == [*"bd"]
        await visitors.come("e")
        await overload_of(visitors, "e")
        await visitors.leave("b")
        await visitors.leave("d")
        assert (visitors.admission.active, visitors.admission.waiting, visitors.admission.memory) == (0, 0, 0)

    async def overload_of(visitors: Visitors, name: str) -> None:
        while not visitors.admission.is_overloaded:
            with pytest.raises(Problem):
                async with visitors.admission.enter(10**6):
                    pass
            await asyncio.sleep(0.01)
        visitors.cancel(name)
        await asyncio.gather(visitors.wait_for(name), return_exceptions=True)

    call(check())
