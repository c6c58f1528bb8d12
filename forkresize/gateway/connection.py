"""Work for a client that may go away: ``while_connected``."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

from starlette.requests import ClientDisconnect, Request

T = TypeVar("T")

CLIENT_CLOSED_REQUEST = 499
"""The status that logs and metrics show for a client that went away; nginx uses it, too. No client ever sees it."""


async def while_connected(request: Request, work: Coroutine[Any, Any, T]) -> T:
    """Return the result of a coroutine, which is cancelled when the client goes away.

    Args:
        request: its body has been read, or it has none.
        work: what the client waits for.

    Raises:
        ClientDisconnect: the client went away.
    """
    task = asyncio.ensure_future(work)
    watcher = asyncio.ensure_future(_wait_for_disconnect(request))
    try:
        await asyncio.wait((task, watcher), return_when=asyncio.FIRST_COMPLETED)
        if not task.done():
            # It raises what is wrong with the rest of the request.
            watcher.result()
            raise ClientDisconnect
        return task.result()
    finally:
        watcher.cancel()
        task.cancel()


async def _wait_for_disconnect(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass
