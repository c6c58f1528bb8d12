"""Records pictures beside the requests, and answers what is recorded: Recorder."""

import asyncio
import contextlib
import logging
import time

from forkresize.errors import ForkresizeError, describe
from forkresize.gateway.derivatives.places import Place
from forkresize.gateway.derivatives.records import Made, RecordReader, RecordWriter
from forkresize.gateway.derivatives.stores import DestinationStores
from forkresize.gateway.threads import Threads
from forkresize.job import Source
from forkresize.ledger import RecipeFingerprints
from forkresize.store import ObjectInfo

_LOG = logging.getLogger("forkresize.gateway")

_INTERVAL = 1.0
"""Seconds that a picture waits for others to be recorded with it."""

_RETRY = 5.0
"""Seconds until records are tried again, after an error or while a batch holds a destination."""

_MAX_WAITING = 10_000
"""Pictures that wait to be recorded; beyond, the oldest ones are not recorded, and made again on demand."""


class Recorder:
    """The ledgers of derivatives, in threads of their own. For one event loop.

    Those who ask do not wait for what is recorded at the time, which may take a while: for the lock of a destination.

    Args:
        stores: where the destinations are.
        ledger: the URL of the ledgers; None for the default place.
    """

    def __init__(self, stores: DestinationStores, ledger: str | None) -> None:
        self._reader = RecordReader(stores.url, ledger)
        self._writer = RecordWriter(stores.url, ledger, stores.open)
        # A connection to SQLite belongs to its thread.
        self._reading, self._writing = Threads(1), Threads(1)
        self._waiting: list[Made] = []
        self._waiting_since: float | None = None
        self._task: asyncio.Task[None] | None = None
        self._added = asyncio.Event()
        self._write_lock = asyncio.Lock()

    def start(self) -> None:
        """Start to record what is added."""
        self._task = asyncio.ensure_future(self._run())

    @property
    def waiting(self) -> int:
        """How many pictures are in the store, and not recorded yet."""
        return len(self._waiting)

    @property
    def lag(self) -> float:
        """Seconds that pictures have waited to be recorded; 0 if none waits."""
        # The thread of the metrics reads it, and it may be recorded in between.
        since = self._waiting_since
        return 0.0 if since is None else time.monotonic() - since

    def add(self, made: Made) -> None:
        """Have a picture recorded soon."""
        self._waiting.append(made)
        if self._waiting_since is None:
            self._waiting_since = time.monotonic()
        self._added.set()

    async def find(
        self, place: Place, source: Source, fingerprints: RecipeFingerprints, info: ObjectInfo
    ) -> str | None:
        """Return the format of an object if it is recorded as made of a source with a recipe; see ``RecordReader``.

        Raises:
            LedgerError: the records cannot be read.
        """
        return await self._reading.call(self._reader.find, place, source, fingerprints, info)

    async def close(self) -> None:
        """Record what waits, and close the ledgers."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
        await self._write()
        await self._reading.call(self._reader.close)
        self._reading.close()
        self._writing.close()

    async def _run(self) -> None:
        while True:
            await self._added.wait()
            await asyncio.sleep(_INTERVAL)
            self._added.clear()
            if not await asyncio.shield(asyncio.ensure_future(self._write())):
                await asyncio.sleep(_RETRY)
                self._added.set()

    async def _write(self) -> bool:
        """Record what waits, after what is being recorded; return whether nothing is left."""
        async with self._write_lock:
            return await self._write_waiting()

    async def _write_waiting(self) -> bool:
        made, self._waiting = self._waiting, []
        if not made:
            return True
        try:
            left = await self._writing.call(self._writer.write, made)
        except (OSError, ForkresizeError) as error:
            _LOG.warning("%d pictures cannot be recorded: %s", len(made), describe(error))
            left = made
        added, self._waiting = self._waiting, [*left, *self._waiting][-_MAX_WAITING:]
        if not left:
            self._waiting_since = time.monotonic() if added else None
        return not left
