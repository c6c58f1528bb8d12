"""The stores that the sources of a run are in, found by the paths of sources: SourceStores."""

import os
from collections.abc import Iterable
from io import FileIO
from typing import BinaryIO

from msgspec.structs import replace

from forkresize.image.decode.sniff import HEAD_LENGTH, is_picture
from forkresize.job import Source
from forkresize.store import ChangedError, LocalStore, ObjectInfo, SourceStore
from forkresize.store.local import info_of_status
from forkresize.store.mounts import is_on_local_disk

_LOCAL = LocalStore("")


class SourceStores:
    """The stores of a run's sources. Paths outside of all of them are local.

    Args:
        stores: the stores that are not local.
    """

    def __init__(self, stores: Iterable[SourceStore]) -> None:
        self._stores = [(f"{store.location('').rstrip('/')}/", store) for store in stores]

    def find(self, path: str) -> tuple[SourceStore, str]:
        """Return the store of a source, and its key there."""
        for location, store in self._stores:
            if path.startswith(location):
                return store, path[len(location) :]
        return _LOCAL, path

    def fetch(self, source: Source, file: BinaryIO) -> None:
        """Write the content of a source into a file that is open.

        Raises:
            ChangedError: it is another object than when it was found.
            OSError: it cannot be read.
        """
        store, key = self.find(source.path)
        store.fetch(key, file, info_of(source, key))

    def lend(self, source: Source) -> FileIO | None:
        """Open a source for reading, unbuffered, if it is a file on a local disk; otherwise return None.

        Raises:
            ChangedError: it is another file than when it was found.
            OSError: it cannot be read.
        """
        store, key = self.find(source.path)
        if not isinstance(store, LocalStore):
            return None
        file = store.open(key)
        is_same = info_of_status(key, os.fstat(file.fileno())).is_same(info_of(source, key))
        if is_same and is_on_local_disk(file, store.location(key)):
            return file
        file.close()
        if not is_same:
            raise ChangedError(source.path)
        return None

    def refresh(self, source: Source) -> Source:
        """Return a source as it is now.

        Raises:
            FileNotFoundError: it is gone.
            OSError: it cannot be read.
        """
        store, key = self.find(source.path)
        found = store.stat(key, follow=True)
        if found is None:
            raise FileNotFoundError(2, os.strerror(2), source.path)
        return update_source(source, found)

    def may_be_picture(self, source: Source) -> bool:
        """Return whether the first bytes of a source are those of a picture. No decoder sees them.

        Raises:
            OSError: it cannot be read.
        """
        store, key = self.find(source.path)
        with store.open(key) as file:
            return is_picture(_read_head(file), source.path)

    def may_be_picture_at(self, path: str) -> bool:
        """Return whether a source begins like a picture, or cannot be read."""
        try:
            return self.may_be_picture(Source(path, path))
        except OSError:
            return True

    def open(self, path: str) -> BinaryIO:
        """Open a source for reading.

        Raises:
            OSError: it cannot be read.
        """
        store, key = self.find(path)
        return store.open(key)


def info_of(source: Source, key: str) -> ObjectInfo:
    """Return what a source was when it was found, in the terms of its store."""
    return ObjectInfo(key, source.size, source.mtime_ns, 0, etag=source.etag, version=source.version)


def update_source(source: Source, found: ObjectInfo) -> Source:
    """Return a source with the metadata of an object."""
    version = found.version if isinstance(found.version, str) else None
    return replace(source, size=found.size, mtime_ns=found.mtime_ns, etag=found.etag, version=version)


def _read_head(file: BinaryIO) -> bytes:
    head = b""
    while len(head) < HEAD_LENGTH and (piece := file.read(HEAD_LENGTH - len(head))):
        head += piece
    return head
