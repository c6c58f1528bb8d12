"""An object store as a place for sources and outputs."""

import errno
import itertools
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager
from functools import partial
from io import BytesIO
from tempfile import TemporaryFile
from typing import Any, BinaryIO, Self, TypeVar

from msgspec.structs import replace

from forkresize.hashing import random_hex
from forkresize.store.base import STATE_DIR, InvalidKeyError, check_key
from forkresize.store.files import is_internal
from forkresize.store.info import PLAIN, Capabilities, ObjectInfo, ObjectKind, PutOptions, check_condition
from forkresize.store.objects.client import ObjectClient
from forkresize.store.objects.lock import Lease, StoreLock
from forkresize.store.objects.options import StoreOptions
from forkresize.store.objects.retry import Retry
from forkresize.store.objects.staging import MemoryStaging, Staged
from forkresize.urls import StoreUrl

T = TypeVar("T")

_MAX_NAME = 1024
"""Bytes of a name on S3 and Google Cloud Storage; characters on Azure."""

_DELETED = 1000
"""Objects that S3 removes with one request at most."""

_PROBE = b"forkresize asks whether the store respects conditions of writes; it may be deleted\n"


class _Shared:
    """What a store and the same store on behalf of runs have in common."""

    def __init__(self, capabilities: Capabilities, options: StoreOptions) -> None:
        self.capabilities = capabilities
        self.measured: Capabilities | None = None
        self.options = options
        self.retry = Retry(options)
        self.leases: dict[str, Lease] = {}
        self.staged: Staged = {}


