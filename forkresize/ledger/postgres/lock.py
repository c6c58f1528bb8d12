"""DestinationLock: one run per destination, or one per shard of it, by advisory locks."""

import time
from collections.abc import Callable

import psycopg

from forkresize.errors import DestinationBusyError, LedgerError
from forkresize.ledger.postgres.database import Connection, Database, close_after_rollback

_RETRY_INTERVAL = 0.25
"""Seconds between two attempts to get a lock that another run holds."""

_BEGIN = "ROLLBACK; BEGIN; SET LOCAL idle_in_transaction_session_timeout = 0; SET LOCAL statement_timeout = '60s'"

_WHOLE = "SELECT pg_try_advisory_xact_lock(hashtextextended('forkresize:' || %s, 0))"
_SHARED = "SELECT pg_try_advisory_xact_lock_shared(hashtextextended('forkresize:' || %s, 0))"
_SHARD = "SELECT pg_try_advisory_xact_lock(hashtextextended('forkresize:' || %s || ':' || %s, 0))"


class DestinationLock:
    """A lock that a connection of its own holds. The server frees it when the connection ends.

    It belongs to a transaction that stays open: PgBouncer leaves its session to this process. The transaction holds no
    snapshot, so it does not keep the server from removing old rows.

    Args:
        database: where the lock is; it retries when the server is gone for a while.
        destination: number of the destination.
        shard: the part of the work that this run does; None for all of it.
    """

    def __init__(self, database: Database, destination: int, shard: str | None) -> None:
        self._database = database
        self._destination = destination
        self._shard = shard
        self._connection: Connection | None = None

    def acquire(self, timeout: float, on_wait: Callable[[], object]) -> None:
        """Get the lock.

        Args:
            timeout: seconds to wait for other runs to end.
            on_wait: called once if there is a run to wait for.

        Raises:
            DestinationBusyError: another run holds it.
            LedgerError: the database cannot be used.
        """
        deadline = time.monotonic() + timeout
        held = self._database.run(lambda _: self._try())
        if not held and timeout > 0:
            on_wait()
        while not held and (remaining := deadline - time.monotonic()) > 0:
            time.sleep(min(_RETRY_INTERVAL, remaining))
            held = self._database.run(lambda _: self._try())
        if not held:
            self.release()
            name = self._database.name
            raise DestinationBusyError(f"another run that uses {name} is writing here; try again when it has ended")

    def check(self) -> None:
        """Get the lock again if its connection was lost. Sends nothing while the connection stands.

        Raises:
            Error: of psycopg: there is no connection.
            LedgerError: another run has the lock by now.
        """
        if not self._is_alive() and not self._try():
            self.release()
            raise LedgerError(f"the connection to {self._database.name} was lost, and another run has begun since")

    def release(self) -> None:
        """Free the lock; may be called again."""
        if self._connection is not None:
            close_after_rollback(self._connection)
            self._connection = None

    def _is_alive(self) -> bool:
        if self._connection is None:
            return False
        try:
            # Reads what the server has sent, without waiting: a last message, and the end of the connection.
            for _ in range(2):
                self._connection.pgconn.consume_input()
        except psycopg.Error:
            return False
        return not self._connection.closed

    def _try(self) -> bool:
        if not self._is_alive():
            self.release()
            self._connection = self._database.connect()
        destination = str(self._destination)
        # Frees what was got of the locks for a shard.
        self._ask(_BEGIN)
        if self._shard is None:
            return self._ask(_WHOLE, destination)
        return self._ask(_SHARED, destination) and self._ask(_SHARD, destination, self._shard)

    def _ask(self, statements: str, *parameters: str) -> bool:
        if self._connection is None:
            return False
        # A statement whose parameters travel apart would keep its snapshot as long as the transaction.
        with psycopg.ClientCursor(self._connection) as cursor:
            cursor.execute(statements, parameters)
            row = cursor.fetchone() if cursor.description else None
        return row is not None and bool(row[0])
