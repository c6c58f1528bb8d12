"""Where clients reach the gateway: for documents and headers that hold URLs of it."""

import re
from http import HTTPStatus
from urllib.parse import urlsplit

from starlette.requests import Request

from forkresize.errors import FieldError
from forkresize.gateway.problem import Problem

_HOST = re.compile(r"[A-Za-z0-9._-]+(?::[0-9]{1,5})?|\[[0-9A-Fa-f:.]+\](?::[0-9]{1,5})?")
"""A name or an address, with or without a port. Anything else could end a URL in a header early."""


def check_public_url(url: str) -> None:
    """Check a URL at which clients reach the gateway; empty for none.

    Raises:
        FieldError: it is not the beginning of an HTTP URL.
    """
    parts = urlsplit(url)
    is_plain = parts.scheme in {"http", "https"} and _HOST.fullmatch(parts.netloc) and url.isascii()
    if url and (not is_plain or parts.query or parts.fragment or set(url) & set(' "<>\\^`{|}')):
        raise FieldError("public_url", f"invalid URL {url!r}: use for example https://images.example.org or …/images")


def public_url_of(request: Request, configured: str) -> str:
    """Return the URL at which clients reach the gateway, without a slash at its end.

    Args:
        request: names the host, if no URL is configured.
        configured: the gateway's setting.

    Raises:
        Problem: 400: the request names no valid host.
    """
    if configured:
        return configured.rstrip("/")
    host = request.headers.get("host", "")
    if not _HOST.fullmatch(host):
        raise Problem(HTTPStatus.BAD_REQUEST, f"invalid Host header {host!r}", field="host")
    return f"{request.url.scheme}://{host}"
