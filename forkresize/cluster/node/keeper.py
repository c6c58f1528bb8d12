"""What any node does for the whole cluster: publish messages, return lost chunks, announce those that it refused."""

import logging
import random
import threading
import time
from collections.abc import Callable, Sequence
from typing import Self

from forkresize.cluster.database import ClusterDatabase
from forkresize.cluster.node.refusals import Refusals
from forkresize.cluster.publisher import Publisher
from forkresize.errors import ClusterError, LedgerError
from forkresize.ledger.postgres.database import Timeouts

_LOG = logging.getLogger("forkresize.node")

RELAY_INTERVAL = 0.5
EXPIRE_INTERVAL = 3.0
"""Seconds between two looks at the outbox, and at the leases."""

_IDLE = 5.0
"""Seconds without work after which a node asks whether messages were lost."""

_LOST_AFTER = 15.0
"""Seconds since a message was published after which it counts as lost, if a node waits at its queue."""

_FORGET_AFTER = 3600.0
"""Seconds after which a node that was lost is no longer listed."""

_TIMEOUTS = Timeouts(connect=5.0, statement=30.0, retry=5.0)


class Keeper:
    """A thread that looks after the database and the broker. A context manager.

    Args:
        url: of the database.
        publisher: of messages; used by this thread alone.
        queues: the queues that the node takes chunks from.
        idle_since: returns since when the node has no work, by ``time.monotonic``; None if it has some.
        refusals: what the node leaves to others.
    """

    def __init__(
        self,
        url: str,
        publisher: Publisher,
        queues: Sequence[str],
        idle_since: Callable[[], float | None],
        refusals: Refusals,
    ) -> None:
        self._url = url
        self._publisher = publisher
        self._queues = queues
        self._idle_since = idle_since
        self._refusals = refusals
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._work_until_end, name="keeper", daemon=True)
        self._next_expiry = self._next_search = 0.0

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def _work_until_end(self) -> None:
        with ClusterDatabase(self._url, _TIMEOUTS) as database, self._publisher:
            while not self._ended.is_set():
                if not self._work(database):
                    # Not all nodes at the same time.
                    self._ended.wait(RELAY_INTERVAL * random.uniform(0.5, 1.5))  # noqa: S311 -- no secret.
            self._announce(database, at_once=True)

    def _work(self, database: ClusterDatabase) -> int:
        """Do what is due; return how many messages were published."""
        try:
            self._expire(database)
            self._search(database)
            self._announce(database)
            return database.outbox.relay(self._publisher.publish)
        except (LedgerError, ClusterError) as error:
            _LOG.warning("messages wait: %s", error)
            return 0

    def _announce(self, database: ClusterDatabase, *, at_once: bool = False) -> None:
        """Announce what this node leaves to others. If that fails, ``_search`` of an idle node does so later."""
        try:
            if chunks := self._refusals.take(at_once=at_once):
                database.outbox.announce(chunks)
        except LedgerError as error:
            _LOG.warning("chunks for other nodes are announced later: %s", error)

    def _expire(self, database: ClusterDatabase) -> None:
        now = time.monotonic()
        if now >= self._next_expiry:
            self._next_expiry = now + EXPIRE_INTERVAL
            if count := database.chunks.expire():
                _LOG.warning("returned %s chunks of nodes that were lost", count)
            database.nodes.forget(_FORGET_AFTER)

    def _search(self, database: ClusterDatabase) -> None:
        """Announce chunks again whose messages may be lost."""
        now = time.monotonic()
        since = self._idle_since()
        if since is None or now - since < _IDLE or now < self._next_search:
            return
        self._next_search = now + _IDLE
        for queue in self._queues:
            if count := database.outbox.republish(queue, _LOST_AFTER):
                _LOG.info("announced %s chunks again whose messages may be lost", count)
