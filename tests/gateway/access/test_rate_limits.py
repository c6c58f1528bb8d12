"""Rate limits: who is counted, what callers learn, and what happens without Redis."""

import asyncio
import logging
import re
from pathlib import Path

import pytest

from forkresize.errors import FieldError
from forkresize.gateway.access import counters as counters_module
from forkresize.gateway.access.counters import BoundedMemory, Counters
from forkresize.gateway.access.principal import ANONYMOUS, Principal, Role
from forkresize.gateway.access.rate_limits import RateLimits, group_address, parse_rate
from forkresize.gateway.problem import Problem
from tests.gateway.access.test_api_keys import Clock
from tests.servers.program import find_free_port, uses
from tests.servers.redis import RedisServer, run_redis

WEB = Principal("key:web", Role.READER)
APP = Principal("key:app", Role.READER)


def create_limits(principal: str | None, address: str | None = None, counters: Counters | None = None) -> RateLimits:
    rates = [None if text is None else parse_rate("rate_limit", text) for text in (principal, address)]
    return RateLimits(rates[0], rates[1], counters or Counters())


def test_each_principal_has_its_own_number_and_addresses_do_not_matter() -> None:
    async def send() -> None:
        limits = create_limits("2/day")
        first = await limits.count(WEB, "10.0.0.1")
        assert first["ratelimit-policy"] == '"principal";q=2;w=86400'
        assert re.fullmatch(r'"principal";r=1;t=\d+', first["ratelimit"])
        await limits.count(WEB, "10.0.0.2")
        with pytest.raises(Problem, match="each caller may send 2 in 86400 seconds") as found:
            await limits.count(WEB, "10.0.0.3")
        assert found.value.status == 429
        assert found.value.retry_after is not None
        assert 1 <= found.value.retry_after <= 86400
        assert re.fullmatch(r'"principal";r=0;t=\d+', found.value.headers["ratelimit"])
        await limits.count(APP, "10.0.0.1")

    asyncio.run(send())


def test_callers_without_credentials_are_one_principal_for_each_address() -> None:
    async def send() -> None:
        limits = create_limits("1/day")
        await limits.count(ANONYMOUS, "10.0.0.1")
        await limits.count(ANONYMOUS, "10.0.0.2")
        with pytest.raises(Problem):
            await limits.count(ANONYMOUS, "10.0.0.1")
        # A key named like an address has a number of its own.
        await limits.count(Principal("key:10.0.0.1", Role.READER), "10.0.0.1")

    asyncio.run(send())


def test_an_address_is_limited_with_any_keys_and_only_what_its_principal_may_send_counts() -> None:
    async def send() -> None:
        limits = create_limits("2/day", "3/day")
        await limits.count(WEB, "10.0.0.1")
        headers = await limits.count(WEB, "10.0.0.1")
        assert headers["ratelimit-policy"] == '"principal";q=2;w=86400, "address";q=3;w=86400'
        assert re.fullmatch(r'"principal";r=0;t=\d+, "address";r=1;t=\d+', headers["ratelimit"])
        for _ in range(5):
            with pytest.raises(Problem, match="each caller"):
                await limits.count(WEB, "10.0.0.1")
        await limits.count(APP, "10.0.0.1")
        with pytest.raises(Problem, match="each address may send 3 in 86400 seconds"):
            await limits.count(APP, "10.0.0.1")
        await limits.count(Principal("key:third", Role.READER), "10.0.0.2")

    asyncio.run(send())


def test_without_rates_nothing_is_counted() -> None:
    assert asyncio.run(create_limits(None).count(WEB, "10.0.0.1")) == {}


@pytest.mark.parametrize(
    ("address", "group"),
    [
        ("10.0.0.1", "10.0.0.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2:ffff::", "2001:db8:1:2::/64"),
        ("::ffff:10.0.0.1", "10.0.0.1"),
        ("fe80::1%eth0", "fe80::/64"),
        ("", ""),
        ("unix socket", "unix socket"),
    ],
)
def test_the_addresses_that_one_customer_may_choose_count_as_one(address: str, group: str) -> None:
    assert group_address(address) == group


@pytest.mark.parametrize("text", ["", "60", "x/minute", "0/minute", "60/fortnight", "1/second; 60/minute", "-1/second"])
def test_a_malformed_rate_is_refused(text: str) -> None:
    with pytest.raises(FieldError, match="for example 60/minute"):
        parse_rate("rate_limit", text)


def test_counters_in_memory_are_bounded_and_the_newest_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(counters_module, "_MAX_COUNTERS", 100)

    async def send() -> None:
        memory = BoundedMemory()
        for number in range(1000):
            assert await memory.incr(f"{number}", 3600) == 1
        assert len(memory.storage) == len(memory.expirations) == 100
        assert not memory.locks
        assert await memory.incr("999", 3600) == 2
        for number in range(1000, 1100):
            await memory.incr(f"{number}", -1)
        assert await memory.get("1000") == 0

    asyncio.run(send())


@pytest.mark.parametrize("url", ["http://localhost", "memory://", "redis:/x", "async+redis+cluster://localhost"])
def test_a_store_that_is_not_redis_is_refused(url: str) -> None:
    with pytest.raises(FieldError, match="use redis://") as found:
        Counters(url)
    assert found.value.field == "rate_limit_store"


class TestRedis:
    pytestmark = uses("redis")

    def test_gateways_share_their_counters(self, redis: RedisServer) -> None:
        async def send() -> None:
            one, two = (create_limits("3/day", counters=Counters(url)) for url in (redis.url, f"async+{redis.url}"))
            who = Principal(f"key:shared{find_free_port()}", Role.READER)
            await one.count(who, "10.0.0.1")
            headers = await two.count(who, "10.0.0.1")
            assert headers["ratelimit"].startswith('"principal";r=1;')
            await one.count(who, "10.0.0.1")
            with pytest.raises(Problem):
                await two.count(who, "10.0.0.1")
            await one.close()
            await two.close()

        asyncio.run(send())

    def test_while_redis_is_away_memory_counts_with_one_warning_and_then_redis_again(
        self, tmp_path: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        async def send(server: RedisServer) -> None:
            clock = Clock()
            limits = create_limits("2/day", counters=Counters(server.url, clock))
            await limits.count(WEB, "10.0.0.1")
            server.stop()
            # Each gateway counts from zero: two more, and no more.
            await limits.count(WEB, "10.0.0.1")
            await limits.count(WEB, "10.0.0.1")
            with pytest.raises(Problem):
                await limits.count(WEB, "10.0.0.1")
            clock.now = 6.0
            with pytest.raises(Problem):
                await limits.count(WEB, "10.0.0.1")
            assert [record.levelno for record in caplog.records] == [logging.WARNING]
            server.start()
            clock.now = 12.0
            assert (await limits.count(WEB, "10.0.0.1"))["ratelimit"].startswith('"principal";r=0;')
            await limits.close()

        with run_redis(tmp_path) as server:
            asyncio.run(send(server))
        assert "is away, they are counted in memory" in caplog.text
