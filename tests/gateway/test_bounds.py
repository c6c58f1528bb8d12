"""Bounds of requests: what is too long is refused before the application reads it."""

import asyncio
from http import HTTPStatus
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import Message

from forkresize.gateway.bounds import RequestBounds, WireLimits
from forkresize.gateway.problem import Problem, respond_to_problem
from tests.gateway.asgi import call

MAX_BODY = 1000


async def count(request: Request) -> Response:
    return PlainTextResponse(str(len(await request.body())))


def create_app(**limits: Any) -> RequestBounds:
    routes = [Route("/{path:path}", count, methods=["GET", "POST"])]
    app = Starlette(routes=routes, exception_handlers={Problem: respond_to_problem})
    return RequestBounds(app, WireLimits(**limits), MAX_BODY)


@pytest.mark.parametrize(
    ("scope", "status"),
    [
        ({"raw_path": b"/" * 8192}, 200),
        ({"raw_path": b"/" * 8193}, 414),
        ({"raw_path": b"/", "query_string": b"x" * 8192}, 414),
        ({"headers": [(b"x", b"y")] * 100}, 200),
        ({"headers": [(b"x", b"y")] * 101}, 431),
        ({"headers": [(b"x", b"y" * 32_767)]}, 200),
        ({"headers": [(b"x", b"y" * 32_768)]}, 431),
        ({"headers": [(b"content-length", b"1000")]}, 200),
        ({"headers": [(b"content-length", b"1001")]}, 413),
        ({"headers": [(b"content-length", b"9" * 4000)]}, 413),
    ],
)
def test_a_head_is_accepted_up_to_its_limits(scope: dict[str, Any], status: int) -> None:
    found, headers, _ = asyncio.run(call(create_app(), **scope))
    assert found == status
    assert status == HTTPStatus.OK or headers[b"content-type"] == b"application/problem+json"


@pytest.mark.parametrize(
    ("bodies", "status", "body"),
    [
        ([b"x" * 500, b"x" * 500], 200, b"1000"),
        ([b"x" * 500, b"x" * 501], 413, None),
        ([b"x"] * 1001, 413, None),
    ],
)
def test_a_body_is_counted_while_it_arrives(bodies: list[bytes], status: int, body: bytes | None) -> None:
    found, _, text = asyncio.run(call(create_app(), bodies, method="POST"))
    assert found == status
    assert body is None or text == body


async def send_slowly(app: RequestBounds, parts: int, seconds: float) -> int:
    """Send parts of 10 bytes; return the status."""
    sent = []
    left = parts

    async def receive() -> Message:
        nonlocal left
        await asyncio.sleep(seconds)
        left -= 1
        return {"type": "http.request", "body": b"x" * 10, "more_body": left > 0}

    async def send(message: Message) -> None:
        sent.append(message)

    scope = {"type": "http", "method": "POST", "path": "/", "raw_path": b"/", "query_string": b"", "headers": []}
    await app(scope, receive, send)
    status: int = sent[0]["status"]
    return status


@pytest.mark.parametrize(
    ("limits", "parts", "status"),
    [
        # 10 bytes in 0.02 seconds are 500 bytes a second.
        ({"body_grace": 0.1, "body_rate": 200}, 20, 200),
        ({"body_grace": 0.1, "body_rate": 100_000}, 20, 408),
        ({"body_grace": 30.0, "body_rate": 1, "body_timeout": 0.1}, 20, 408),
    ],
)
def test_a_body_must_arrive_in_time(limits: dict[str, Any], parts: int, status: int) -> None:
    assert asyncio.run(send_slowly(create_app(**limits), parts, 0.02)) == status


def test_after_the_body_the_client_may_wait_for_as_long_as_it_takes() -> None:
    async def wait(scope: Any, receive: Any, send: Any) -> None:
        assert (await receive())["type"] == "http.request"
        async with asyncio.timeout(1):
            assert (await receive())["type"] == "http.disconnect"
        await PlainTextResponse("gone")(scope, receive, send)

    async def run() -> None:
        app = RequestBounds(wait, WireLimits(body_grace=0.01, body_timeout=0.01), MAX_BODY)
        messages: list[Message] = [{"type": "http.request", "body": b""}]
        sent = []

        async def receive() -> Message:
            if messages:
                return messages.pop()
            await asyncio.sleep(0.1)
            return {"type": "http.disconnect"}

        async def send(message: Message) -> None:
            sent.append(message)

        await app({"type": "http", "raw_path": b"/", "query_string": b"", "headers": []}, receive, send)
        assert sent[0]["status"] == 200

    asyncio.run(run())


def test_an_answer_before_the_end_of_a_request_says_that_the_connection_is_closed() -> None:
    _, headers, _ = asyncio.run(call(create_app(), headers=[(b"content-length", b"1001")]))
    assert headers[b"connection"] == b"close"
    _, headers, body = asyncio.run(call(create_app(), method="POST", headers=[(b"content-length", b"0")]))
    assert (b"connection" in headers, body) == (False, b"0")
