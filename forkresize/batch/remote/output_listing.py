"""What is in a remote destination, from one listing and from what this run has put: ListedOutputs."""

import os
import threading
from collections import deque
from collections.abc import Collection, Iterator

from forkresize.batch.remote.object_index import ObjectIndex
from forkresize.errors import DestinationError, describe
from forkresize.pool import NothingYet
from forkresize.store import ObjectInfo, OutputStore

_BATCH = 1000


class OutputListing:
    """The listing of a destination, made by a thread of its own when it is waited for first.

    Args:
        store: the destination.
    """

    def __init__(self, store: OutputStore) -> None:
        self._store = store
        self._index = ObjectIndex()
        self._complete = threading.Event()
        self._stopping = False
        self._error: BaseException | None = None
        self._reader, self._writer = os.pipe()
        self._thread: threading.Thread | None = None

    def wait(self) -> Iterator[NothingYet]:
        """Yield a NothingYet until the listing is complete.

        It begins now: until here, the run may have waited for another one that was writing to the destination.

        Raises:
            DestinationError: the destination cannot be listed.
        """
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="outputs", daemon=True)
            self._thread.start()
        while not self._complete.is_set():
            yield NothingYet(self._reader)
        if isinstance(self._error, OSError):
            raise DestinationError(f"{self._store.location('')}: {describe(self._error)}") from self._error
        if self._error is not None:
            raise self._error

    def get(self, key: str) -> ObjectInfo | None:
        """Return an object of the complete listing; None if it was not there."""
        return self._index.get(key)

    def get_many(self, keys: Collection[str]) -> dict[str, ObjectInfo]:
        """Return objects of the complete listing by key; those that were there."""
        return self._index.get_many(keys)

    def close(self) -> None:
        """End the listing, and free what it takes."""
        self._stopping = True
        if self._thread is not None:
            # A request that hangs is left to itself.
            self._thread.join(0.5)
        if self._thread is None or not self._thread.is_alive():
            self._index.close()
            os.close(self._reader)
            os.close(self._writer)

    def _run(self) -> None:
        try:
            self._list()
        except BaseException as error:  # noqa: BLE001  ``wait`` raises it.
            self._error = error
        self._complete.set()
        os.write(self._writer, b"w")

    def _list(self) -> None:
        batch: list[ObjectInfo] = []
        for info in self._store.scan():
            batch.append(info)
            if len(batch) >= _BATCH:
                self._index.add(batch)
                batch = []
                if self._stopping:
                    return
        self._index.add(batch)


class ListedOutputs:
    """Knows what is under the keys of a destination without asking for each.

    Args:
        listing: the destination's, which is complete.
        placed: what this run has put, by key.
    """

    def __init__(self, listing: OutputListing, placed: dict[str, ObjectInfo]) -> None:
        self._listing = listing
        self._placed = placed
        self._windows: deque[tuple[frozenset[str], dict[str, ObjectInfo]]] = deque(maxlen=2)

    def prefetch(self, keys: Collection[str]) -> None:
        """Look up keys that ``stat`` is about to be called for, and forget those of the call before the last one."""
        window = frozenset(keys)
        self._windows.append((window, self._listing.get_many(window)))

    def stat(self, key: str) -> ObjectInfo | None:
        """Return what is under a key; None if it is nothing."""
        placed = self._placed.get(key)
        if placed is not None:
            return placed
        for keys, found in self._windows:
            if key in keys:
                return found.get(key)
        return self._listing.get(key)
