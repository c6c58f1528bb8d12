"""PostgresLedger: the records of one destination in a database that many destinations and processes share."""

import itertools
import os
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import suppress
from functools import partial
from typing import Self

from forkresize.errors import LedgerError
from forkresize.ledger.base import InterruptedRun, OutputRecord, OutputStates
from forkresize.ledger.place import DestinationName
from forkresize.ledger.postgres.cluster_runs import ClusterRuns
from forkresize.ledger.postgres.database import Cursor, Database, Timeouts
from forkresize.ledger.postgres.errors import ConnectionLostError
from forkresize.ledger.postgres.lock import DestinationLock
from forkresize.ledger.postgres.migrate import SCHEMA, check_version, migrate, version
from forkresize.ledger.postgres.rows import (
    READ,
    SCRIPTS,
    Roots,
    Row,
    records_from_rows,
    row_from_record,
    write_rows,
)
from forkresize.ledger.postgres.run_rows import begin_run, end_run, read_interrupted, read_number

COMPONENT = "ledger"
"""Of the tables in ``migrations/``."""

_BATCH = 2000
"""Number of records to write at once, and of rows to read at once."""

_FLUSH_INTERVAL = 1.0
"""Maximum seconds that a record waits for others to be written with it."""

_MAX_PENDING = 100_000
"""Maximum number of records to keep while the database is gone; after that, the run waits for it."""

# The statements take the numbers of destinations, so none of them depends on the user.
_FIND = f"SELECT id FROM {SCHEMA}.destination WHERE name = %s"  # noqa: S608
_ADD = f"""
INSERT INTO {SCHEMA}.destination (name, label) VALUES (%s, %s)
ON CONFLICT (name) DO UPDATE SET name = excluded.name RETURNING id
"""  # noqa: S608
_READ_KEYS = f"{READ} WHERE destination = %s AND key = ANY(%s)"
_READ_PAGE = f"{READ} WHERE destination = %s AND key > %s AND key >= %s ORDER BY key LIMIT {_BATCH}"
_FORGET = f"DELETE FROM {SCHEMA}.output WHERE destination = %s AND key = ANY(%s)"  # noqa: S608


