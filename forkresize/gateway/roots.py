"""The named places that the gateway reads from: Roots."""

import contextlib
import errno
import os
import time
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import ParamSpec, TypeVar

from msgspec import Struct

from forkresize.batch.remote.render_task import MAX_INLINE
from forkresize.errors import FieldError, describe
from forkresize.gateway.observation import note_source
from forkresize.gateway.problem import Problem
from forkresize.gateway.threads import Threads
from forkresize.job import Source
from forkresize.store import InvalidKeyError, LocalStore, ObjectInfo, ObjectKind, SourceStore
from forkresize.store.confined import ConfinedStore
from forkresize.store.files import is_internal
from forkresize.store.mounts import LocalTree
from forkresize.store.objects import StoreOptions, open_store
from forkresize.urls import is_url

P = ParamSpec("P")
R = TypeVar("R")

_SLOW = 0.005
"""Seconds from which finding a source counts as slow: a disk has to be waited for."""

_PAUSE = 0.5
"""Seconds after that in which threads find sources."""

_IMPOSSIBLE = {errno.ENAMETOOLONG, errno.ELOOP}
"""Errors of a key that no file of the root can have."""


class Located(Struct, frozen=True):
    """A source that was found.

    Attributes:
        root: the name of its root.
        key: relative to the root, as it was asked for.
        store: has it.
        info: what it is there; its key may differ, if links lead to it.
        content: of a small local file, which was read when it was found; otherwise None.
    """

    root: str
    key: str
    store: SourceStore
    info: ObjectInfo
    content: bytes | None = None

    @property
    def source(self) -> Source:
        """The source, as a job has it."""
        version = self.info.version if isinstance(self.info.version, str) else None
        return Source(
            self.store.location(self.info.key), self.key, self.info.size, self.info.mtime_ns, self.info.etag, version
        )


class Roots:
    """The named places that the gateway reads from. For one event loop.

    Sources on local disks are found in the event loop, which takes less time than to wake a thread, unless a disk has
    made it wait a moment ago. Others are found in threads.

    Args:
        urls: by name; a URL of a store, or a local path.
        options: limits of the requests to object stores.
        connections: calls of each store at the same time. One that hangs does not hold up the others.

    Raises:
        FieldError: a local directory does not exist.
        UsageError: a URL is invalid, or the libraries or credentials for it are missing.
    """

    def __init__(self, urls: Mapping[str, str], options: StoreOptions, connections: int) -> None:
        self._stores = {name: open_root(name, url, options) for name, url in urls.items()}
        self._threads = {name: Threads(connections) for name in urls}
        self._local = {
            name: LocalTree(store.root) for name, store in self._stores.items() if isinstance(store, ConfinedStore)
        }
        self._waits_until = 0.0

    @property
    def names(self) -> list[str]:
        """All names, in the order in which they were given."""
        return list(self._stores)

    def store(self, name: str) -> SourceStore:
        """Return the store of a root.

        Raises:
            Problem: 404: there is no such root.
        """
        found = self._stores.get(name)
        if found is None:
            raise Problem(HTTPStatus.NOT_FOUND, f"there is no root {name!r}", field="root")
        return found

    async def call(self, name: str, function: Callable[P, R], /, *args: P.args, **kwargs: P.kwargs) -> R:
        """Return what a function returns in one of the threads of a root."""
        return await self._threads[name].call(function, *args, **kwargs)

    def close(self) -> None:
        """Drop the calls that wait."""
        for threads in self._threads.values():
            threads.close()
        for tree in self._local.values():
            tree.close()

    async def find(self, name: str, key: str) -> Located:
        """Return a source.

        Raises:
            Problem: 404: it does not exist, is not a file, or a link leads out of its root. 400: it is not a key.
                502: its store cannot be reached.
        """
        store = self.store(name)
        try:
            if self._is_quick(name):
                found = self._find_at_once(store, key)
            else:
                found = await self.call(name, _find, store, key)
        except InvalidKeyError as error:
            raise Problem(HTTPStatus.BAD_REQUEST, describe(error), field="key") from error
        except OSError as error:
            if error.errno in _IMPOSSIBLE:
                raise _no_picture(name, key) from error
            note_source(name, key)
            raise Problem(HTTPStatus.BAD_GATEWAY, f"{name}/{key} cannot be read: {describe(error)}") from error
        if found is None:
            raise _no_picture(name, key)
        # A key without a picture could be anything.
        note_source(name, key)
        return Located(name, key, store, *found)

    def _is_quick(self, name: str) -> bool:
        """Return whether finding a source takes less time than having a thread do so."""
        tree = self._local.get(name)
        return tree is not None and tree.is_local and time.monotonic() >= self._waits_until

    def _find_at_once(self, store: SourceStore, key: str) -> tuple[ObjectInfo, bytes | None] | None:
        started = time.monotonic()
        try:
            return _find(store, key)
        finally:
            ended = time.monotonic()
            if ended - started >= _SLOW:
                self._waits_until = ended + _PAUSE


def _no_picture(name: str, key: str) -> Problem:
    return Problem(HTTPStatus.NOT_FOUND, f"there is no picture {key!r} in {name!r}", field="key")


def open_root(name: str, url: str, options: StoreOptions) -> SourceStore:
    """Return the store of a root.

    Raises:
        FieldError: a local directory does not exist.
        UsageError: a URL is invalid, or the libraries or credentials for it are missing.
    """
    store: SourceStore = open_store(url, options) if is_url(url) else LocalStore(os.path.abspath(url))
    if not isinstance(store, LocalStore):
        return store
    if not os.path.isdir(store.root):
        raise FieldError("root", f"{name}={url}: there is no such directory")
    return ConfinedStore(os.path.realpath(store.root))


def _find(store: SourceStore, key: str) -> tuple[ObjectInfo, bytes | None] | None:
    """Return what a key stands for, and its content if that is small; None if it is nothing that is served."""
    if any(is_internal(name) for name in key.split("/")):
        return None
    if isinstance(store, ConfinedStore):
        with contextlib.suppress(OSError):
            # As nearly always: a file without a link on the way.
            return store.read_small(key, MAX_INLINE)
        try:
            key = store.resolve(key)
        except (FileNotFoundError, NotADirectoryError):
            return None
    info = store.stat(key)
    return (info, None) if info is not None and info.kind is ObjectKind.FILE else None
