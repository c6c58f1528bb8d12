"""The truth about the runs of a cluster, in PostgreSQL: runs, chunks, leases, messages to publish, and nodes.

Every statement on these tables is in this package, except one that other runs look with; see
``forkresize.ledger.postgres.cluster_runs``. What changes several rows of a run locks the run's row first, so
that transactions wait for each other and never deadlock. The clock is the database's.
"""

from collections.abc import Callable
from functools import cache
from typing import Self

from forkresize.cluster.database.chunks import LEASE_SECONDS, ChunkTable
from forkresize.cluster.database.nodes import NodeTable
from forkresize.cluster.database.outbox import Outbox
from forkresize.cluster.database.overview import Overview, read_overview
from forkresize.cluster.database.runs import RunTable
from forkresize.ledger.postgres.database import Database, Timeouts
from forkresize.ledger.postgres.migrate import check_version, migrate, version
from forkresize.ledger.scripts import read_scripts

__all__ = ["ClusterDatabase"]

_COMPONENT = "cluster"
_TIMEOUTS = Timeouts()


@cache
def _read_scripts() -> tuple[str, ...]:
    return tuple(read_scripts("forkresize.cluster.migrations"))


class ClusterDatabase:
    """The tables of a cluster. A context manager that closes the connection; belongs to one thread.

    All methods of the tables raise LedgerError if the database cannot be used, or does not come back in time.

    Args:
        url: ``postgresql://…``
        timeouts: how long to wait for it.
        lease_seconds: how long a lease holds when it is taken or renewed.

    Attributes:
        runs: the runs, and what a client does with them.
        chunks: the leases that nodes take.
        outbox: the messages to publish.
        nodes: the nodes.
    """

    def __init__(self, url: str, timeouts: Timeouts = _TIMEOUTS, lease_seconds: float = LEASE_SECONDS) -> None:
        self._database = Database(url, timeouts)
        self.runs = RunTable(self._database)
        self.chunks = ChunkTable(self._database, lease_seconds)
        self.outbox = Outbox(self._database)
        self.nodes = NodeTable(self._database)

    def watch(self, on_pause: Callable[[], object]) -> None:
        """Call a function again and again while a lost connection is waited for. What it raises ends the wait."""
        self._database.on_pause = on_pause

    def migrate(self) -> None:
        """Create the tables, or bring them to this version.

        Raises:
            LedgerError: a later version has changed them, or this user may not.
        """
        migrate(self._database, _COMPONENT, _read_scripts())

    def check(self) -> None:
        """Check that no later version of this program has changed the tables.

        Raises:
            OutdatedError: one has.
        """
        found = self._database.run(lambda cursor: version(cursor, _COMPONENT))
        check_version(_COMPONENT, found, len(_read_scripts()))

    def overview(self) -> Overview:
        """Return the state of the cluster in numbers."""
        return read_overview(self._database)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection; the next call makes a new one."""
        self._database.close()
