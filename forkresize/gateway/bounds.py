"""Bounds of requests: the length of URLs, headers and bodies, and the time that a body may take: RequestBounds."""

import asyncio
from http import HTTPStatus
from typing import Annotated

from msgspec import Meta, Struct
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from forkresize.gateway.problem import Problem

_Count = Annotated[int, Meta(ge=1)]
_Seconds = Annotated[float, Meta(gt=0)]


class WireLimits(Struct, frozen=True, kw_only=True):
    """What clients may send, and in which time.

    Attributes:
        url: bytes of a path with its query.
        headers: how many there may be.
        header_bytes: of all of them.
        head_timeout: seconds from the first byte of a request to the end of its headers.
        body_grace: seconds that every body may take.
        body_rate: bytes a second that a body must have beyond these seconds, on average; of responses, too.
        body_timeout: seconds for a body of any length.
        connections: that are open at the same time.
        connections_per_address: the same, from each address, or network of 64 bits of IPv6 addresses.
        proxies: networks whose connections are those of many clients, and are bounded only together with all others.
        unsent: bytes of responses that clients have not read, of all connections; the slowest ones are given up.
    """

    url: _Count = 8192
    headers: _Count = 100
    header_bytes: _Count = 32_768
    head_timeout: _Seconds = 10.0
    body_grace: _Seconds = 10.0
    body_rate: _Count = 1000
    body_timeout: _Seconds = 300.0
    connections: _Count = 1000
    connections_per_address: _Count = 500
    proxies: tuple[str, ...] = ()
    unsent: _Count = 512_000_000


class RequestBounds:
    """Refuses requests that are too long or take too long to arrive.

    Args:
        app: the application.
        limits: of URLs, headers and time.
        max_body: bytes of a body.
    """

    def __init__(self, app: ASGIApp, limits: WireLimits, max_body: int) -> None:
        self._app = app
        self._limits = limits
        self._max_body = max_body

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        problem = self._check(scope)
        body = _Body(receive, self._limits, self._max_body)
        answer = self._app if problem is None else problem.response()
        await answer(scope, body.receive, _announce_close(body, send) if has_body(scope) else send)

    def _check(self, scope: Scope) -> Problem | None:
        """Return what is wrong with the head of a request; None if nothing is."""
        limits, headers = self._limits, scope["headers"]
        if len(scope["raw_path"]) + len(scope["query_string"]) > limits.url:
            return Problem(HTTPStatus.REQUEST_URI_TOO_LONG, f"the URL is longer than {limits.url} bytes")
        size = sum(len(name) + len(value) for name, value in headers)
        if len(headers) > limits.headers or size > limits.header_bytes:
            text = f"more than {limits.headers} headers, or more than {limits.header_bytes} bytes of them"
            return Problem(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, text)
        # The server has refused lengths that are not numbers.
        length = next((int(value) for name, value in headers if name == b"content-length"), 0)
        return too_large(self._max_body) if length > self._max_body else None


def has_body(scope: Scope) -> bool:
    """Return whether a request has a body."""
    return any(
        name == b"transfer-encoding" or (name == b"content-length" and value.strip(b"0"))
        for name, value in scope["headers"]
    )


def _announce_close(body: "_Body", send: Send) -> Send:
    """Return what sends an answer, and says so if it comes before the end of the request.

    The connection is closed then. A client that does not know would send its next request on it.
    """

    async def send_answer(message: Message) -> None:
        if message["type"] == "http.response.start" and not body.is_complete:
            message = {**message, "headers": [*message["headers"], (b"connection", b"close")]}
        await send(message)

    return send_answer


class _Body:
    """The body of a request, counted and timed while it arrives.

    Attributes:
        is_complete: whether all of it was received.
    """

    def __init__(self, receive: Receive, limits: WireLimits, max_body: int) -> None:
        self._receive = receive
        self._limits = limits
        self._max_body = max_body
        self._started: float | None = None
        self._size = 0
        self.is_complete = False

    async def receive(self) -> Message:
        """Return the next message.

        Raises:
            Problem: 408: the body arrives too slowly. 413: it is too large.
        """
        if self.is_complete:
            return await self._receive()
        try:
            async with asyncio.timeout_at(self._deadline()):
                message = await self._receive()
        except TimeoutError as error:
            raise Problem(HTTPStatus.REQUEST_TIMEOUT, "the body of the request arrives too slowly") from error
        self._size += len(message.get("body", b""))
        if self._size > self._max_body:
            raise too_large(self._max_body)
        self.is_complete = not message.get("more_body", False)
        return message

    def _deadline(self) -> float:
        limits = self._limits
        if self._started is None:
            self._started = asyncio.get_running_loop().time()
        return self._started + min(limits.body_grace + self._size / limits.body_rate, limits.body_timeout)


def too_large(limit: int) -> Problem:
    """Return that a body is too large.

    Args:
        limit: bytes that it may have.
    """
    return Problem(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"the body of the request has more than {limit} bytes")
