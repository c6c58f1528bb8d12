"""Every request is answered in time when something hangs, and the work for a client that went away ends."""

import asyncio
import os
import socket
import threading
import time
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.responses import PlainTextResponse, StreamingResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from forkresize.gateway.time_limit import TimeLimit
from tests.gateway.asgi import call
from tests.gateway.conftest import DEADLINE, Gateway, run_gateway

Handler = Callable[[Scope, Receive, Send], Awaitable[None]]

BODY = [(b"content-length", b"2")]

_LATE = 0.2
"""Seconds after which it is long watched whether the client goes away."""


def run(test: Coroutine[Any, Any, None]) -> None:
    async def bounded() -> None:
        async with asyncio.timeout(DEADLINE):
            await test

    asyncio.run(bounded())


async def ask(app: ASGIApp, parts: "asyncio.Queue[Message]", headers: Any = ()) -> tuple[int, bytes]:
    """Return status and body of an answer; the messages of the client come one by one."""
    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    await app({"type": "http", "method": "GET", "headers": list(headers)}, parts.get, send)
    return sent[0]["status"], b"".join(message["body"] for message in sent[1:])


class Hanging:
    """An application that hangs, after it has read the body if there is one; it notes that it was cancelled."""

    def __init__(self) -> None:
        self.begun = asyncio.Event()
        self.is_cancelled = False

    async def __call__(self, scope: Scope, receive: Receive, _: Send) -> None:
        while scope["headers"] and (await receive())["more_body"]:
            pass
        self.begun.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            self.is_cancelled = True
            raise


def part(data: bytes = b"", *, more: bool = False) -> Message:
    return {"type": "http.request", "body": data, "more_body": more}


def test_what_hangs_is_answered_with_503() -> None:
    async def check() -> None:
        app = Hanging()
        parts = asyncio.Queue[Message]()
        parts.put_nowait(part())
        status, body = await ask(TimeLimit(app, 0.1), parts)
        assert (status, app.is_cancelled) == (503, True)
        assert b"it took longer than 0.1 seconds" in body
        assert b"timed out" in body

    run(check())


@pytest.mark.parametrize("headers", [[], BODY])
def test_the_work_ends_when_the_client_goes_away(headers: Any) -> None:
    async def check() -> None:
        app = Hanging()
        parts = asyncio.Queue[Message]()
        parts.put_nowait(part(b"ab" if headers else b""))
        request = asyncio.create_task(ask(TimeLimit(app, DEADLINE), parts, headers))
        await app.begun.wait()
        parts.put_nowait({"type": "http.disconnect"})
        assert (await request, app.is_cancelled) == ((499, b""), True)

    run(check())


def test_a_request_without_a_body_may_be_read_late() -> None:
    async def read_late(scope: Scope, receive: Receive, send: Send) -> None:
        await asyncio.sleep(_LATE)
        message = await receive()
        await PlainTextResponse(repr((message["type"], message["body"])))(scope, receive, send)

    async def check() -> None:
        parts = asyncio.Queue[Message]()
        parts.put_nowait(part())
        assert await ask(TimeLimit(read_late, DEADLINE), parts) == (200, b"('http.request', b'')")

    run(check())


def test_the_time_of_a_body_does_not_count() -> None:
    async def check() -> None:
        app = Hanging()
        parts = asyncio.Queue[Message]()
        request = asyncio.create_task(ask(TimeLimit(app, 0.2), parts, BODY))
        for more in (True, False):
            await asyncio.sleep(0.3)
            assert not request.done()
            parts.put_nowait(part(b"a", more=more))
        assert (await request)[0] == 503

    run(check())


def test_a_body_that_is_not_read_gives_no_more_time() -> None:
    async def ignore(scope: Scope, receive: Receive, send: Send) -> None:
        await asyncio.Event().wait()

    async def check() -> None:
        assert (await ask(TimeLimit(ignore, 0.1), asyncio.Queue[Message](), BODY))[0] == 503

    run(check())


