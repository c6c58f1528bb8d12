"""Answers that do not change while a gateway runs: pages, style sheets, scripts."""

import hashlib
from collections.abc import Mapping
from http import HTTPStatus

from starlette.requests import Request
from starlette.responses import Response

REVALIDATE = "no-cache"
"""Caches ask each time whether it is still the same."""

IMMUTABLE = "public, max-age=31536000, immutable"
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
    known = [tag.strip().removeprefix("W/") for tag in request.headers.get("if-none-match", "").split(",")]
    if content.etag in known or "*" in known:
        return Response(None, HTTPStatus.NOT_MODIFIED, content.headers)
    return Response(content.data, HTTPStatus.OK, content.headers, content.media_type)