class ObjectStore:
    """The objects of a bucket below a prefix. Thread-safe; not for a process that forks.

    Args:
        url: the bucket and the prefix.
        client: sends the requests.
        shared: what it has in common with the same store of other runs.
        run_id: the run that it writes on behalf of.
    """

    def __init__(self, url: StoreUrl, client: ObjectClient, shared: _Shared, run_id: str = "") -> None:
        self.url = url
        self.run_id = run_id
        self._client = client
        self._shared = shared
        self._prefix = f"{url.prefix}/" if url.prefix else ""

    @classmethod
    def over(
        cls, url: StoreUrl, client: ObjectClient, options: StoreOptions, capabilities: Capabilities
    ) -> "ObjectStore":
        """Return a store for a client."""
        return cls(url, client, _Shared(capabilities, options))

    def __repr__(self) -> str:
        return f"{type(self).__name__}({str(self.url)!r})"

    @property
    def capabilities(self) -> Capabilities:
        """What stores of this kind can do."""
        return self._shared.capabilities

    def with_run(self, run_id: str) -> Self:
        """Return the same store; once the run has lost its lock, it writes no more."""
        return type(self)(self.url, self._client, self._shared, run_id)

    def at(self, prefix: str) -> Self:
        """Return the objects of the same bucket below another prefix; its connections are shared."""
        return type(self)(StoreUrl(self.url.scheme, self.url.bucket, prefix), self._client, self._shared, self.run_id)

    def location(self, key: str) -> str:
        """Return the URL of a key; characters are as in the key, not percent-encoded."""
        return f"{self.url}/{key}" if key else str(self.url)

    def stat(self, key: str, *, follow: bool = False) -> ObjectInfo | None:  # noqa: ARG002 -- it has no links.
        """Return the metadata of an object; None if it does not exist."""
        name = self._name(key)
        found = self._call(lambda _: self._client.head(name), key)
        return self._info(found) if found else None

    def open(self, key: str) -> BinaryIO:
        """Open a copy of an object for reading, which is fetched into a temporary file."""
        file: Any = TemporaryFile(buffering=0)  # noqa: SIM115 -- the caller closes it.
        try:
            self.fetch(key, file)
            file.seek(0)
        except BaseException:
            file.close()
            raise
        opened: BinaryIO = file
        return opened

    def fetch(self, key: str, file: BinaryIO, expected: ObjectInfo | None = None) -> ObjectInfo:
        """Write an object into a file; a transfer that is cut begins again."""
        name = self._name(key)
        return self._info(self._call(lambda _: self._client.get(name, file, expected), key))

    def scan(self, prefix: str = "", after: str = "") -> Iterator[ObjectInfo]:
        """Yield the objects in the order of the store, a page at a time."""
        folder = prefix.rpartition("/")[0]
        last = self._prefix + after if after else ""
        for page in self._pages(self._prefix + prefix, last):
            for found in page:
                info = self._info(found)
                parts = info.key.removeprefix(folder).split("/")
                # Azure's emulator ignores where a listing is to begin.
                if info.key > after and not any(map(is_internal, parts)):
                    yield info

    def put(self, key: str, data: bytes | memoryview, options: PutOptions = PLAIN) -> ObjectInfo:
        """Create or replace an object in one request, or in several parts that appear together."""
        name = self._name(check_key(key))
        if lease := self._shared.leases.get(self.run_id):
            lease.check(self.location(key))
        if (options.create or options.replaces is not None) and not self._is_conditional():
            check_condition(self.stat(key), options, self.location(key))
            options = replace(options, create=False, replaces=None)
        return self._info(self._call(lambda attempt: self._put(name, data, options, attempt), key))

    def set_mtime(self, key: str, mtime_ns: int) -> None:  # noqa: ARG002 -- the store dates its objects.
        """Fail: object stores date their objects."""
        raise OSError(errno.EOPNOTSUPP, "an object store sets the times of its objects", self.location(key))

    def delete(self, key: str) -> None:
        """Remove an object. It is looked up before, as stores do not say whether there was one."""
        name = self._name(check_key(key))
        if lease := self._shared.leases.get(self.run_id):
            lease.check(self.location(key))
        if self.stat(key) is None:
            raise FileNotFoundError(errno.ENOENT, "not found", self.location(key))
        self._call(lambda _: self._client.delete(name), key)

    def delete_many(self, keys: Iterable[str]) -> Iterator[tuple[str, OSError | None]]:
        """Remove objects, a thousand with each request where the store has such requests."""
        remaining = iter(keys)
        while batch := list(itertools.islice(remaining, _DELETED)):
            try:
                names = {self._name(check_key(key)): key for key in batch}
                if lease := self._shared.leases.get(self.run_id):
                    lease.check(self.location(""))
                failed = self._call(partial(self._delete_names, list(names)), "")
            except OSError as error:
                yield from ((key, error) for key in batch)
                continue
            for name, key in names.items():
                reason = failed.get(name)
                yield key, None if reason is None else OSError(reason.errno, reason.strerror, self.location(key))

    def _delete_names(self, names: list[str], _: int) -> dict[str, OSError]:
        return self._client.delete_many(names)

    def probe(self) -> Capabilities:
        """Write an object twice, to see whether the store respects conditions. It is removed again."""
        if self._shared.measured is None:
            key = f"{STATE_DIR}/probe-{random_hex(4)}"
            name = self._name(key)
            try:
                conditional = self._call(lambda _: self._respects_conditions(name), key)
            finally:
                self._call(lambda _: self._client.delete(name), key)
            self._shared.measured = replace(self.capabilities, conditional_put=conditional)
        return self._shared.measured

    def staging(self) -> MemoryStaging:
        """Return a staging area in the memory of this process."""
        return MemoryStaging(self, self._shared.staged)

    def stage(self, staged: str, data: bytes | memoryview) -> None:
        """Keep an object in memory."""
        self._shared.staged[staged] = bytes(data)

    def lock(
        self, shard: str | None = None, timeout: float = 0.0, on_wait: Callable[[], object] = lambda: None
    ) -> AbstractContextManager[str]:
        """Hold the store for one run, or for one shard of it, by an object that the run renews."""
        return StoreLock(self, self._shared.leases, shard, self._shared.options.lock_seconds).hold(timeout, on_wait)

    def _call(self, request: Callable[[int], T], key: str) -> T:
        return self._shared.retry.call(request, self.location(key))

    def _name(self, key: str) -> str:
        """Return the full name of a key, which need not be a path."""
        name = self._prefix + key
        try:
            size = len(name.encode())
        except UnicodeEncodeError:
            raise InvalidKeyError(key, "keys of object stores are UTF-8") from None
        if not key or "\0" in key or size > _MAX_NAME:
            raise InvalidKeyError(key, f"keys of object stores have 1 to {_MAX_NAME} bytes, without NUL")
        return name

    def _info(self, found: ObjectInfo) -> ObjectInfo:
        """Return what a client has found, with the key in place of the name."""
        key = found.key[len(self._prefix) :]
        # Consoles create these to show a directory.
        kind = ObjectKind.DIRECTORY if key.endswith("/") and not found.size else ObjectKind.FILE
        return replace(found, key=key, kind=kind)

    def _pages(self, prefix: str, after: str) -> Iterator[list[ObjectInfo]]:
        """Yield pages; after an error that may pass, the listing continues after the last object.

        Without an order, it cannot be continued: the client repeats the requests for single pages.
        """
        is_ordered = self.capabilities.ordered_listing
        location = self.location("")
        pages = self._client.list_pages(prefix, after)

        def next_page(attempt: int) -> list[ObjectInfo] | None:
            nonlocal pages
            if attempt:
                pages = self._client.list_pages(prefix, after)
            return next(pages, None)

        while (page := self._shared.retry.call(next_page, location, once=not is_ordered)) is not None:
            if is_ordered:
                _check_order(page, after, location)
            yield page
            after = page[-1].key if page else after

    def _is_conditional(self) -> bool:
        return (self._shared.measured or self.capabilities).conditional_put

    def _put(self, name: str, data: bytes | memoryview, options: PutOptions, attempt: int) -> ObjectInfo:
        try:
            return self._client.put(name, data, options)
        except OSError as error:
            # An earlier attempt whose answer was lost may have succeeded.
            may_be_own = attempt > 0 or options.accept_same
            if may_be_own and error.errno in {errno.EEXIST, errno.ESTALE} and (own := self._find_same(name, data)):
                return own
            raise

    def _find_same(self, name: str, data: bytes | memoryview) -> ObjectInfo | None:
        """Return the metadata of an object if it has this content."""
        found = self._client.head(name)
        if found is None or found.size != len(data):
            return None
        content = BytesIO()
        self._client.get(name, content, found)
        return found if content.getbuffer() == data else None

    def _respects_conditions(self, name: str) -> bool:
        options = PutOptions(content_type="text/plain", create=True)
        try:
            self._client.put(name, _PROBE, options)
        except FileExistsError:
            # The answer to an earlier attempt was lost.
            pass
        except OSError as error:
            if error.errno in {errno.EOPNOTSUPP, errno.EINVAL}:
                return False
            raise
        other = ObjectInfo(name, 0, 0, 0, etag="0" * 32, version="1")
        return all(self._refuses(name, each) for each in (options, PutOptions(replaces=other)))

    def _refuses(self, name: str, options: PutOptions) -> bool:
        try:
            self._client.put(name, _PROBE, options)
        except OSError as error:
            if error.errno in {errno.EEXIST, errno.ESTALE}:
                return True
            if error.errno in {errno.EOPNOTSUPP, errno.EINVAL}:
                return False
            raise
        return False


def _check_order(page: list[ObjectInfo], after: str, location: str) -> None:
    """Check that names grow, in the order of their UTF-8 bytes, which is that of their characters."""
    for found in page:
        if found.key <= after:
            raise OSError(errno.EIO, "the store lists its objects out of order: it is not supported", location)
        after = found.key
