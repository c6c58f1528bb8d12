"""Security headers: on every response, without replacing those that a route sets itself."""

import asyncio

import pytest
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from forkresize.gateway.headers import POLICY, SecurityHeaders
from tests.gateway.asgi import call


def wrap(response: Response) -> ASGIApp:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await response(scope, receive, send)

    return SecurityHeaders(app)


def headers_of(response: Response, scheme: str = "http") -> dict[bytes, bytes]:
    return asyncio.run(call(wrap(response), scheme=scheme))[1]


def test_a_document_cannot_run_load_or_be_shown_anything() -> None:
    headers = headers_of(Response("{}", media_type="application/json"))
    assert headers[b"content-security-policy"] == POLICY
    assert headers[b"x-content-type-options"] == b"nosniff"
    assert headers[b"referrer-policy"] == b"no-referrer"
    assert headers[b"cross-origin-resource-policy"] == b"same-origin"
    assert b"cache-control" not in headers
    assert b"set-cookie" not in headers
    assert b"server" not in headers


def test_a_picture_may_be_shown_on_any_page() -> None:
    assert headers_of(Response(b"", media_type="image/webp"))[b"cross-origin-resource-policy"] == b"cross-origin"


@pytest.mark.parametrize(("scheme", "expected"), [("http", None), ("https", b"max-age=31536000")])
def test_browsers_are_asked_to_stay_with_tls_only_behind_it(scheme: str, expected: bytes | None) -> None:
    assert headers_of(Response(), scheme).get(b"strict-transport-security") == expected


@pytest.mark.parametrize(("status", "expected"), [(200, None), (304, None), (400, b"no-store"), (503, b"no-store")])
def test_errors_are_not_stored(status: int, expected: bytes | None) -> None:
    assert headers_of(Response(status_code=status)).get(b"cache-control") == expected


def test_what_a_route_sets_itself_is_kept() -> None:
    own = {"content-security-policy": "default-src 'self'", "cache-control": "max-age=1", "referrer-policy": "origin"}
    headers = headers_of(Response(status_code=404, headers=own))
    assert {name: headers[name.encode()].decode() for name in own} == own
    assert headers[b"x-content-type-options"] == b"nosniff"
