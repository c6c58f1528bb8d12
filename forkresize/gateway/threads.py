"""The threads that wait for stores and databases, so that the event loop does not: Threads."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")


class Threads:
    """A bounded number of threads.

    Args:
        count: how many calls run at the same time; others wait.
    """

    def __init__(self, count: int) -> None:
        self._executor = ThreadPoolExecutor(count, "gateway")

    async def call(self, function: Callable[P, R], /, *args: P.args, **kwargs: P.kwargs) -> R:
        """Return what a function returns in a thread. If this is cancelled, the call runs to its end unobserved."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._executor, lambda: function(*args, **kwargs))

    def close(self) -> None:
        """Drop the calls that wait; those that run go on."""
        self._executor.shutdown(wait=False, cancel_futures=True)
