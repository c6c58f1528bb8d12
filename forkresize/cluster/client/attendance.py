"""What a client does for its cluster from time to time: publish messages, return lost chunks, and watch the nodes."""

import time
from collections.abc import Callable, Sequence

from forkresize.batch.fingerprint import renderer_versions
from forkresize.cluster.client.connection import Connection
from forkresize.cluster.client.obstacle import find_difference, find_obstacle
from forkresize.cluster.database.values import NodeRow
from forkresize.errors import ClusterError

_EXPIRE_EVERY = 5.0
"""Seconds between two searches for chunks of lost nodes."""

_RELAYED = 1000
"""Messages that are published at once."""

NO_NODE = "no node of the cluster is connected; start one with 'forkresized node'"


class Attendance:
    """Does what is due, and says once what is wrong.

    Args:
        connection: the cluster.
        clock: returns the time in seconds.
    """

    def __init__(self, connection: Connection, clock: Callable[[], float] = time.monotonic) -> None:
        self.workers = 0
        """How many workers were connected at the same time, at most."""
        self._connection = connection
        self._clock = clock
        self._relay_at = 0.0
        self._expire_at = 0.0
        self._waiting_since: float | None = None
        self._faults: dict[str, str] = {}

    def attend(self, run: int = 0, queue: str = "batch") -> None:
        """Do what is due.

        Args:
            run: number of the run whose nodes are watched; 0 for none.
            queue: of the run.

        Raises:
            LedgerError: the database cannot be used.
        """
        self._relay()
        if self._clock() >= self._expire_at:
            self._connection.database.chunks.expire()
            nodes = [node for node in self._connection.database.nodes.list() if node.present]
            self._count_workers(nodes)
            if run:
                self._watch_run(run, queue, nodes)
            self._expire_at = self._clock() + _EXPIRE_EVERY

    def _relay(self) -> None:
        publisher, started = self._connection.publisher, self._clock()
        if publisher is None or started < self._relay_at:
            return
        try:
            while self._connection.database.outbox.relay(publisher.publish, _RELAYED) == _RELAYED:
                pass
        except ClusterError as error:
            # The messages stay in the database: nodes and later calls publish them.
            self._note("broker", str(error))
            # A broker that does not answer takes seconds each time: results and signals get as much.
            now = self._clock()
            self._relay_at = now + (now - started)
        else:
            self._note("broker", "")

    def _count_workers(self, nodes: Sequence[NodeRow]) -> None:
        workers = sum(node.info.workers for node in nodes)
        self.workers = max(self.workers, workers)
        self._note("nodes", "" if workers else NO_NODE)

    def _watch_run(self, run: int, queue: str, nodes: Sequence[NodeRow]) -> None:
        """Mention why no node takes a run, once that has lasted from one look to the next."""
        now = self._clock()
        refusal = self._connection.database.runs.waiting(run)
        since, self._waiting_since = self._waiting_since, None
        obstacle = ""
        if refusal is not None and nodes:
            self._waiting_since = now if since is None else since
            if since is not None:
                signed = self._connection.secret is not None
                obstacle = find_obstacle(nodes, queue, refusal, now - since, signed=signed)
        self._note("run", f"no node takes run {run}: {obstacle}" if obstacle else "")
        self._note("renderer", find_difference(nodes, queue, renderer_versions()))

    def _note(self, subject: str, fault: str) -> None:
        """Mention a fault, unless it is the one that the subject has already."""
        if fault and fault != self._faults.get(subject):
            self._connection.notify(fault)
        self._faults[subject] = fault
