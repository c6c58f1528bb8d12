"""What is known of an object, what a store can do, and how an object is put."""

import errno
from collections.abc import Mapping
from enum import StrEnum

from msgspec import Struct


class Capabilities(Struct, frozen=True, kw_only=True):
    """What a store can do; callers adapt to it.

    Attributes:
        conditional_put: whether a put can be bound to the ETag of the object that it replaces; for object stores,
            which need it where a local store has a lock. Some servers ignore the condition: ``probe`` shows it.
        ordered_listing: whether ``scan`` yields keys in the order of their bytes.
        any_bytes: whether keys may hold bytes that are not UTF-8.
        mtimes: whether the modification time of an object can be set.
        case_sensitive: whether keys that differ in case or Unicode form only are different objects.
        local_paths: whether ``location`` returns a path that the operating system opens.
    """

    conditional_put: bool = False
    ordered_listing: bool = True
    any_bytes: bool = False
    mtimes: bool = False
    case_sensitive: bool = True
    local_paths: bool = False


class ObjectKind(StrEnum):
    """What a key stands for. Object stores hold files, and empty objects that some clients show as directories."""

    FILE = "file"
    DIRECTORY = "directory"
    OTHER = "other"


class ObjectInfo(Struct, frozen=True):
    """The metadata of an object.

    Attributes:
        key: relative to the store, with ``/`` between the parts; bytes that are not UTF-8 are surrogate escapes.
        size: in bytes.
        mtime_ns: modification time in nanoseconds since the epoch.
        changed_ns: time of the last change, which no client can set, in nanoseconds since the epoch.
        kind: symbolic links, pipes and devices are ``OTHER``.
        etag: what the store calls the content, if it does.
        version: changes when another object takes the key; device and inode on a local file system.
    """

    key: str
    size: int
    mtime_ns: int
    changed_ns: int
    kind: ObjectKind = ObjectKind.FILE
    etag: str | None = None
    version: str | tuple[int, int] | None = None

    def replaces(self, before: "ObjectInfo | None") -> bool:
        """Return whether this object has replaced an earlier one.

        Without ETags, both version and time must differ: inode numbers may be unstable.
        """
        if before is None or (self.etag and before.etag):
            return before is None or self.etag != before.etag
        return self.version != before.version and self.mtime_ns != before.mtime_ns

    def is_same(self, expected: "ObjectInfo") -> bool:
        """Return whether this is the expected one; facts that one side lacks do not count."""
        facts = [(self.size, expected.size), (self.etag, expected.etag), (self.version, expected.version)]
        if not (self.etag and expected.etag):
            facts.append((self.mtime_ns, expected.mtime_ns))
        return all(found == wanted for found, wanted in facts if found is not None and wanted is not None)


class PutOptions(Struct, frozen=True, kw_only=True):
    """How an object is put. Local stores keep no headers and ignore them.

    Attributes:
        content_type: its MIME type; by default, that of the image format that the key's suffix names.
        cache_control: the ``Cache-Control`` header that it is served with; empty for none.
        metadata: names and values of further headers, which stores send as theirs, for example ``x-amz-meta-…``.
        create: whether the key must not exist.
        replaces: the object that must be under the key until it is replaced.
        accept_same: whether the same content under the key is a success although it breaks these conditions: an earlier
            attempt, by another process, may have put it. For stores with ``Capabilities.conditional_put``.
    """

    content_type: str = ""
    cache_control: str = ""
    metadata: Mapping[str, str] = {}
    create: bool = False
    replaces: ObjectInfo | None = None
    accept_same: bool = False


PLAIN = PutOptions()
"""Replaces any object."""


class ChangedError(OSError):
    """An object is not the one that was expected: another client has replaced or deleted it."""

    def __init__(self, location: str) -> None:
        super().__init__(errno.ESTALE, "it was changed by another program; run again", location)


def check_condition(found: ObjectInfo | None, options: PutOptions, location: str) -> None:
    """Check that an object that is about to be put meets its condition.

    Raises:
        FileExistsError: it exists, and was to be created.
        ChangedError: another object is under the key than the one to be replaced, or none.
    """
    if options.create and found is not None:
        raise FileExistsError(errno.EEXIST, "it exists already", location)
    if options.replaces is not None and (found is None or not found.is_same(options.replaces)):
        raise ChangedError(location)
