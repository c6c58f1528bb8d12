"""Refuses requests for pictures before they are looked at, in an overload: EarlyRefusal."""

from collections import Counter
from http import HTTPStatus

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from forkresize.gateway.admission import BUSY, Admission
from forkresize.gateway.observation import note_problem, note_route
from forkresize.gateway.problem import Problem

_PASSING = {b"if-none-match", b"if-modified-since", b"content-length", b"transfer-encoding"}
"""Headers of requests that may be answered without a worker, or have a body: what bounds bodies also says that the
connection is closed before their end."""


class EarlyRefusal:
    """In an overload, refuses requests that need a worker while none is free, before anything else is known of them.

    Most requests are refused then: each takes a part of the time that it takes to find out what it asks for, and
    whether it may. Requests that can be answered without a worker pass: those that have a condition, and those for a
    picture that is being made for another one with the same URL. So do requests with a body.

    Args:
        app: answers all other requests.
        admission: the queue.
        prefix: of the paths of pictures.
        route: the template of their route.
    """

    def __init__(self, app: ASGIApp, admission: Admission, prefix: bytes, route: str) -> None:
        self._app = app
        self._admission = admission
        self._prefix = prefix
        self._route = route
        self._under_way = Counter[bytes]()
        self._body = b""
        self._headers: list[tuple[bytes, bytes]] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] != "http" or scope["method"] != "GET" or not scope["raw_path"].startswith(self._prefix):
            await self._app(scope, receive, send)
            return
        path: bytes = scope["raw_path"]
        if path not in self._under_way and not _passes(scope) and self._admission.refuses_all():
            await self._refuse(send)
            return
        self._under_way[path] += 1
        try:
            await self._app(scope, receive, send)
        finally:
            self._under_way[path] -= 1
            if not self._under_way[path]:
                del self._under_way[path]

    async def _refuse(self, send: Send) -> None:
        note_route(self._route)
        note_problem(BUSY, "", "")
        if not self._headers:
            response = Problem(HTTPStatus.SERVICE_UNAVAILABLE, BUSY, retry_after=1).response()
            self._headers, self._body = response.raw_headers, bytes(response.body)
        start: Message = {"type": "http.response.start", "status": 503, "headers": self._headers}
        await send(start)
        await send({"type": "http.response.body", "body": self._body})


def _passes(scope: Scope) -> bool:
    return any(name in _PASSING for name, _ in scope["headers"])
