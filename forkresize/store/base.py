"""What every store offers: its protocols, and what is common to all."""

import errno
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager
from typing import BinaryIO, Protocol, Self

from forkresize.hashing import blake2b
from forkresize.store.info import PLAIN, Capabilities, ObjectInfo, PutOptions

STATE_DIR = ".forkresize"
"""The directory below a destination that holds the ledger and the locks; no output may lie in it."""

_RESERVED = f"/{STATE_DIR}/"

LEDGER = f"{STATE_DIR}/ledger.db"
"""The database of a destination, from there."""

IDENTITY = f"{STATE_DIR}/id"
"""The file with the name that a database of several destinations has for this one."""

FATAL_ERRORS = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM})
"""Errors of writing that all other objects would meet as well."""

_PIECE = 1 << 18


class Opener(Protocol):
    """Something that opens objects."""

    def open(self, key: str) -> BinaryIO:
        """Open an object for reading, unbuffered.

        Raises:
            OSError: it cannot be opened, or is not a regular file.
        """


class SourceStore(Opener, Protocol):
    """A place to read from. Errors are ``OSError`` with an ``errno``, on every store."""

    @property
    def capabilities(self) -> Capabilities:
        """What the store can do, as declared."""

    def location(self, key: str) -> str:
        """Return the full path or URL of a key, as records show it; the store's own for an empty key."""

    def scan(self, prefix: str = "", after: str = "") -> Iterator[ObjectInfo]:
        """Yield the files whose keys start with a prefix and sort after a key, in the order of the keys' bytes.

        What forkresize keeps for itself is left out.
        """

    def stat(self, key: str, *, follow: bool = False) -> ObjectInfo | None:
        """Return the metadata of an object, or of what a symbolic link leads to; None if it does not exist."""

    def fetch(self, key: str, file: BinaryIO, expected: ObjectInfo | None = None) -> ObjectInfo:
        """Write the content of an object into a file that is open, from its start, in pieces.

        Args:
            key: the object.
            file: seekable and writable, for example a memory file; its content is undefined after an error.
            expected: what the object was when it was found; None for any.

        Raises:
            ChangedError: it is another object by now.
            OSError: it cannot be read.
        """


class StagedError(Exception):
    """A staged object is not what its worker reported."""


class Staging(Protocol):
    """Where the workers of a run put outputs until this process gives them their keys.

    A context manager, entered while the store is held. It removes all staged objects when it exits.
    """

    @property
    def location(self) -> str:
        """The only directory that workers have to write; empty if the store has no local paths."""

    def __enter__(self) -> Self: ...

    def __exit__(self, *_: object) -> None: ...

    def new_key(self) -> str:
        """Return a key for ``OutputStore.stage`` that no worker can guess."""

    def check(self, staged: str, size: int) -> ObjectInfo | None:
        """Check a staged object before it is used; return what it is, if the store knows it by now.

        Raises:
            StagedError: it is missing, is not a plain file of its own, or is not of this size in bytes.
        """

    def adopt(self, staged: str, key: str, *, keep_attributes: bool = False) -> bool:
        """Give a staged object its key. An object that has the key is replaced in one step.

        Return whether it is the object that was checked, and not a copy.

        Args:
            staged: the object.
            key: its key from now on.
            keep_attributes: whether it keeps its group, permissions and times; otherwise, it gets those of an object
                that is created under this key.

        Raises:
            OSError: it could not be moved, and is still staged.
        """

    def discard(self, staged: str) -> None:
        """Remove a staged object if it exists."""


class OutputStore(SourceStore, Protocol):
    """A place to write to."""

    @property
    def run_id(self) -> str:
        """The run that it writes on behalf of; empty if there is none."""

    def probe(self) -> Capabilities:
        """Return the capabilities as a trial shows them; may write and remove an object."""

    def with_run(self, run_id: str) -> Self:
        """Return the same store, writing on behalf of a run."""

    def put(self, key: str, data: bytes | memoryview, options: PutOptions = PLAIN) -> ObjectInfo:
        """Create or replace an object, which appears with all of its data or not at all.

        On a store without conditional puts, a condition is checked before, so that a change in between is not noticed.

        Raises:
            FileExistsError: it exists, and was to be created.
            ChangedError: another object is under the key than the one to be replaced, or none.
            OSError: it could not be written; neither a part of it nor a temporary object is left.
        """

    def staging(self) -> Staging:
        """Return the staging area of the run."""

    def stage(self, staged: str, data: bytes | memoryview) -> None:
        """Create an object in the staging area; the only method of a store that a worker needs.

        Raises:
            OSError: it could not be written; a part of it may be left.
        """

    def set_mtime(self, key: str, mtime_ns: int) -> None:
        """Set the modification time of an object, if the store has the capability."""

    def delete(self, key: str) -> None:
        """Remove an object.

        Raises:
            FileNotFoundError: it does not exist.
        """

    def delete_many(self, keys: Iterable[str]) -> Iterator[tuple[str, OSError | None]]:
        """Remove objects, as many as possible with one request. Yield each key, and why it could not be removed.

        Of an object that does not exist, the reason is a FileNotFoundError or, if the store does not say so, None.
        """

    def lock(
        self, shard: str | None = None, timeout: float = 0.0, on_wait: Callable[[], object] = lambda: None
    ) -> AbstractContextManager[str]:
        """Hold the store for one run, or for one shard of it; see ``store.lock``. Yields a new run id."""


class InvalidKeyError(OSError):
    """A key that no store may use: it would lead out of the store, or cannot be stored."""

    def __init__(self, key: str, problem: str = "its parts must not be empty, '.' or '..' nor contain NUL") -> None:
        super().__init__(errno.EINVAL, f"invalid key: {problem}", key)


def write_pieces(file: BinaryIO, pieces: Iterable[bytes | memoryview]) -> int:
    """Replace the content of a file that is open, and return its size in bytes.

    Raises:
        OSError: it could not be written; a part of it may be.
    """
    file.seek(0)
    file.truncate()
    size = 0
    for piece in pieces:
        rest = memoryview(piece)
        size += len(rest)
        while rest:
            rest = rest[file.write(rest) :]
    return size


def check_key(key: str) -> str:
    """Return the key if all of its parts are names.

    Raises:
        InvalidKeyError: one is empty, ``.`` or ``..``, or contains a NUL.
    """
    if "\0" in key or not {"", ".", ".."}.isdisjoint(key.split("/")):
        raise InvalidKeyError(key)
    return key


def is_reserved(key: str) -> bool:
    """Return whether a key, or a directory with a slash at its end, is in a state directory, at any depth."""
    return _RESERVED in f"/{key}"


def checksum(store: Opener, key: str) -> bytes:
    """Return the BLAKE2b hash of an object's content, 16 bytes long, read in pieces.

    Raises:
        OSError: it cannot be read.
    """
    digest = blake2b(digest_size=16)
    with store.open(key) as file:
        for piece in read_pieces(file):
            digest.update(piece)
    return digest.digest()


def read_pieces(file: BinaryIO, size: int = sys.maxsize) -> Iterator[bytes]:
    """Yield the rest of a file, at most ``size`` bytes, in pieces of 256 KiB or less."""
    while piece := file.read(min(size, _PIECE)):
        yield piece
        size -= len(piece)


def delete_each(delete: Callable[[str], object], keys: Iterable[str]) -> Iterator[tuple[str, OSError | None]]:
    """Remove objects one by one; see ``OutputStore.delete_many``.

    Args:
        delete: removes one.
        keys: of the objects.
    """
    for key in keys:
        try:
            delete(key)
        except OSError as error:
            yield key, error
        else:
            yield key, None
