"""What pictures were found to be is remembered, by version and within a bound."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

from forkresize.batch.remote.renderer import Inspected
from forkresize.gateway.inspections import Inspections
from forkresize.gateway.problem import Problem
from forkresize.gateway.roots import Located
from forkresize.store import LocalStore, ObjectInfo

T = TypeVar("T")

FOUND = Inspected(4, 3, "png", 1)


def located(key: str = "a.png", mtime_ns: int = 1) -> Located:
    return Located("photos", key, LocalStore("/in"), ObjectInfo(key, 10, mtime_ns, mtime_ns))


class Inspector:
    """Counts inspections; those of names in ``failing`` fail, and all wait for ``ready``."""

    def __init__(self) -> None:
        self.keys: list[str] = []
        self.cancelled: list[str] = []
        self.failing: set[str] = set()
        self.ready = asyncio.Event()

    async def __call__(self, source: Located) -> Inspected:
        self.keys.append(source.key)
        try:
            await self.ready.wait()
        except asyncio.CancelledError:
            self.cancelled.append(source.key)
            raise
        if source.key in self.failing:
            raise Problem(415, "not a picture")
        return FOUND


def run(work: Coroutine[Any, Any, T]) -> T:
    return asyncio.run(work)


def test_a_version_is_inspected_once() -> None:
    async def check() -> None:
        inspect = Inspector()
        inspections = Inspections(inspect)
        requests = [asyncio.create_task(inspections.find(located())) for _ in range(5)]
        await asyncio.sleep(0)
        inspect.ready.set()
        assert await asyncio.gather(*requests) == [FOUND] * 5
        assert await inspections.find(located()) == FOUND
        assert inspect.keys == ["a.png"]
        await inspections.find(located(mtime_ns=2))
        assert inspect.keys == ["a.png", "a.png"]

    run(check())


def test_the_pictures_asked_for_last_are_kept() -> None:
    async def check() -> None:
        inspect = Inspector()
        inspect.ready.set()
        inspections = Inspections(inspect, kept=2)
        for key in ("a", "b", "a", "c", "a", "b"):
            await inspections.find(located(key))
        assert inspect.keys == ["a", "b", "c", "b"]
        assert len(inspections) == 2

    run(check())


def test_failures_reach_all_requests_and_are_not_kept() -> None:
    async def check() -> None:
        inspect = Inspector()
        inspect.failing.add("a.png")
        inspect.ready.set()
        inspections = Inspections(inspect)
        found = await asyncio.gather(*(inspections.find(located()) for _ in range(3)), return_exceptions=True)
        assert [type(each) for each in found] == [Problem] * 3
        inspect.failing.clear()
        assert await inspections.find(located()) == FOUND
        assert len(inspect.keys) == 2

    run(check())


def test_a_request_that_ends_leaves_the_inspection_to_others() -> None:
    async def check() -> None:
        inspect = Inspector()
        inspections = Inspections(inspect)
        first, second = (asyncio.create_task(inspections.find(located())) for _ in range(2))
        await asyncio.sleep(0)
        first.cancel()
        await asyncio.sleep(0)
        inspect.ready.set()
        assert await second == FOUND
        assert first.cancelled()
        assert inspect.keys == ["a.png"]

    run(check())


def test_an_inspection_ends_with_the_last_request_and_frees_its_place() -> None:
    async def check() -> None:
        inspect = Inspector()
        inspections = Inspections(inspect)
        requests = [asyncio.create_task(inspections.find(located())) for _ in range(2)]
        await asyncio.sleep(0)
        for request in requests:
            request.cancel()
        await asyncio.gather(*requests, return_exceptions=True)
        await asyncio.sleep(0)
        assert inspect.cancelled == ["a.png"]
        inspect.ready.set()
        assert await inspections.find(located()) == FOUND

    run(check())
