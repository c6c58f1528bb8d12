"""The futures of a pool, awaited in an event loop: ``wait_for``."""

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from forkresize.gateway.threads import call_in_loop

if TYPE_CHECKING:
    from concurrent.futures import Future

T = TypeVar("T")


async def wait_for(future: "Future[T]", discard: Callable[[T], object]) -> T:
    """Return the result of a future, as ``asyncio.wrap_future`` does, in half of its time.

    Args:
        future: cancelled if this is.
        discard: called with a result that comes although this was cancelled, by any thread.
    """
    loop = asyncio.get_running_loop()
    done: asyncio.Future[None] = loop.create_future()
    future.add_done_callback(lambda _: call_in_loop(loop, _complete, done))
    try:
        await done
    except asyncio.CancelledError:
        future.cancel()
        future.add_done_callback(lambda _: _pass_on(future, discard))
        raise
    return future.result()


def _complete(waiting: "asyncio.Future[None]") -> None:
    if not waiting.done():
        waiting.set_result(None)


def _pass_on(future: "Future[T]", discard: Callable[[T], object]) -> None:
    if not future.cancelled() and future.exception() is None:
        discard(future.result())
