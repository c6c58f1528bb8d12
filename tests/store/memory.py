"""A store in this process's memory, for tests and for programs that keep no files."""

import contextlib
import errno
import os
import secrets
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from io import BytesIO
from itertools import count
from typing import BinaryIO, Self

from msgspec.structs import replace

from forkresize.errors import DestinationBusyError
from forkresize.store.base import check_key, delete_each, write_pieces
from forkresize.store.info import PLAIN, Capabilities, ChangedError, ObjectInfo, PutOptions, check_condition
from forkresize.store.objects.staging import MemoryStaging

_WHOLE = ""
_RETRY_INTERVAL = 0.01


class MemoryStore:
    """Objects in a dictionary, which all stores made by ``with_run`` share."""

    capabilities = Capabilities(conditional_put=True, any_bytes=True, mtimes=True)
    run_id = ""

    def __init__(self, name: str = "memory") -> None:
        """Create an empty store.

        Args:
            name: stands in the locations of its objects.

        An entry in ``faults`` makes an operation fail with that errno, as ``{"put": errno.ENOSPC}`` does.
        """
        self.name = name
        self.faults: dict[str, int] = {}
        self._objects: dict[str, tuple[ObjectInfo, bytes]] = {}
        self._versions = count(1)
        self._putting = threading.Lock()
        self._held: set[str] = set()
        self._staged: dict[str, bytes] = {}

    def with_run(self, _run_id: str) -> Self:
        """Return this store: nothing of it depends on the run."""
        return self

    def probe(self) -> Capabilities:
        """Return the declared capabilities."""
        return self.capabilities

    def location(self, key: str) -> str:
        """Return a URL of a key."""
        return f"memory://{self.name}/{key}"

    def stat(self, key: str, *, follow: bool = False) -> ObjectInfo | None:  # noqa: ARG002 -- it has no links.
        """Return the metadata of an object; None if it does not exist."""
        self._raise_fault("stat", key)
        return self._objects[key][0] if key in self._objects else None

    def open(self, key: str) -> BytesIO:
        """Open an object for reading."""
        self._raise_fault("open", key)
        return BytesIO(self._get(key)[1])

    def fetch(self, key: str, file: BinaryIO, expected: ObjectInfo | None = None) -> ObjectInfo:
        """Copy an object into a file."""
        self._raise_fault("open", key)
        info, data = self._get(key)
        if expected is not None and not info.is_same(expected):
            raise ChangedError(self.location(key))
        write_pieces(file, [data])
        return info

    def scan(self, prefix: str = "", after: str = "") -> Iterator[ObjectInfo]:
        """Yield the objects in the order of their keys' bytes."""
        for key in sorted(self._objects, key=os.fsencode):
            if key.startswith(prefix) and os.fsencode(key) > os.fsencode(after):
                yield self._objects[key][0]

    def put(self, key: str, data: bytes | memoryview, options: PutOptions = PLAIN) -> ObjectInfo:
        """Create or replace an object."""
        self._raise_fault("put", key)
        now, version = time.time_ns(), f"{next(self._versions)}"
        info = ObjectInfo(check_key(key), len(data), now, now, etag=version, version=version)
        with self._putting:
            check_condition(self._objects.get(key, (None,))[0], options, self.location(key))
            self._objects[key] = info, bytes(data)
        return info

    def set_mtime(self, key: str, mtime_ns: int) -> None:
        """Set the modification time of an object."""
        info, data = self._get(key)
        self._objects[key] = replace(info, mtime_ns=mtime_ns, changed_ns=time.time_ns()), data

    def delete(self, key: str) -> None:
        """Remove an object."""
        self._raise_fault("delete", key)
        del self._objects[self._get(check_key(key))[0].key]

    def delete_many(self, keys: Iterable[str]) -> Iterator[tuple[str, OSError | None]]:
        """Remove objects, one by one."""
        return delete_each(self.delete, keys)

    def staging(self) -> MemoryStaging:
        """Return the staging area."""
        return MemoryStaging(self, self._staged)

    def stage(self, staged: str, data: bytes | memoryview) -> None:
        """Create a staged object."""
        self._raise_fault("stage", staged)
        self._staged[staged] = bytes(data)

    @contextlib.contextmanager
    def lock(
        self, shard: str | None = None, timeout: float = 0.0, on_wait: Callable[[], object] = lambda: None
    ) -> Iterator[str]:
        """Hold the store for one run, or for one shard of it, among the threads of this process."""
        name = shard or _WHOLE
        deadline = time.monotonic() + timeout
        if self._is_held(name) and timeout > 0:
            on_wait()
        while self._is_held(name):
            if time.monotonic() >= deadline:
                raise DestinationBusyError(
                    f"another run is writing to {self.location('')}; try again when it has ended"
                )
            time.sleep(_RETRY_INTERVAL)
        self._held.add(name)
        try:
            yield secrets.token_hex(4)
        finally:
            self._held.discard(name)

    def _raise_fault(self, operation: str, key: str) -> None:
        if code := self.faults.get(operation):
            raise OSError(code, os.strerror(code), key)

    def _is_held(self, name: str) -> bool:
        return bool(self._held) if name == _WHOLE else bool(self._held & {name, _WHOLE})

    def _get(self, key: str) -> tuple[ObjectInfo, bytes]:
        try:
            return self._objects[key]
        except KeyError:
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), key) from None
