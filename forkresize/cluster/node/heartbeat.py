"""Keeps a node's leases and its presence alive, from a thread of its own."""

import logging
import threading
from collections.abc import Callable, Iterable
from typing import Self

from forkresize.cluster.database import ClusterDatabase
from forkresize.cluster.database.nodes import Presence
from forkresize.cluster.database.values import NodeInfo
from forkresize.cluster.node.chunk_run import ChunkRun
from forkresize.errors import LedgerError
from forkresize.ledger.postgres.database import Database, Timeouts

_LOG = logging.getLogger("forkresize.node")

_SHARE = 9
"""Renewals in the time that a lease holds: it survives the loss of several."""

_RETRY = 0.5
"""Seconds until the next attempt to register the node."""

_TIMEOUTS = Timeouts(connect=5.0, statement=10.0, retry=5.0)


class Heartbeat:
    """A thread that renews the leases of a node and shows that it is alive. A context manager.

    Args:
        url: of the database.
        info: what the node reports about itself.
        running: returns the chunks that are worked on.
        is_draining: returns whether the node takes no more chunks.
        lease_seconds: how long a lease holds.
    """

    def __init__(
        self,
        url: str,
        info: NodeInfo,
        running: Callable[[], Iterable[ChunkRun]],
        is_draining: Callable[[], bool],
        lease_seconds: float,
    ) -> None:
        self._url = url
        self._info = info
        self._running = running
        self._is_draining = is_draining
        self._lease_seconds = lease_seconds
        self._interval = lease_seconds / _SHARE
        self._ended = threading.Event()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._beat_until_end, name="heartbeat", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        self._ready.wait(_TIMEOUTS.connect + _TIMEOUTS.statement)
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def _beat_until_end(self) -> None:
        # The presence has a database of its own: one that fails must not close the connection of the other.
        with (
            ClusterDatabase(self._url, _TIMEOUTS, self._lease_seconds) as database,
            Database(self._url, _TIMEOUTS) as own,
        ):
            presence = Presence(own, 0)
            registered = False
            while True:
                try:
                    if not registered:
                        presence.release()
                        presence = Presence(own, database.nodes.register(self._info))
                    registered = self._beat(database, presence)
                except LedgerError as error:
                    _LOG.warning("the leases could not be renewed: %s", error)
                self._ready.set()
                if self._ended.wait(self._interval if registered else _RETRY):
                    break
            presence.release()
            _try_to_remove(database, self._info.name)

    def _beat(self, database: ClusterDatabase, presence: Presence) -> bool:
        presence.hold()
        registered = database.nodes.be_seen(self._info.name, draining=self._is_draining())
        for chunk in self._running():
            if chunk.is_lost:
                continue
            is_renewed = database.chunks.renew(chunk.lease, chunk.made)
            if not is_renewed and chunk.has_ended:
                continue
            chunk.note_renewal(is_renewed=is_renewed)
            if not is_renewed:
                _LOG.warning("the lease of chunk %s of run %s is lost", chunk.lease.number, chunk.lease.run)
                chunk.lose()
        return registered


def _try_to_remove(database: ClusterDatabase, name: str) -> None:
    try:
        database.nodes.remove(name)
    except LedgerError as error:
        _LOG.warning("the node could not be signed off: %s", error)
