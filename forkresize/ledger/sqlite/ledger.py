"""SqliteLedger: records in a file below the destination, written in batches."""

import contextlib
import itertools
import sqlite3
import time
from collections.abc import Callable, Collection, Iterable, Iterator
from typing import Self

from forkresize.errors import LedgerError
from forkresize.ledger.base import InterruptedRun, OutputRecord, OutputStates
from forkresize.ledger.sqlite.matching import match_rows
from forkresize.ledger.sqlite.rows import (
    ReadAhead,
    Roots,
    Statements,
    check_integers,
    encode,
    located_record_from_row,
    record_from_row,
    row_from_record,
)
from forkresize.ledger.sqlite.schema import close_cleanly, connect, ledger_path

_BATCH = 500
"""Maximum number of records to write at once."""

_FLUSH_INTERVAL = 1.0
"""Maximum seconds that a record waits for others to be written with it."""

_MAX_INTERRUPTED = 1000
"""Maximum number of interrupted runs that are distinguished; older ones are combined."""

_INTERRUPTED_RUNS = f"""
SELECT number, started_ns, coalesce(ended_ns, ?) FROM runs WHERE {{}} AND (broken OR (ended_ns IS NULL AND number != ?))
ORDER BY number DESC LIMIT {_MAX_INTERRUPTED}
"""  # noqa: S608 -- a number of ours.
_BREAK_RUNS = "UPDATE runs SET ended_ns = ?, broken = 1 WHERE ended_ns IS NULL AND destination = ?"
_ADD_DESTINATION = """
INSERT INTO destinations (name) VALUES (?) ON CONFLICT (name) DO UPDATE SET name = name RETURNING number
"""


