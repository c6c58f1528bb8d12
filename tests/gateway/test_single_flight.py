import asyncio
from collections.abc import Coroutine
from typing import Any

import pytest

from forkresize.gateway.observation import RequestRecord, note_cache, observe, stage
from forkresize.gateway.single_flight import SingleFlight
from forkresize.telemetry.sampling import Sampling


class Work:
    """Work that ends when it is allowed to, and counts how often it was begun and cancelled."""

    def __init__(self) -> None:
        self.begun = self.cancelled = 0
        self.end = asyncio.Event()
        self.error: Exception | None = None

    async def run(self) -> int:
        self.begun += 1
        try:
            await self.end.wait()
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        if self.error is not None:
            raise self.error
        return self.begun


def run(test: Coroutine[Any, Any, None]) -> None:
    async def bounded() -> None:
        async with asyncio.timeout(60):
            await test

    asyncio.run(bounded())


async def wait_turns() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


def test_many_callers_get_the_result_of_one() -> None:
    async def check() -> None:
        flights, work = SingleFlight[int](), Work()
        calls = [asyncio.ensure_future(flights.run("a", work.run)) for _ in range(100)]
        await wait_turns()
        assert (work.begun, len(flights)) == (1, 1)
        work.end.set()
        assert await asyncio.gather(*calls) == [1] * 100
        assert len(flights) == 0
        assert await flights.run("a", work.run) == 2

    run(check())


def test_other_keys_have_work_of_their_own() -> None:
    async def check() -> None:
        flights, work = SingleFlight[int](), Work()
        work.end.set()
        assert list(await asyncio.gather(flights.run("a", work.run), flights.run("b", work.run))) == [1, 2]

    run(check())


def test_the_work_goes_on_when_the_first_caller_is_cancelled() -> None:
    async def check() -> None:
        flights, work = SingleFlight[int](), Work()
        first, second = (asyncio.ensure_future(flights.run("a", work.run)) for _ in range(2))
        await wait_turns()
        first.cancel()
        await wait_turns()
        assert (first.cancelled(), work.cancelled, len(flights)) == (True, 0, 1)
        work.end.set()
        assert await second == 1

    run(check())


def test_the_work_is_cancelled_with_the_last_caller_and_begins_anew_for_the_next() -> None:
    async def check() -> None:
        flights, work = SingleFlight[int](), Work()
        calls = [asyncio.ensure_future(flights.run("a", work.run)) for _ in range(2)]
        await wait_turns()
        for call in calls:
            call.cancel()
        await wait_turns()
        assert (work.cancelled, len(flights)) == (1, 0)
        work.end.set()
        assert await flights.run("a", work.run) == 2

    run(check())


def test_a_caller_that_comes_while_the_work_is_being_cancelled_is_not_cancelled_with_it() -> None:
    async def check() -> None:
        flights, work = SingleFlight[int](), Work()
        first = asyncio.ensure_future(flights.run("a", work.run))
        await wait_turns()
        first.cancel()
        await asyncio.sleep(0)
        work.end.set()
        assert await flights.run("a", work.run) == 2

    run(check())


def test_all_callers_get_the_error() -> None:
    async def check() -> None:
        flights, work = SingleFlight[int](), Work()
        work.error = ValueError("no")
        calls = [asyncio.ensure_future(flights.run("a", work.run)) for _ in range(3)]
        work.end.set()
        found = await asyncio.gather(*calls, return_exceptions=True)
        assert found == [work.error] * 3
        with pytest.raises(ValueError, match="no"):
            await flights.run("a", work.run)

    run(check())


def new_record() -> RequestRecord:
    return RequestRecord("GET", None, Sampling())


def test_what_is_noted_about_the_work_belongs_to_one_caller_that_gets_its_result() -> None:
    async def check() -> None:
        flights, work = SingleFlight[int](lambda: note_cache("shared")), Work()

        async def noting() -> int:
            with stage("fetch"):
                found = await work.run()
            note_cache("made")
            return found

        async def ask(record: RequestRecord) -> int:
            with observe(record):
                return await flights.run("a", noting)

        records = [new_record() for _ in range(3)]
        first, *others = [asyncio.ensure_future(ask(record)) for record in records]
        await wait_turns()
        # The one that began the work leaves, and is recorded before the work ends.
        first.cancel()
        await wait_turns()
        work.end.set()
        assert await asyncio.gather(*others) == [1, 1]
        assert [[each.name for each in record.stages] for record in records] == [[], ["fetch"], []]
        assert [record.cache for record in records] == [None, "made", "shared"]

    run(check())


def test_what_is_noted_about_work_that_fails_is_recorded_too() -> None:
    async def check() -> None:
        flights, record = SingleFlight[int](), new_record()

        async def failing() -> int:
            with stage("fetch"):
                raise ValueError("no")

        with observe(record), pytest.raises(ValueError, match="no"):
            await flights.run("a", failing)
        assert [each.name for each in record.stages] == ["fetch"]

    run(check())
