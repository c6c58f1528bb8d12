"""The nodes of a cluster, and the lock that shows that a node is connected."""

import psycopg
from msgspec import convert
from msgspec.json import decode, encode

from forkresize.cluster.database.leases import IS_PRESENT, PRESENCE_LOCK
from forkresize.cluster.database.sql import fetch
from forkresize.cluster.database.values import NodeInfo, NodeRow
from forkresize.ledger.postgres.database import Connection, Cursor, Database, close_after_rollback

_REGISTER = """
INSERT INTO forkresize.node (name, info) VALUES (%(name)s, %(info)s)
ON CONFLICT (name) DO UPDATE SET info = excluded.info, seen = clock_timestamp() RETURNING presence
"""
_SEEN = "UPDATE forkresize.node SET seen = clock_timestamp(), draining = %(draining)s WHERE name = %(name)s"
_REMOVE = "DELETE FROM forkresize.node WHERE name = %(name)s"
_FORGET = """
DELETE FROM forkresize.node
WHERE seen < clock_timestamp() - %(seconds)s * interval '1 second'
    AND NOT EXISTS (SELECT FROM forkresize.chunk WHERE chunk.node = node.name AND state = 'leased')
"""
_LIST = f"""
SELECT info, draining, extract(epoch FROM clock_timestamp() - started)::float8 AS age,
    extract(epoch FROM clock_timestamp() - seen)::float8 AS seen,
    {IS_PRESENT} AS present,
    (SELECT count(*) FROM forkresize.chunk WHERE chunk.node = node.name AND state = 'leased') AS chunks
FROM forkresize.node ORDER BY name
"""  # noqa: S608 -- a condition of ours.
_BEGIN = "BEGIN; SET LOCAL idle_in_transaction_session_timeout = 0; SET LOCAL statement_timeout = '60s'"
_LOCK = "SELECT pg_try_advisory_xact_lock(%s, %s)"


class NodeTable:
    """The nodes.

    Args:
        database: the database.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def register(self, info: NodeInfo) -> int:
        """Add a node, or a node again that was forgotten; return its number for ``Presence``."""
        values = {"name": info.name, "info": encode(info).decode()}

        def register(cursor: Cursor) -> int:
            (row,) = fetch(cursor, _REGISTER, values)
            return int(row["presence"])

        return self._database.run(register)

    def list(self) -> list[NodeRow]:
        """Return all nodes that are not forgotten, by name."""
        rows = self._database.run(lambda cursor: fetch(cursor, _LIST, {}))
        return [convert({**row, "info": decode(row["info"], type=NodeInfo)}, NodeRow) for row in rows]

    def be_seen(self, name: str, *, draining: bool = False) -> bool:
        """Record that a node is alive, which holds its lock; return whether it is registered."""
        values = {"name": name, "draining": draining}
        return self._database.run(lambda cursor: cursor.execute(_SEEN, values).rowcount == 1)

    def remove(self, name: str) -> None:
        """Remove a node that has ended properly."""
        self._database.run(lambda cursor: cursor.execute(_REMOVE, {"name": name}))

    def forget(self, seconds: float) -> int:
        """Remove nodes that were not seen for some time and have no chunk; return how many."""
        return self._database.run(lambda cursor: cursor.execute(_FORGET, {"seconds": seconds}).rowcount)


class Presence:
    """The lock that shows that a node is connected. The server frees it when the node dies.

    It belongs to a transaction that stays open, so that PgBouncer leaves its session to this process. The transaction
    holds no snapshot: the server can remove old rows.

    Args:
        database: where the lock is; not used for anything else while a method runs.
        number: what ``NodeTable.register`` returned.
    """

    def __init__(self, database: Database, number: int) -> None:
        self._database = database
        self._number = number
        self._connection: Connection | None = None

    @property
    def is_held(self) -> bool:
        """Whether this process had the lock when ``hold`` was called last."""
        return self._connection is not None

    def hold(self) -> None:
        """Get the lock, unless it is held.

        It is not waited for: the server may not know yet that a former connection of the node is dead. That one still
        shows the node as present, and the next call tries again.

        Raises:
            LedgerError: the database cannot be used.
        """
        self._database.run(lambda _: self._hold())

    def release(self) -> None:
        """Free the lock; may be called again."""
        if self._connection is not None:
            close_after_rollback(self._connection)
            self._connection = None

    def _hold(self) -> None:
        if self._connection is not None:
            try:
                self._connection.execute("SELECT")
            except psycopg.Error:
                self.release()
            else:
                return
        self._connection = self._database.connect()
        self._connection.execute(_BEGIN)
        # A statement whose parameters travel apart would keep its snapshot as long as the transaction.
        with psycopg.ClientCursor(self._connection) as cursor:
            row = cursor.execute(_LOCK, (PRESENCE_LOCK, self._number)).fetchone()
        if row is None or not row[0]:
            self.release()
