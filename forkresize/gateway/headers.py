"""Headers of responses: the security headers of each, SecurityHeaders, and the names of files."""

import re
from urllib.parse import quote

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from forkresize.gateway.problem import Problem

RawHeaders = list[tuple[bytes, bytes]]

POLICY = b"default-src 'none'; style-src 'unsafe-inline'; sandbox; frame-ancestors 'none'"
"""Nothing runs, and nothing is loaded: a picture that a browser takes for a document cannot do anything.

The style is that of the page that browsers put around a picture.
"""

_HEADERS: RawHeaders = [
    (b"content-security-policy", POLICY),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
]
_SHARED = (b"cross-origin-resource-policy", b"cross-origin")
_OWN = (b"cross-origin-resource-policy", b"same-origin")
_STRICT_TRANSPORT = (b"strict-transport-security", b"max-age=31536000")
_NO_STORE = (b"cache-control", b"no-store")

_FIRST_ERROR = 400

_NOT_PLAIN = re.compile(r"[^ !#-\[\]-~]")
"""Characters that a file name in quotes cannot have."""


class SecurityHeaders:
    """Adds the security headers to every response, errors too. A header that the response has is kept.

    Pictures may be shown on any page; everything else may be loaded by pages of the gateway alone. What fails is not
    stored. Behind TLS, browsers are asked to use nothing else. No response sets a cookie: there is no permission
    that a browser sends by itself, and so no forged request can use one.

    Args:
        app: the application, with its handlers of errors.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                is_secure = scope.get("scheme") == "https"
                message["headers"] = complete_headers(message["status"], message.get("headers", ()), is_secure)
            await send(message)

        await self._app(scope, receive, send_with_headers)


def complete_headers(status: int, headers: "RawHeaders | tuple[()]", is_secure: bool) -> RawHeaders:
    """Return headers with the security headers that they lack.

    Args:
        status: of the response.
        headers: of the response, with names in small letters.
        is_secure: whether the request came by TLS.
    """
    present = dict(headers)
    is_picture = present.get(b"content-type", b"").startswith(b"image/")
    wanted = [*_HEADERS, _SHARED if is_picture else _OWN]
    if is_secure:
        wanted.append(_STRICT_TRANSPORT)
    if status >= _FIRST_ERROR:
        wanted.append(_NO_STORE)
    return [*headers, *(header for header in wanted if header[0] not in present)]


def format_disposition(name: str, kind: str = "inline") -> str:
    """Return how browsers save a response (RFC 6266).

    Args:
        name: of the file.
        kind: ``inline`` to show it first, or ``attachment``.
    """
    plain = _NOT_PLAIN.sub("_", name)
    encoded = "" if plain == name else f"; filename*=UTF-8''{quote(name, safe='')}"
    return f'{kind}; filename="{plain}"{encoded}'


def format_problem(problem: Problem) -> bytes:
    """Return the bytes of a response that ends its connection."""
    response = problem.response()
    headers = [*complete_headers(problem.status, response.raw_headers, is_secure=False), (b"connection", b"close")]
    lines = [b"HTTP/1.1 %d %s" % (problem.status, problem.status.phrase.encode())]
    lines += [b"%s: %s" % header for header in headers]
    return b"\r\n".join([*lines, b"", bytes(response.body)])