class PostgresLedger:
    """The ledger of a destination in a database. Only the thread and the process that created it may use it.

    While the connection is lost, records are kept, and written when it is back. A process that is killed loses its last
    batch; the next run re-creates what that process may have made.
    """

    prefers_prefetch = True

    def __init__(
        self,
        url: str,
        destination: DestinationName,
        *,
        read_only: bool = False,
        durable: bool = False,
        timeouts: Timeouts | None = None,
    ) -> None:
        """Open the ledger; see ``open_ledger``."""
        self.run = 0
        self.persistent = not read_only
        self._durable = durable
        self._database = Database(url, timeouts or Timeouts())
        self._name = destination
        self._destination = 0
        self._lock: DestinationLock | None = None
        self._joined = False
        self._closed = False
        self._pending: dict[str, OutputRecord] = {}
        self._pending_since = 0.0
        self._prefetched: dict[str, OutputRecord | None] = {}
        self._interrupted: tuple[InterruptedRun, ...] = ()
        self._roots = Roots(self._query_row)
        try:
            self._open(destination)
        except BaseException:
            self._database.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def hold(
        self, shard: str | None, timeout: float, on_wait: Callable[[], object], *, on_cluster: bool = False
    ) -> None:
        """Hold the destination for one run, or for one shard of it, until the ledger is closed."""
        if not self.persistent:
            return
        deadline = time.monotonic() + timeout
        self._lock = DestinationLock(self._database, self._destination, shard)
        self._lock.acquire(timeout, on_wait)
        if not on_cluster:
            runs = ClusterRuns(self._database, self._destination, self._name)
            runs.wait(shard, max(0.0, deadline - time.monotonic()), on_wait)

    def watch(self, on_pause: Callable[[], object]) -> None:
        """Call a function again and again while a lost connection is waited for. What it raises ends the wait."""
        self._database.on_pause = on_pause

    def begin_run(self) -> None:
        """Start a run with a new number; nothing happens if the ledger is only read."""
        if self.persistent:
            # If the connection is lost after the commit, a run of no work is left, which older records alone mind.
            self.run = self._database.run(lambda cursor: begin_run(cursor, self._destination))
            self._database.run(self._load_interrupted)

    def join_run(self, number: int) -> None:
        """Record for a run that another process has begun, and will end."""
        self.run, self._joined = number, True

    def interrupted_runs(self) -> tuple[InterruptedRun, ...]:
        """Return the other runs that were interrupted, as of the start of this run."""
        return self._interrupted

    def get(self, key: str) -> OutputRecord | None:
        """Return the record of an output; None if there is none."""
        if key in self._pending:
            return self._pending[key]
        if key not in self._prefetched:
            return self.get_many([key]).get(key)
        return self._prefetched[key]

    def get_many(self, keys: Collection[str]) -> dict[str, OutputRecord]:
        """Return the records of some outputs by key; of those that have one."""
        found: dict[str, OutputRecord] = {}
        unknown = [key for key in keys if key not in self._pending] if self._destination else []
        for batch in _batches(unknown):
            paths = [os.fsencode(key) for key in batch]
            rows = self._query(_READ_KEYS, self._destination, paths)
            found.update((record.key, record) for record in records_from_rows(rows, self._roots))
        found.update((key, self._pending[key]) for key in keys if key in self._pending)
        return found

    def match(self, _states: OutputStates) -> None:
        """Return None."""

    def prefetch(self, keys: Collection[str]) -> None:
        """Look up outputs that ``get`` is about to be called for; they replace those of the former call."""
        self._prefetched = {}
        self._prefetched = {**dict.fromkeys(keys), **self.get_many(keys)}

    def record(self, records: Iterable[OutputRecord]) -> None:
        """Add or replace records; they are written once there are many, or after a second."""
        self._pending.update((record.key, record) for record in records)
        now = time.monotonic()
        self._pending_since = self._pending_since or now
        if self._durable or len(self._pending) >= _MAX_PENDING:
            self.flush()
        elif (
            len(self._pending) >= _BATCH or now - self._pending_since >= _FLUSH_INTERVAL
        ) and not self._database.is_pausing:
            with suppress(ConnectionLostError):
                self.flush(wait=False)

    def forget(self, keys: Iterable[str]) -> None:
        """Remove the records of some outputs."""
        self.flush()
        for batch in _batches(list(keys) if self._destination and self.persistent else []):
            paths = sorted(os.fsencode(key) for key in batch)
            self._database.run(partial(Cursor.execute, query=_FORGET, params=(self._destination, paths)))
            self._prefetched.update(dict.fromkeys(batch))

    def iter_records(self, prefix: str = "", after: str = "") -> Iterator[OutputRecord]:
        """Yield the records whose keys start with a prefix and sort after a key, in the order of the keys' bytes."""
        self.flush()
        start, last = os.fsencode(prefix), os.fsencode(after)
        rows: Sequence[Row] = [()] * _BATCH if self._destination else []
        while len(rows) == _BATCH:
            rows = self._query(_READ_PAGE, self._destination, last, start)
            for row in rows:
                if not row[0].startswith(start):
                    return
                yield from records_from_rows([row], self._roots)
            last = rows[-1][0] if rows else last

    def flush(self, *, wait: bool = True) -> None:
        """Write the pending records.

        Args:
            wait: whether to wait if the connection is lost.

        Raises:
            ConnectionLostError: it is lost, and the call did not wait.
        """
        if self._pending and self.persistent:
            # New roots are added before the transaction.
            rows = [row_from_record(record, self._destination, self._roots) for record in self._pending.values()]
            self._database.run(partial(self._write, rows=rows), wait=wait)
            self._prefetched.update((key, record) for key, record in self._pending.items() if key in self._prefetched)
            self._pending = {}
        self._pending_since = 0.0

    def close(self) -> None:
        """Write the pending records, mark the run as ended properly, and close the connections; may be called again."""
        if self._closed:
            return
        self._closed = True
        try:
            self.flush()
            if self.run and not self._joined:
                self._database.run(lambda cursor: end_run(cursor, self.run))
        finally:
            if self._lock is not None:
                self._lock.release()
            self._database.close()

    def _open(self, destination: DestinationName) -> None:
        name, label = os.fsencode(destination.name), os.fsencode(destination.label)
        if self.persistent:
            migrate(self._database, COMPONENT, SCRIPTS)
            found = self._database.run(lambda cursor: read_number(cursor, _FIND, name))
            self._destination = found or self._database.run(lambda cursor: read_number(cursor, _ADD, name, label))
        elif self._database.run(self._has_tables):
            self._destination = self._database.run(lambda cursor: read_number(cursor, _FIND, name))
        if self._destination:
            self._database.run(self._load_interrupted)

    def _has_tables(self, cursor: Cursor) -> bool:
        found = version(cursor, COMPONENT)
        check_version(COMPONENT, found, len(SCRIPTS))
        if 0 < found < len(SCRIPTS):
            raise LedgerError(
                f"the tables of {self._database.name} are of a former version: run without a dry run once"
            )
        return found > 0

    def _load_interrupted(self, cursor: Cursor) -> None:
        self._interrupted = read_interrupted(cursor, self._destination, self.run)

    def _write(self, cursor: Cursor, rows: Sequence[Row]) -> None:
        if self._lock is not None:
            self._lock.check()
        write_rows(cursor, rows)

    def _query_row(self, statement: str, parameter: object) -> Row | None:
        return next(iter(self._query(statement, parameter)), None)

    def _query(self, statement: str, *parameters: object) -> list[Row]:
        return self._database.run(lambda cursor: cursor.execute(statement, parameters).fetchall())


def _batches(keys: Collection[str]) -> Iterator[list[str]]:
    remaining = iter(keys)
    while batch := list(itertools.islice(remaining, _BATCH)):
        yield batch
