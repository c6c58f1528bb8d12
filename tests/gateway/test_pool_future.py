"""Waiting for the futures of a pool."""

import asyncio
import threading
from concurrent.futures import Future

import pytest

from forkresize.gateway.pool_future import wait_for


def test_a_result_and_an_error_come_from_any_thread() -> None:
    async def use() -> int:
        good: Future[int] = Future()
        threading.Thread(target=good.set_result, args=(7,)).start()
        found = await wait_for(good, _refuse)
        bad: Future[int] = Future()
        threading.Thread(target=bad.set_exception, args=(ValueError("no"),)).start()
        with pytest.raises(ValueError, match="no"):
            await wait_for(bad, _refuse)
        return found

    assert asyncio.run(use()) == 7


@pytest.mark.parametrize("is_running", [True, False])
def test_cancelling_drops_what_waits_and_discards_what_comes_later(*, is_running: bool) -> None:
    discarded: list[int] = []

    async def use() -> bool:
        future: Future[int] = Future()
        if is_running:
            future.set_running_or_notify_cancel()
        task = asyncio.ensure_future(wait_for(future, discarded.append))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        if is_running:
            future.set_result(3)
        return future.cancelled()

    assert asyncio.run(use()) is not is_running
    assert discarded == ([3] if is_running else [])


def _refuse(result: int) -> None:
    raise AssertionError(result)
