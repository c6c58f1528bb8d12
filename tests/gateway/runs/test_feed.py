"""Feeds: each listener has all events once and in order, and each run is looked at once."""

import asyncio
from collections.abc import Sequence

import pytest

from forkresize.errors import LedgerError
from forkresize.gateway.runs.feed import Feed, Feeds
from forkresize.gateway.runs.run import Event, EventKind

DEADLINE = 20.0


class Records:
    """Events of runs, and how often they are read."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.reads = 0
        self.error: LedgerError | None = None

    def add(self, count: int) -> None:
        start = len(self.events) + 1
        self.events += [Event(number, EventKind.NOTICE, "{}") for number in range(start, start + count)]

    async def read(self, _run: str, after: int, limit: int) -> Sequence[Event]:
        self.reads += 1
        await asyncio.sleep(0)
        if self.error is not None:
            raise self.error
        return self.events[after : after + limit]


async def collect(feed: Feed, count: int, after: int = 0) -> list[int]:
    """Return the numbers of the next events, as a listener reads them."""
    numbers: list[int] = []
    while len(numbers) < count:
        found = await feed.after(after, DEADLINE)
        assert found
        numbers += [event.number for event in found]
        after = numbers[-1]
    return numbers


def test_a_listener_has_a_thousand_events_once_and_in_order() -> None:
    async def scenario() -> None:
        records = Records()
        feeds = Feeds(records.read, 0.01)
        records.add(300)
        async with feeds.listen("a") as feed:
            listening = asyncio.create_task(collect(feed, 1000))
            for _ in range(70):
                records.add(10)
                feeds.notify("a")
                await asyncio.sleep(0.001)
            assert await asyncio.wait_for(listening, DEADLINE) == list(range(1, 1001))

    asyncio.run(scenario())


def test_a_listener_that_comes_again_continues_where_it_was() -> None:
    async def scenario() -> None:
        records = Records()
        records.add(50)
        feeds = Feeds(records.read, 0.01)
        async with feeds.listen("a") as feed:
            first = await collect(feed, 20)
        last = first[-1]
        records.add(30)
        async with feeds.listen("a") as feed:
            assert first + await collect(feed, 80 - last, last) == list(range(1, 81))

    asyncio.run(scenario())


def test_many_listeners_of_a_run_cost_one_look() -> None:
    async def scenario() -> None:
        records = Records()
        feeds = Feeds(records.read, 0.02)
        async with feeds.listen("a") as feed, asyncio.TaskGroup() as group:
            tasks = [group.create_task(collect(feed, 5)) for _ in range(200)]
            await asyncio.sleep(0.1)
            before = records.reads
            await asyncio.sleep(0.2)
            # Ten looks in this time, and some for a machine that is busy; not 2,000.
            assert records.reads - before <= 15
            records.add(5)
        assert all(task.result() == [1, 2, 3, 4, 5] for task in tasks)

    asyncio.run(scenario())


def test_a_slow_listener_does_not_hold_up_others_and_loses_nothing() -> None:
    async def scenario() -> None:
        records = Records()
        feeds = Feeds(records.read, 0.001)
        async with feeds.listen("a") as slow, feeds.listen("a") as fast:
            assert slow is fast
            first = asyncio.create_task(collect(slow, 1))
            fast_numbers = asyncio.create_task(collect(fast, 5000))
            records.add(1)
            assert await asyncio.wait_for(first, DEADLINE) == [1]
            records.add(4999)
            assert await asyncio.wait_for(fast_numbers, DEADLINE) == list(range(1, 5001))
            # It is further behind than what the feed has in memory.
            assert await asyncio.wait_for(collect(slow, 4999, 1), DEADLINE) == list(range(2, 5001))

    asyncio.run(scenario())


def test_a_listener_without_news_waits_and_has_nothing() -> None:
    async def scenario() -> None:
        feeds = Feeds(Records().read, 0.01)
        async with feeds.listen("a") as feed:
            assert await feed.after(0, 0.05) == ()

    asyncio.run(scenario())


def test_no_run_is_looked_at_without_listeners() -> None:
    async def scenario() -> None:
        records = Records()
        feeds = Feeds(records.read, 0.01)
        async with feeds.listen("a") as feed:
            await feed.after(0, 0.05)
            assert feeds.listeners == 1
        reads = records.reads
        await asyncio.sleep(0.05)
        assert (records.reads, feeds.listeners) == (reads, 0)

    asyncio.run(scenario())


def test_the_end_of_the_gateway_ends_the_wait() -> None:
    async def scenario() -> None:
        feeds = Feeds(Records().read, 0.01)
        async with feeds.listen("a") as feed:
            waiting = asyncio.create_task(feed.after(0, DEADLINE))
            await asyncio.sleep(0.03)
            feeds.close()
            assert not await asyncio.wait_for(waiting, 1)
            assert feed.is_closed
        async with feeds.listen("b") as late:
            assert late.is_closed

    asyncio.run(scenario())


def test_an_error_of_the_records_reaches_each_listener() -> None:
    async def scenario() -> None:
        records = Records()
        feeds = Feeds(records.read, 0.01)
        async with feeds.listen("a") as feed:
            waiting = [asyncio.create_task(feed.after(0, DEADLINE)) for _ in range(3)]
            await asyncio.sleep(0.03)
            records.error = LedgerError("the database is away")
            for each in waiting:
                with pytest.raises(LedgerError, match="is away"):
                    await asyncio.wait_for(each, DEADLINE)
            # Who comes before the last of them has left does not wait.
            records.error = None
            with pytest.raises(LedgerError, match="is away"):
                await asyncio.wait_for(feed.after(0, DEADLINE), DEADLINE / 2)
        records.add(1)
        async with feeds.listen("a") as feed:
            assert await collect(feed, 1) == [1]

    asyncio.run(scenario())