class SqliteLedger:
    """The ledger of a destination that this process holds, or only reads. Several destinations may share a file.

    A process that is killed loses its last batch; the next run re-creates what that process may have made.
    """

    prefers_prefetch = False

    def __init__(
        self, destination: str, *, path: str | None = None, read_only: bool = False, durable: bool = False
    ) -> None:
        """Open the ledger; see ``open_ledger``. To read only, the destination need not be held.

        Args:
            destination: a directory, or with a path, the name of the destination in that file.
            path: of the file; None for the one below the destination.
            read_only: whether nothing may be written.
            durable: whether every record has to survive a power failure as soon as it is made.
        """
        self.run = 0
        self._joined = False
        self._is_local = path is None
        self.persistent = not read_only
        self._durable = durable
        self._pending: dict[str, OutputRecord] = {}
        self._pending_since = 0.0
        self._closed = False
        self._interrupted: tuple[InterruptedRun, ...] = ()
        self._db = connect(path or ledger_path(destination), read_only=read_only, durable=durable)
        with contextlib.ExitStack() as cleanup, self._db.translate_errors():
            cleanup.callback(self._db.close)
            self._roots = Roots(self._db)
            # The file below a destination holds no other, and the destination may be moved.
            self._destination = 0 if path is None else self._find_destination(encode(destination))
            self._statements = Statements.of(self._db, self._destination)
            self._read_ahead = ReadAhead(self._db, self._statements)
            self._load_interrupted_runs()
            cleanup.pop_all()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def hold(
        self, shard: str | None, timeout: float, on_wait: Callable[[], object], *, on_cluster: bool = False
    ) -> None:
        """Do nothing: the lock of the destination is enough."""

    def watch(self, on_pause: Callable[[], object]) -> None:
        """Do nothing: no database is waited for."""

    def begin_run(self) -> None:
        """Start a run with a new number; nothing happens if the ledger is only read."""
        if not self.persistent:
            return
        now = time.time_ns()
        with self._db.translate_errors():
            with self._db:
                self._db.execute("BEGIN IMMEDIATE")
                (number,) = self._db.execute("SELECT coalesce(max(number), 0) + 1 FROM runs").fetchone()
                # A shard that is still running counts as interrupted, too, until it ends.
                self._db.execute(_BREAK_RUNS, (now, self._destination))
                self._db.execute("DELETE FROM runs WHERE NOT broken AND destination = ?", (self._destination,))
                self._db.execute("INSERT INTO runs VALUES (?, ?, NULL, 0, ?)", (number, now, self._destination))
            self.run = int(number)
            self._load_interrupted_runs()

    def join_run(self, number: int) -> None:
        """Record for a run that another process has begun, and will end."""
        self.run, self._joined = number, True

    def interrupted_runs(self) -> tuple[InterruptedRun, ...]:
        """Return the other runs that were interrupted, as of the start of this run."""
        return self._interrupted

    def get(self, key: str) -> OutputRecord | None:
        """Return the record of an output; None if there is none."""
        if self._pending and (record := self._pending.get(key)):
            return record
        path = encode(key)
        if not self._read_ahead.covers(path):
            with self._db.translate_errors():
                self._read_ahead.read(path)
        row = self._read_ahead.rows.get(path)
        if row is None:
            return None
        try:
            return record_from_row(row, key, self._roots)
        except sqlite3.DatabaseError:
            with self._db.translate_errors():
                raise

    def get_many(self, keys: Collection[str]) -> dict[str, OutputRecord]:
        """Return the records of some outputs by key; of those that have one."""
        found = {key: self._pending[key] for key in keys if key in self._pending}
        unknown = iter([key for key in keys if key not in found])
        while batch := list(itertools.islice(unknown, _BATCH)):
            statement = f"{self._statements.read} path IN ({', '.join('?' * len(batch))})"
            with self._db.translate_errors():
                for row in self._db.execute(statement, [encode(key) for key in batch]):
                    record = located_record_from_row(row, self._roots, is_directory=self._is_local)
                    found[record.key] = record
        return found

    def match(self, states: OutputStates) -> list[int | None] | None:
        """Return for each output the run that recorded it with this state; see ``LedgerStore``."""
        if self._db.version == 1:
            return None
        if not states.keys or not self._pending.keys().isdisjoint(states.keys):
            return [None] * len(states.keys)
        with self._db.translate_errors():
            return match_rows(self._db, self._destination, states)

    def prefetch(self, keys: Collection[str]) -> None:
        """Do nothing: rows are read ahead."""

    def record(self, records: Iterable[OutputRecord]) -> None:
        """Add or replace records; they are written once there are many, or after a second."""
        self._pending.update((record.key, record) for record in records)
        now = time.monotonic()
        self._pending_since = self._pending_since or now
        if self._durable or len(self._pending) >= _BATCH or now - self._pending_since >= _FLUSH_INTERVAL:
            self.flush()

    def forget(self, keys: Iterable[str]) -> None:
        """Remove the records of some outputs."""
        self.flush()
        paths = [encode(key) for key in keys]
        with self._db.translate_errors(), self._db:
            self._db.execute("BEGIN")
            self._db.executemany(self._statements.delete, ((path,) for path in paths))
        self._read_ahead.invalidate(paths)

    def iter_records(self, prefix: str = "", after: str = "") -> Iterator[OutputRecord]:
        """Yield the records whose keys start with a prefix and sort after a key, in the order of their keys' bytes."""
        self.flush()
        start = encode(prefix)
        statement = f"{self._statements.read} path >= ? AND path > ? ORDER BY path"
        with self._db.translate_errors():
            for row in self._db.execute(statement, (start, encode(after))):
                record = located_record_from_row(row, self._roots, is_directory=self._is_local)
                if not row[0].startswith(start):
                    return
                yield record

    def flush(self) -> None:
        """Write the pending records."""
        if self._pending and self.persistent:
            try:
                with self._db.translate_errors():
                    # New roots are added before the transaction, which may be rolled back.
                    rows = [row_from_record(record, self._roots) for record in self._pending.values()]
                    with self._db:
                        self._db.execute("BEGIN IMMEDIATE")
                        self._db.executemany(self._statements.write, rows)
            except LedgerError:
                # The process that holds the lock has been waited for.
                self._db.execute("PRAGMA busy_timeout = 0")
                raise
            self._read_ahead.invalidate(map(encode, self._pending))
            self._pending = {}
        self._pending_since = 0.0

    def close(self) -> None:
        """Write the pending records, mark the run as ended properly, and close the file; may be called again."""
        if self._closed:
            return
        self._closed = True
        if not self.persistent:
            self._db.close()
            return
        try:
            self.flush()
            with self._db.translate_errors():
                ended = (time.time_ns(), 0 if self._joined else self.run)
                self._db.execute("UPDATE runs SET ended_ns = ?, broken = 0 WHERE number = ?", ended)
        finally:
            close_cleanly(self._db)

    def _find_destination(self, name: bytes) -> int:
        """Return the number of a destination, which is added if it is new; -1 if nothing may be written."""
        if self.persistent:
            row = self._db.execute(_ADD_DESTINATION, (name,)).fetchone()
        else:
            row = self._db.execute("SELECT number FROM destinations WHERE name = ?", (name,)).fetchone()
        return -1 if row is None else int(row[0])

    def _load_interrupted_runs(self) -> None:
        here = "1" if self._db.version == 1 else f"destination = {self._destination}"
        rows = self._db.execute(_INTERRUPTED_RUNS.format(here), (time.time_ns(), self.run))
        runs = [InterruptedRun(*row) for row in check_integers(rows)]
        if len(runs) == _MAX_INTERRUPTED:
            # A run that ended before it started may have made outputs of any time.
            runs[-1] = runs[-1]._replace(started_ns=0, ended_ns=-1)
        self._interrupted = tuple(runs)
