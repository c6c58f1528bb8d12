"""Call an ASGI application without a server."""

from collections.abc import Iterable, Sequence
from typing import Any

from starlette.types import ASGIApp, Message

Headers = Sequence[tuple[bytes, bytes]]


async def call(app: ASGIApp, bodies: Iterable[bytes] = (), **scope: Any) -> tuple[int, dict[bytes, bytes], bytes]:
    """Return status, headers and body of a response.

    Args:
        app: the application.
        bodies: parts of the request's body; then the client is gone.
        scope: what differs from a plain GET.
    """
    parts = list(bodies) or [b""]
    sent: list[Message] = []

    async def receive() -> Message:
        if not parts:
            return {"type": "http.disconnect"}
        return {"type": "http.request", "body": parts.pop(0), "more_body": bool(parts)}

    async def send(message: Message) -> None:
        sent.append(message)

    plain = {
        "type": "http",
        "method": "GET",
        "path": "/",
        "raw_path": b"/",
        "query_string": b"",
        "headers": [],
        "scheme": "http",
        "client": ("127.0.0.1", 1),
    }
    await app({**plain, **scope}, receive, send)
    headers = list(sent[0]["headers"])
    assert len(dict(headers)) == len(headers), f"a header occurs twice: {headers}"
    return sent[0]["status"], dict(headers), b"".join(message["body"] for message in sent[1:])
