"""How many requests a caller may send: RateLimits, per principal first and per address second."""

import ipaddress
import math
import time
from functools import lru_cache
from http import HTTPStatus

from limits import RateLimitItem, parse

from forkresize.errors import FieldError
from forkresize.gateway.access.counters import Counters
from forkresize.gateway.access.principal import Principal
from forkresize.gateway.problem import Problem

_NETWORK_BITS = 64
"""Of an IPv6 address, what a provider gives one customer: its other bits are free to choose."""


_CACHED = 1024
"""Addresses whose group is kept."""


class RateLimits:
    """Counts the requests of principals and of addresses.

    Args:
        principal: how many requests each principal may send; callers without credentials are one for each address.
        address: how many requests may come from each address, with any credentials.
        counters: where they are counted.
    """

    def __init__(self, principal: RateLimitItem | None, address: RateLimitItem | None, counters: Counters) -> None:
        self._limits = [(name, limit) for name, limit in (("principal", principal), ("address", address)) if limit]
        self._counters = counters
        self._policy = ", ".join(f'"{name}";q={each.amount};w={each.get_expiry()}' for name, each in self._limits)

    async def count(self, principal: Principal, address: str) -> dict[str, str]:
        """Count a request; return headers that say what remains (draft-ietf-httpapi-ratelimit-headers-10).

        Args:
            principal: who sends it.
            address: from which it comes.

        Raises:
            Problem: 429: there were too many.
        """
        place = f"address:{group_address(address)}"
        names = {"principal": principal.name or place, "address": place}
        remaining = []
        for kind, limit in self._limits:
            is_allowed, stats = await self._counters.hit(limit, f"{kind}/{names[kind]}")
            seconds = max(1, math.ceil(stats.reset_time - time.time()))
            remaining.append(f'"{kind}";r={stats.remaining if is_allowed else 0};t={seconds}')
            if not is_allowed:
                raise self._too_many(kind, limit, seconds, remaining)
        return self._headers(remaining)

    async def close(self) -> None:
        """Close the connections to where requests are counted."""
        await self._counters.close()

    def _headers(self, remaining: list[str]) -> dict[str, str]:
        return {"ratelimit-policy": self._policy, "ratelimit": ", ".join(remaining)} if remaining else {}

    def _too_many(self, kind: str, limit: RateLimitItem, seconds: int, remaining: list[str]) -> Problem:
        who = "caller" if kind == "principal" else "address"
        detail = f"too many requests: each {who} may send {limit.amount} in {limit.get_expiry()} seconds"
        headers = self._headers(remaining)
        return Problem(HTTPStatus.TOO_MANY_REQUESTS, detail, retry_after=seconds, headers=headers)


@lru_cache(_CACHED)
def group_address(address: str) -> str:
    """Return what counts as one address: an IPv4 address, or the network of 64 bits of an IPv6 address."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(found, ipaddress.IPv4Address):
        return str(found)
    if found.ipv4_mapped:
        return str(found.ipv4_mapped)
    return str(ipaddress.ip_network((found, _NETWORK_BITS), strict=False))


def parse_rate(field: str, text: str) -> RateLimitItem:
    """Return a rate such as ``60/minute`` or ``1000 per 2 hours``.

    Raises:
        FieldError: it is malformed, or zero.
    """
    hint = "use a number of requests and a time, for example 60/minute, 10/second or 1000 per 2 hours"
    try:
        found = parse(text)
    except ValueError as error:
        raise FieldError(field, f"invalid rate {text!r}: {hint}") from error
    if found.amount < 1 or found.get_expiry() < 1 or ";" in text or "," in text:
        raise FieldError(field, f"invalid rate {text!r}: {hint}")
    return found
