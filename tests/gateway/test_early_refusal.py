"""What is refused in an overload before it is looked at, and what passes."""

import asyncio
from contextlib import AsyncExitStack
from typing import Any

import pytest
from starlette.responses import Response

from forkresize.gateway.admission import Admission, Bounds
from forkresize.gateway.early_refusal import EarlyRefusal
from forkresize.gateway.observation import RequestRecord, observe
from forkresize.gateway.problem import Problem
from forkresize.telemetry.sampling import Sampling
from tests.gateway import asgi

PICTURE: dict[str, Any] = {"path": "/i/unsafe/plain/p/a.jpg", "raw_path": b"/i/unsafe/plain/p/a.jpg"}


class Busy:
    """An application that is overloaded, with the early refusal before it."""

    def __init__(self) -> None:
        self.admission = Admission(Bounds(workers=1, waiting=0, memory=1000, giant=1000))
        self.app = EarlyRefusal(self._answer, self.admission, b"/i/", "/i/{path}")
        self._places = AsyncExitStack()
        self.go_on = asyncio.Event()
        self.go_on.set()

    async def _answer(self, scope: Any, receive: Any, send: Any) -> None:
        await self.go_on.wait()
        await Response("made")(scope, receive, send)

    async def overload(self) -> None:
        """Take all places until the end of the test, and have pictures refused until that is an overload."""
        for _ in range(2):
            await self._places.enter_async_context(self.admission.enter(1))
        while not self.admission.is_overloaded:
            with pytest.raises(Problem):
                await self._places.enter_async_context(self.admission.enter(1))
            await asyncio.sleep(0.01)


def run(check: Any) -> None:
    asyncio.run(asyncio.wait_for(check(), 20))


def test_a_picture_is_refused_as_the_queue_refuses_it_and_noted() -> None:
    async def check() -> None:
        busy = Busy()
        assert (await asgi.call(busy.app, **PICTURE))[0] == 200
        await busy.overload()
        record = RequestRecord("GET", None, Sampling(0))
        with observe(record):
            status, headers, body = await asgi.call(busy.app, **PICTURE)
        assert (status, headers[b"retry-after"], headers[b"cache-control"]) == (503, b"1", b"no-store")
        assert headers[b"content-type"] == b"application/problem+json"
        assert int(headers[b"content-length"]) == len(body)
        assert b"the gateway is busy" in body
        assert (record.route, record.problem) == ("/i/{path}", "the gateway is busy; try again")
        again = await asgi.call(busy.app, **PICTURE)
        assert again == (status, headers, body)

    run(check)


def test_what_needs_no_worker_or_has_a_body_passes() -> None:
    async def check() -> None:
        busy = Busy()
        await busy.overload()
        for scope in (
            {"path": "/livez", "raw_path": b"/livez"},
            {**PICTURE, "headers": [(b"if-none-match", b'"x"')]},
            {**PICTURE, "headers": [(b"if-modified-since", b"Sun, 29 Nov 2026 00:00:00 GMT")]},
            {**PICTURE, "headers": [(b"content-length", b"5")]},
            {**PICTURE, "headers": [(b"transfer-encoding", b"chunked")]},
            {**PICTURE, "method": "HEAD"},
        ):
            assert (await asgi.call(busy.app, **scope))[0] == 200, scope

    run(check)


def test_a_picture_that_is_being_made_is_waited_for() -> None:
    async def check() -> None:
        busy = Busy()
        busy.go_on.clear()
        first = asyncio.create_task(asgi.call(busy.app, **PICTURE))
        await asyncio.sleep(0)
        await busy.overload()
        second = asyncio.create_task(asgi.call(busy.app, **PICTURE))
        await asyncio.sleep(0)
        other = await asgi.call(busy.app, path="/i/b", raw_path=b"/i/b")
        busy.go_on.set()
        assert (await first)[0] == (await second)[0] == 200
        assert other[0] == 503
        assert (await asgi.call(busy.app, **PICTURE))[0] == 503

    run(check)
