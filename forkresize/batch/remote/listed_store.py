"""A destination whose objects are known from its listing: ListedStore."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager
from typing import BinaryIO, Self

from forkresize.batch.remote.output_listing import ListedOutputs
from forkresize.store import PLAIN, Capabilities, ObjectInfo, OutputStore, PutOptions, Staging


class ListedStore:
    """A store that asks for no object that it knows from a listing.

    Args:
        store: the store.
        outputs: what is in it.
    """

    def __init__(self, store: OutputStore, outputs: ListedOutputs) -> None:
        self._store = store
        self._outputs = outputs

    @property
    def capabilities(self) -> Capabilities:
        """What the store can do."""
        return self._store.capabilities

    @property
    def run_id(self) -> str:
        """The run that it writes on behalf of."""
        return self._store.run_id

    def location(self, key: str) -> str:
        """Return the URL of a key."""
        return self._store.location(key)

    def stat(self, key: str, *, follow: bool = False) -> ObjectInfo | None:  # noqa: ARG002  It has no links.
        """Return what the listing or a put of this run says of an object."""
        return self._outputs.stat(key)

    def scan(self, prefix: str = "", after: str = "") -> Iterator[ObjectInfo]:
        """List the store."""
        return self._store.scan(prefix, after)

    def open(self, key: str) -> BinaryIO:
        """Open an object for reading."""
        return self._store.open(key)

    def fetch(self, key: str, file: BinaryIO, expected: ObjectInfo | None = None) -> ObjectInfo:
        """Write the content of an object into a file."""
        return self._store.fetch(key, file, expected)

    def probe(self) -> Capabilities:
        """Return the capabilities as a trial shows them."""
        return self._store.probe()

    def with_run(self, run_id: str) -> Self:
        """Return the same store, writing on behalf of a run."""
        return type(self)(self._store.with_run(run_id), self._outputs)

    def put(self, key: str, data: bytes | memoryview, options: PutOptions = PLAIN) -> ObjectInfo:
        """Create or replace an object."""
        return self._store.put(key, data, options)

    def staging(self) -> Staging:
        """Return the staging area of the run."""
        return self._store.staging()

    def stage(self, staged: str, data: bytes | memoryview) -> None:
        """Create an object in the staging area."""
        self._store.stage(staged, data)

    def set_mtime(self, key: str, mtime_ns: int) -> None:
        """Set the modification time of an object."""
        self._store.set_mtime(key, mtime_ns)

    def delete(self, key: str) -> None:
        """Remove an object."""
        self._store.delete(key)

    def delete_many(self, keys: Iterable[str]) -> Iterator[tuple[str, OSError | None]]:
        """Remove objects."""
        return self._store.delete_many(keys)

    def lock(
        self, shard: str | None = None, timeout: float = 0.0, on_wait: Callable[[], object] = lambda: None
    ) -> AbstractContextManager[str]:
        """Hold the store for one run."""
        return self._store.lock(shard, timeout, on_wait)
