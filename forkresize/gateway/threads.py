"""The threads that wait for stores and databases, so that the event loop does not: Threads, and the way back."""

import asyncio
import contextlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")


class Threads:
    """A bounded number of threads. For one event loop.

    Args:
        count: how many calls run at the same time; others wait.
    """

    def __init__(self, count: int) -> None:
        self._executor = ThreadPoolExecutor(count, "gateway")
        # Calls wait here and not in the executor, which would keep those that were cancelled while its threads hang.
        self._free = asyncio.Semaphore(count)

    async def call(self, function: Callable[P, R], /, *args: P.args, **kwargs: P.kwargs) -> R:
        """Return what a function returns in a thread. If this is cancelled, the call runs to its end unobserved."""
        await self._free.acquire()
        loop = asyncio.get_running_loop()
        future: asyncio.Future[R] = loop.create_future()

        def run() -> None:
            result: R | None = None
            error: BaseException | None = None
            try:
                result = function(*args, **kwargs)
            except BaseException as failure:  # noqa: BLE001  The caller gets it.
                error = failure
            call_in_loop(loop, self._end, future, result, error)

        try:
            self._executor.submit(run)
        except RuntimeError:
            self._free.release()
            raise
        return await future

    def close(self) -> None:
        """Drop the calls that wait; those that run go on."""
        self._executor.shutdown(wait=False, cancel_futures=True)

    def _end(self, future: "asyncio.Future[Any]", result: object, error: BaseException | None) -> None:
        self._free.release()
        if future.cancelled():
            return
        if error is None:
            future.set_result(result)
        else:
            future.set_exception(error)


def call_in_loop(loop: asyncio.AbstractEventLoop, function: Callable[..., object], *args: object) -> None:
    """Call a function in an event loop, from any thread, unless the loop has ended."""
    with contextlib.suppress(RuntimeError):
        loop.call_soon_threadsafe(function, *args)
