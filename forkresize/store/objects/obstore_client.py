"""Requests by obstore: fast, for all stores, but not for every key."""

import contextlib
import errno
import re
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, BinaryIO, NamedTuple

import obstore
from obstore import exceptions

from forkresize.store.base import write_pieces
from forkresize.store.info import ObjectInfo, PutOptions
from forkresize.store.objects import errors
from forkresize.store.objects.client import delete_singly
from forkresize.store.objects.media import guess_content_type

if TYPE_CHECKING:
    from obstore import Attributes, GetResult, ObjectMeta, PutMode, UpdateVersion
    from obstore.store import ObjectStore

LARGE = 64 << 20
"""Bytes of an object above which it is sent in parts."""

_PIECE = 1 << 20
_PAGE = 1000

_UNSUPPORTED = re.compile(r"[\x00-\x1f\x7f]")

_UNUSABLE = "a key with an empty part, '.', '..' or a control character can be used on S3 only: rename the object"


AZURE_UNUSABLE = re.compile(r"[\\\ufffe\uffff]|\.(/|$)")
"""In names of objects that Azure would store under another name, or could not list."""


def supports(name: str) -> bool:
    """Return whether obstore leaves a name as it is; it would change or refuse others."""
    return {"", ".", ".."}.isdisjoint(name.split("/")) and not _UNSUPPORTED.search(name)


class Connections(NamedTuple):
    """The same bucket with different limits.

    Attributes:
        reader: limits the time between two bytes of a response.
        writer: does not, since that would include the time to send the data.
        lister: repeats requests for single pages.
    """

    reader: "ObjectStore"
    writer: "ObjectStore"
    lister: "ObjectStore"


class ObstoreClient:
    """Requests to a bucket; see ``ObjectClient``.

    Args:
        connections: the bucket.
        unusable: what names of new objects must not contain.
    """

    def __init__(self, connections: Connections, unusable: re.Pattern[str] | None = None) -> None:
        self._reader, self._writer, self._lister = connections
        self._unusable = unusable

    def get(self, name: str, file: BinaryIO, expected: ObjectInfo | None) -> ObjectInfo:
        """Write an object into a file."""
        with _translate():
            result = obstore.get(self._reader, _check(name))
        found = _info(result.meta)
        errors.check_expected(found, expected)
        size = write_pieces(file, _read(result))
        if size != found.size:
            raise errors.wrong_length(size, found.size)
        return found

    def head(self, name: str) -> ObjectInfo | None:
        """Return the metadata of an object; None if it does not exist."""
        try:
            with _translate():
                return _info(obstore.head(self._reader, _check(name)))
        except FileNotFoundError:
            return None

    def put(self, name: str, data: bytes | memoryview, options: PutOptions) -> ObjectInfo:
        """Create or replace an object."""
        if self._unusable and (part := self._unusable.search(name)):
            problem = f"this store cannot keep a key with {part[0]!r}: choose other names for the outputs"
            raise OSError(errno.EINVAL, problem)
        mode = _mode(options)
        attributes = _attributes(name, options)
        # Parts of an upload that failed may be kept and charged; a condition holds for one request only.
        in_parts = mode == "overwrite" and len(data) > LARGE
        try:
            with _translate():
                result = obstore.put(
                    self._writer, _check(name), data, attributes=attributes, mode=mode, use_multipart=in_parts
                )
        except OSError as error:
            raise errors.failed_condition(error, options) from None
        etag = plain_etag(result["e_tag"] or "")
        return ObjectInfo(name, len(data), 0, 0, etag=etag or None, version=result["version"])

    def delete(self, name: str) -> None:
        """Remove an object if it exists."""
        with contextlib.suppress(FileNotFoundError), _translate():
            obstore.delete(self._writer, _check(name))

    def delete_many(self, names: Sequence[str]) -> dict[str, OSError]:
        """Remove objects with as few requests as the store allows, or several at the same time."""
        failed: dict[str, OSError] = {name: OSError(errno.EINVAL, _UNUSABLE) for name in names if not supports(name)}
        usable = [name for name in names if name not in failed]
        try:
            with _translate():
                obstore.delete(self._writer, usable)
        except OSError:
            # It does not say which of them stay.
            failed |= delete_singly(self.delete, usable)
        return failed

    def list_pages(self, prefix: str, after: str) -> Iterator[list[ObjectInfo]]:
        """Yield the objects below a prefix, in the order of the store."""
        folder = prefix.rpartition("/")[0]
        with _translate():
            for page in obstore.list(self._lister, folder or None, offset=after or None, chunk_size=_PAGE):
                found = (_info(each) for each in page)
                yield [info for info in found if info.key.startswith(prefix)]


def _check(name: str) -> str:
    if not supports(name):
        raise OSError(errno.EINVAL, _UNUSABLE)
    return name


def _read(result: "GetResult") -> Iterator[memoryview]:
    with _translate():
        for piece in result.stream(min_chunk_size=_PIECE):
            yield memoryview(piece)


def _error(error: Exception) -> OSError:
    """Return the ``OSError`` for one of obstore's errors."""
    if isinstance(error, exceptions.PreconditionError):
        return errors.change_error()
    if isinstance(error, exceptions.NotSupportedError):
        return OSError(errno.EOPNOTSUPP, "the store does not support the request")
    found = errors.error_from_text(str(error))
    if isinstance(error, exceptions.AlreadyExistsError) and found.errno != errno.EAGAIN:
        return FileExistsError(errno.EEXIST, "it exists already")
    if isinstance(error, FileNotFoundError) and found.errno == errno.ECONNRESET:
        # Of a removal of many objects, the text has no status.
        return FileNotFoundError(errno.ENOENT, "not found")
    if isinstance(error, exceptions.InvalidPathError | ValueError):
        return OSError(errno.EINVAL, _UNUSABLE)
    return found


@contextlib.contextmanager
def _translate() -> Iterator[None]:
    """Raise an ``OSError`` for an error of obstore, whose own text may hold secrets."""
    try:
        yield
    except (exceptions.BaseError, FileNotFoundError, ValueError) as error:
        raise _error(error) from None


def _mode(options: PutOptions) -> "PutMode":
    if options.create:
        return "create"
    if options.replaces is None:
        return "overwrite"
    mode: UpdateVersion = {"e_tag": f'"{options.replaces.etag}"'}
    if isinstance(options.replaces.version, str):
        mode["version"] = options.replaces.version
    return mode


def _attributes(name: str, options: PutOptions) -> "Attributes":
    found: Attributes = {"Content-Type": options.content_type or guess_content_type(name), **options.metadata}
    if options.cache_control:
        found["Cache-Control"] = options.cache_control
    return found


def _info(meta: "ObjectMeta") -> ObjectInfo:
    modified, etag = to_nanoseconds(meta["last_modified"]), plain_etag(meta["e_tag"] or "")
    return ObjectInfo(meta["path"], meta["size"], modified, modified, etag=etag or None, version=meta["version"])


def to_nanoseconds(moment: datetime) -> int:
    """Return nanoseconds since the epoch, in whole seconds: headers have no more, so that listings agree with them."""
    return int(moment.timestamp()) * 10**9


def plain_etag(etag: str) -> str:
    """Return an ETag without its quotes, which some stores omit in listings."""
    return etag.removeprefix("W/").strip('"')