def test_an_answer_that_has_begun_may_take_longer() -> None:
    async def stream(scope: Scope, receive: Receive, send: Send) -> None:
        async def texts() -> Any:
            for text in ("a", "b"):
                await asyncio.sleep(0.2)
                yield text

        await StreamingResponse(texts())(scope, receive, send)

    async def check() -> None:
        parts = asyncio.Queue[Message]()
        parts.put_nowait(part())
        assert await ask(TimeLimit(stream, 0.1), parts) == (200, b"ab")

    run(check())


def test_errors_and_answers_pass() -> None:
    async def fail(scope: Scope, receive: Receive, send: Send) -> None:
        raise TimeoutError("of the application itself")

    async def check() -> None:
        assert (await call(TimeLimit(PlainTextResponse("ok"), 10)))[0] == 200
        with pytest.raises(TimeoutError, match="itself"):
            await call(TimeLimit(fail, 10))

    run(check())


class HungStore:
    """A server that accepts connections, and answers none of them."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=200)
        self.port = self._listener.getsockname()[1]
        self.connections: list[socket.socket] = []
        self._thread = threading.Thread(target=self._accept)
        self._thread.start()

    def _accept(self) -> None:
        while True:
            try:
                self.connections.append(self._listener.accept()[0])
            except OSError:
                return

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join()
        for connection in self.connections:
            connection.close()


@pytest.fixture(scope="module")
def hung() -> Iterator[HungStore]:
    store = HungStore()
    yield store
    store.close()


@pytest.fixture(scope="module")
def gateway(photos: Path, hung: HungStore) -> Iterator[Gateway]:
    """A gateway with a root that answers, and one that hangs."""
    env = {
        **os.environ,
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{hung.port}",
        "AWS_ACCESS_KEY_ID": "key",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_REGION": "us-east-1",
    }
    roots = ["--root", f"photos={photos}", "--root", "hung=s3://bucket"]
    with run_gateway(*roots, "--unsigned", "--workers", "1", "--timeout", "2s", env=env) as found:
        yield found


@pytest.mark.slow
@pytest.mark.parametrize(
    "path",
    ["i/unsafe/rs:fit:80:0/plain/hung/a.jpg", "i/unsafe/c:10:10/plain/hung/a.jpg", "iiif/3/hung%2Fa.jpg/info.json",
     "iiif/3/hung%2Fa.jpg/full/80,/0/default.jpg", "v1/roots/hung/keys"],
)  # fmt: skip
def test_a_root_that_hangs_costs_one_time_limit(path: str, gateway: Gateway) -> None:
    started = time.monotonic()
    response = gateway.client.get(path)
    assert (response.status_code, response.headers["retry-after"]) == (503, "1")
    assert time.monotonic() - started < 3.9


@pytest.mark.slow
def test_a_root_that_hangs_holds_up_no_other_and_is_asked_again(gateway: Gateway, hung: HungStore) -> None:
    def ask_hung(_: int) -> int:
        return httpx.get(f"{gateway.url}i/unsafe/rs:fit:80:0/plain/hung/a.jpg", timeout=DEADLINE).status_code

    def ask_other() -> int:
        # Only the store is asked, no worker.
        path, unchanged = "i/unsafe/rs:fit:80:0/plain/photos/one.jpg", {"if-none-match": "*"}
        return gateway.client.get(path, headers=unchanged).status_code

    deadline = time.monotonic() + DEADLINE
    while ask_other() != 304:
        # What is imported for the first one may take long.
        assert time.monotonic() < deadline
    with ThreadPoolExecutor(20) as threads:
        asked = [threads.submit(ask_hung, number) for number in range(20)]
        assert [ask_other() for _ in range(3)] == [304] * 3
        assert not all(each.done() for each in asked)
        assert {each.result() for each in asked} == {503}
    before, deadline = len(hung.connections), time.monotonic() + DEADLINE
    while len(hung.connections) == before:
        assert time.monotonic() < deadline, "no thread asks the store any more"
        ask_hung(0)
