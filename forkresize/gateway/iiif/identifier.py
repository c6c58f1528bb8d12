"""Identifiers: the name of a root, a slash, and a key, as one part of a URI (Image API 3.0, 3 and 9)."""

from http import HTTPStatus
from urllib.parse import quote as quote_part
from urllib.parse import unquote_to_bytes

from msgspec import Struct

from forkresize.gateway.problem import Problem

_PLAIN = "!$&'()*+,;=:-._~"
"""Characters besides letters and digits that need no escape in one part of a path (RFC 3986)."""


class Identifier(Struct, frozen=True):
    """Which picture a request is about.

    Attributes:
        root: the name of its root.
        key: relative to the root; bytes that are not UTF-8 are surrogate escapes.
    """

    root: str
    key: str

    def quote(self) -> str:
        """Return it as a part of a URI."""
        return quote_part(f"{self.root}/{self.key}".encode(errors="surrogateescape"), safe=_PLAIN)


def parse_identifier(text: str) -> Identifier:
    """Return the identifier in a part of a URI.

    Raises:
        Problem: 404: there is no slash in it.
    """
    root, slash, key = unquote_part(text).partition("/")
    if not (root and slash and key):
        detail = f"there is no picture {text!r}: use ROOT%2FKEY, with each slash of the key as %2F"
        raise Problem(HTTPStatus.NOT_FOUND, detail, field="identifier")
    return Identifier(root, key)


def unquote_part(text: str) -> str:
    """Return a part of a URI without its escapes; bytes that are not UTF-8 become surrogate escapes."""
    return unquote_to_bytes(text).decode(errors="surrogateescape")
