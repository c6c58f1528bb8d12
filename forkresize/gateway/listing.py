"""What is served: ``/v1/roots``, and the keys of a root page by page."""

import math
import os
import re
import sys
import time
from bisect import bisect_right
from datetime import MAXYEAR, MINYEAR, UTC, datetime
from http import HTTPStatus
from typing import Annotated

from msgspec import Meta, Struct, json
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from forkresize.errors import describe as describe_error
from forkresize.formats.registry import SUFFIXES
from forkresize.gateway.describe import Answer, describe
from forkresize.gateway.problem import Problem
from forkresize.gateway.queries import parse_query
from forkresize.gateway.services import Services
from forkresize.store import InvalidKeyError, ObjectKind, SourceStore, check_key
from forkresize.store.confined import ConfinedStore
from forkresize.store.files import is_internal

_EXAMINED = 20_000
"""Objects that one request looks at, pictures or not."""

_SHARE = 0.5
"""The part of the time of a request after which a page ends with what was found."""

_NO_STORE = {"cache-control": "no-store"}

_UNWRITABLE = re.compile("[\x00-\x1f\x7f\ud800-\udfff]")
"""Characters of keys that are not listed: JSON has only UTF-8, and pages show no control characters."""

_CODES = sys.maxunicode + 1

_FIRST_SECOND = int(datetime(MINYEAR, 1, 1, tzinfo=UTC).timestamp())
_LAST_SECOND = int(datetime(MAXYEAR, 12, 31, 23, 59, 59, tzinfo=UTC).timestamp())

MAX_KEYS = 1000

_Text = Annotated[str, Meta(max_length=1024, pattern="^[^\\x00]*$")]


class KeysQuery(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which keys to list."""

    prefix: Annotated[_Text, Meta(description="What the keys begin with.")] = ""
    after: Annotated[_Text, Meta(description="Keys that come after this one; `next` of the page before.")] = ""
    limit: Annotated[int, Meta(ge=1, le=MAX_KEYS, description="The most keys of a page.")] = 100


class Key(Struct, frozen=True):
    """A picture that is served."""

    key: str
    size: Annotated[int, Meta(description="Bytes of the file.")]
    modified: datetime


class KeyPage(Struct, frozen=True):
    """Keys of a root, in the order of their bytes."""

    keys: list[Key]
    next: Annotated[str | None, Meta(description="Pass it as `after` to get the next page; null on the last page.")]


class Root(Struct, frozen=True):
    """A named place that pictures come from."""

    name: str


class RootList(Struct, frozen=True):
    """All roots."""

    roots: list[Root]


class RootApi:
    """The endpoints.

    Args:
        services: of the gateway.
    """

    def __init__(self, services: Services) -> None:
        self._services = services

    def routes(self) -> list[BaseRoute]:
        """Return the routes."""
        return [Route("/v1/roots", self.roots), Route("/v1/roots/{name}/keys", self.keys)]

    @describe("List the roots", tag="roots", answers={200: Answer("The roots.", {"application/json": RootList})})
    async def roots(self, _: Request) -> Response:
        """Return the names of the roots, in the order in which the gateway was given them."""
        found = RootList([Root(name) for name in self._services.roots.names])
        return Response(json.encode(found), 200, _NO_STORE, "application/json")

    @describe(
        "List pictures of a root",
        tag="roots",
        query=KeysQuery,
        paths={"name": Annotated[str, Meta(description="A root.", examples=["photos"])]},
        answers={200: Answer("Keys of files whose suffix is that of a picture.", {"application/json": KeyPage})},
        problems=(404, 502),
    )
    async def keys(self, request: Request) -> Response:
        """Return a page of keys. A page may have fewer keys than asked for, or none, and still have a `next`."""
        query = parse_query(request, KeysQuery)
        name = request.path_params["name"]
        store = self._services.roots.store(name)
        seconds = self._services.settings.limits.timeout * _SHARE
        try:
            page = await self._services.listing.call(list_keys, store, query, seconds)
        except InvalidKeyError as error:
            raise Problem(HTTPStatus.BAD_REQUEST, describe_error(error), field="prefix") from error
        except OSError as error:
            raise Problem(HTTPStatus.BAD_GATEWAY, f"{name!r} cannot be listed: {describe_error(error)}") from error
        return Response(json.encode(page), 200, _NO_STORE, "application/json")


def routes(services: Services) -> list[BaseRoute]:
    """Return the routes."""
    return RootApi(services).routes()


def list_keys(store: SourceStore, query: KeysQuery, seconds: float = math.inf) -> KeyPage:
    """Return a page of the keys of pictures.

    Args:
        store: of a root.
        query: which keys.
        seconds: after which the page ends.

    Raises:
        InvalidKeyError: the prefix leads out of the root, or is not one that keys may have.
        OSError: the store cannot be listed.
    """
    if not _may_list(store, query.prefix):
        return KeyPage([], None)
    keys: list[Key] = []
    deadline = time.monotonic() + seconds
    for examined, info in enumerate(store.scan(query.prefix, query.after), 1):
        is_writable = _UNWRITABLE.search(info.key) is None
        if is_writable and info.kind is ObjectKind.FILE and os.path.splitext(info.key)[1].lower() in SUFFIXES:
            keys.append(Key(info.key, info.size, _to_time(info.mtime_ns // 10**9)))
        is_full = len(keys) == query.limit or examined >= _EXAMINED or time.monotonic() >= deadline
        if is_full and (last := info.key if is_writable else skip_unwritable(info.key)) is not None:
            return KeyPage(keys, last or None)
    return KeyPage(keys, None)


def _to_time(seconds: int) -> datetime:
    """Return a time in seconds since the epoch; years that RFC 3339 cannot write become the nearest one that it can."""
    return datetime.fromtimestamp(min(max(seconds, _FIRST_SECOND), _LAST_SECOND), UTC)


def skip_unwritable(key: str) -> str | None:
    """Return a text after a key that is not listed, in the order of bytes, with no key between them that is listed.

    Args:
        key: has a character that is not listed.

    Returns:
        The text; empty if no key that is listed comes after this one; None if there is such a text, but it may be
        the key of a picture, which a page must not pass over.
    """
    found = _UNWRITABLE.search(key)
    assert found is not None  # noqa: S101  It is not listed.
    before, rest = key[: found.start()], os.fsencode(key[found.start() :])
    # The order of characters is that of their bytes in UTF-8.
    code = bisect_right(range(_CODES), rest, key=_encode)
    while code >= _CODES and before:
        code, before = ord(before[-1]) + 1, before[:-1]
    if code >= _CODES:
        return ""
    while _UNWRITABLE.match(chr(code)):
        code += 1
    text = before + chr(code)
    return None if os.path.splitext(text)[1].lower() in SUFFIXES else text


def _encode(code: int) -> bytes:
    """Return a character in UTF-8; of those that have none, what comes in the place of them."""
    return chr(code).encode(errors="surrogatepass")


def _may_list(store: SourceStore, prefix: str) -> bool:
    """Return whether there may be keys with a prefix: not below links, and not in what forkresize keeps for itself.

    Raises:
        InvalidKeyError: no key begins with it.
    """
    folder, slash, _ = prefix.rpartition("/")
    if not slash:
        return True
    if any(is_internal(name) for name in check_key(folder).split("/")):
        return False
    if isinstance(store, ConfinedStore):
        try:
            return store.resolve(folder) == folder
        except (FileNotFoundError, NotADirectoryError):
            return False
    return True
