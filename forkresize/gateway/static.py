"""Answers that do not change while a gateway runs: pages, style sheets, scripts."""

import hashlib
from collections.abc import Mapping
from http import HTTPStatus

from starlette.requests import Request
from starlette.responses import Response

from forkresize.gateway.caching import IMMUTABLE_AGE, matches

REVALIDATE = "no-cache"
"""Caches ask each time whether it is still the same."""

IMMUTABLE = f"public, max-age={IMMUTABLE_AGE}, immutable"
"""Caches keep it for a year: its URL changes with it."""


class Content:
    """What is sent.

    Args:
        data: the body.
        media_type: of the body.
        headers: further ones.
        caching: the ``Cache-Control`` header.
    """

    def __init__(
        self, data: bytes, media_type: str, headers: Mapping[str, str] | None = None, caching: str = REVALIDATE
    ) -> None:
        self.data = data
        self.media_type = media_type
        self.etag = f'"{hashlib.blake2b(data, digest_size=16).hexdigest()}"'
        self.headers = {"etag": self.etag, "cache-control": caching, **(headers or {})}


def respond(request: Request, content: Content) -> Response:
    """Return the response: 304 if the client has the same content."""
    if matches(request.headers.get("if-none-match", ""), content.etag):
        return Response(None, HTTPStatus.NOT_MODIFIED, content.headers)
    return Response(content.data, HTTPStatus.OK, content.headers, content.media_type)
