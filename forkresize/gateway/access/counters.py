"""Where requests are counted: in memory, or in Redis with memory in its place while it is away."""

import logging
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, cast

from limits import RateLimitItem
from limits.aio.storage import MemoryStorage, RedisStorage
from limits.aio.strategies import SlidingWindowCounterRateLimiter
from limits.errors import ConfigurationError, StorageError
from limits.util import WindowStats

from forkresize.errors import FieldError
from forkresize.urls import redact

if TYPE_CHECKING:
    from limits.aio.storage.redis.redispy import RedispyBridge

_LOG = logging.getLogger(__name__)

_MAX_COUNTERS = 20_000
_PURGE_INTERVAL = 1.0

_SCHEMES = ("redis", "rediss", "redis+unix")
_REDIS_TIMEOUT = 0.5
_RETRY_AFTER = 5.0
"""Seconds for which a Redis that failed is left alone: otherwise every request would wait for it."""

_WARNING_INTERVAL = 60.0


class BoundedMemory(MemoryStorage):
    """Counters in memory, at most 20,000 of them.

    The base class looks at all counters for each request; this one does once a second, and only if there are many.
    """

    STORAGE_SCHEME: list[str] = []  # noqa: RUF012  # As the base class declares it.

    def __init__(self) -> None:
        super().__init__()
        self._purged = float("-inf")

    async def incr(self, key: str, expiry: float, amount: int = 1) -> int:
        """Add to a counter, which expires after some seconds."""
        await self.get(key)
        if key not in self.storage:
            self._make_room()
            self.expirations[key] = time.time() + expiry
        self.storage[key] += amount
        return self.storage[key]

    def _make_room(self) -> None:
        if len(self.storage) < _MAX_COUNTERS:
            return
        if time.monotonic() - self._purged >= _PURGE_INTERVAL:
            self._purged = time.monotonic()
            now = time.time()
            for key in [key for key, end in self.expirations.items() if end <= now]:
                self._drop(key)
        while len(self.storage) >= _MAX_COUNTERS:
            # The oldest: a caller that is over its limit has been counted since the beginning of its window.
            self._drop(next(iter(self.storage)))

    def _drop(self, key: str) -> None:
        del self.storage[key]
        self.expirations.pop(key, None)


class Counters:
    """Counts requests in a sliding window.

    While Redis is away, each gateway counts in its own memory, and warns once a minute.

    Args:
        url: ``redis://``, ``rediss://`` or ``redis+unix://``, with or without ``async+`` before it; None for memory.
        clock: returns seconds, as ``time.monotonic`` does.

    Raises:
        FieldError: the URL is invalid, or Redis' library is missing.
    """

    def __init__(self, url: str | None = None, clock: Callable[[], float] = time.monotonic) -> None:
        self._memory = SlidingWindowCounterRateLimiter(BoundedMemory())
        self._storage = _open_redis(url) if url else None
        self._redis = SlidingWindowCounterRateLimiter(self._storage) if self._storage else None
        self._name = redact(url or "")
        self._clock = clock
        self._failed = self._warned = float("-inf")

    async def hit(self, limit: RateLimitItem, name: str) -> tuple[bool, WindowStats]:
        """Count a request.

        Args:
            limit: how many are allowed in how many seconds.
            name: whose requests are counted together.

        Returns:
            Whether it is allowed; what remains.
        """
        if self._redis is not None and self._clock() - self._failed >= _RETRY_AFTER:
            try:
                return await _hit(self._redis, limit, name)
            except (StorageError, OSError) as error:
                self._note_failure(error)
        return await _hit(self._memory, limit, name)

    async def close(self) -> None:
        """Close the connections to Redis."""
        if self._storage is not None:
            # Its type has no method to close it.
            client: Any = cast("RedispyBridge", self._storage.bridge).get_connection()
            await client.aclose()

    def _note_failure(self, error: Exception) -> None:
        self._failed = self._clock()
        if self._failed - self._warned >= _WARNING_INTERVAL:
            self._warned = self._failed
            cause = getattr(error, "storage_error", error)
            _LOG.warning("the rate limits' %s is away, they are counted in memory: %s", self._name, cause)


async def _hit(limiter: SlidingWindowCounterRateLimiter, limit: RateLimitItem, name: str) -> tuple[bool, WindowStats]:
    is_allowed = await limiter.hit(limit, name)
    return is_allowed, await limiter.get_window_stats(limit, name)


def _open_redis(url: str) -> RedisStorage:
    place = url.removeprefix("async+")
    if place.partition("://")[0] not in _SCHEMES or "://" not in place:
        schemes = ", ".join(f"{scheme}://" for scheme in _SCHEMES)
        raise FieldError("rate_limit_store", f"invalid URL '{redact(url)}': use {schemes}")
    options: dict[str, Any] = {"socket_timeout": _REDIS_TIMEOUT, "socket_connect_timeout": _REDIS_TIMEOUT}
    try:
        return RedisStorage(f"async+{place}", wrap_exceptions=True, implementation="redispy", **options)
    except (ConfigurationError, ValueError) as error:
        raise FieldError("rate_limit_store", f"'{redact(url)}' cannot be used: {error}") from error
