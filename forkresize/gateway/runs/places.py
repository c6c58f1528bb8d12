"""The places that requests may name: roots that are read, and destinations that are written."""

import os
from collections.abc import Iterator, Mapping

from msgspec import Struct

from forkresize.gateway.runs.errors import InvalidRequestError
from forkresize.store.files import is_internal
from forkresize.urls import file_url, is_url, local_path, parse_store_url

_MAX_KEY = 1024
"""Bytes of a key, as in S3."""


class Places(Struct, frozen=True):
    """Named roots.

    Attributes:
        roots: by name, the path or URL that sources are read below.
        destinations: by name, the path or URL that outputs are written below.
    """

    roots: Mapping[str, str]
    destinations: Mapping[str, str]

    def source(self, place: str, field: str = "sources") -> str:
        """Return the path or URL of a source.

        Raises:
            InvalidRequestError: there is no such root, the key is invalid, or a link leads out of the root.
        """
        return _resolve(self.roots, place, field, "root")

    def destination(self, place: str) -> str:
        """Return the path or URL of a destination; see ``source``."""
        return _resolve(self.destinations, place, "destination", "destination that may be written")

    def names(self) -> dict[str, str]:
        """Return the names of all locations, for texts that may not show them. What lies deeper comes first."""
        found: dict[str, str] = {}
        for name, location in (*self.roots.items(), *self.destinations.items()):
            for each in _spellings(location):
                found.setdefault(each, name)
        return dict(sorted(found.items(), key=lambda pair: len(pair[0]), reverse=True))


def hide_locations(text: str, names: Mapping[str, str]) -> str:
    """Return a text with the name of each root in place of its location; see ``Places.names``."""
    for location, name in names.items():
        text = text.replace(location, name)
    return text


def _resolve(places: Mapping[str, str], place: str, field: str, noun: str) -> str:
    name, _, key = place.partition("/")
    if name not in places:
        known = ", ".join(sorted(places)) or "none"
        raise InvalidRequestError(field, f"there is no {noun} {name!r}; this gateway has: {known}")
    key = key.removesuffix("/")
    _check_key(key, field)
    location = places[name]
    if is_url(location) and parse_store_url(location).scheme != "file":
        return f"{str(parse_store_url(location)).rstrip('/')}/{key}" if key else str(parse_store_url(location))
    root = os.path.realpath(local_path(location))
    found = os.path.realpath(os.path.join(root, key)) if key else root
    if os.path.commonpath((root, found)) != root:
        raise InvalidRequestError(field, f"{place!r} leads out of {name!r}")
    return found


def _check_key(key: str, field: str) -> None:
    """Check the part of a place after the name.

    Raises:
        InvalidRequestError: it is not a key.
    """
    parts = key.split("/") if key else []
    if not {"", ".", ".."}.isdisjoint(parts) or any(map(is_internal, parts)):
        raise InvalidRequestError(field, f"{key!r} is not a key: no part may be empty, '.', '..' or of this program")
    if not key.isprintable() or len(key.encode(errors="replace")) > _MAX_KEY:
        raise InvalidRequestError(field, f"a key has at most {_MAX_KEY} bytes, and only characters that print")


def _spellings(location: str) -> Iterator[str]:
    """Yield the ways in which a location may appear in a text."""
    if is_url(location) and parse_store_url(location).scheme != "file":
        yield str(parse_store_url(location))
        return
    path = local_path(location)
    for each in (os.path.abspath(path), os.path.realpath(path)):
        yield file_url(each)
        yield each
