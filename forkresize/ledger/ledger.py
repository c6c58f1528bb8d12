"""What is remembered between runs: Ledger keeps it in a file, Forgetful keeps nothing. Neither judges an output."""

import contextlib
import os
import sqlite3
import sys
import time
from collections.abc import Iterable, Iterator
from typing import Any, Protocol, Self

from forkresize.errors import LedgerError
from forkresize.ledger.read_ahead import INVALID_ROW, READ, ReadAhead, record_from_row
from forkresize.ledger.record import OutputRecord, is_placed
from forkresize.ledger.schema import close_cleanly, connect, ledger_path, translate_sqlite_errors

_BATCH = 500
"""So many entries are written at once."""

_FLUSH_INTERVAL = 1.0
"""Seconds that an entry waits at most for others to be written with it."""

_CLOCK_TOLERANCE_NS = 2_000_000_000
"""Nanoseconds by which a file system's clock may differ from this machine's."""

_ENCODING = sys.getfilesystemencoding()

# Another shard may have added it since.
_ADD_ROOT = "INSERT INTO roots (path) VALUES (?) ON CONFLICT (path) DO UPDATE SET path = path RETURNING number"
_INTERRUPTED_RUNS = (
    "SELECT number, started_ns, coalesce(ended_ns, ?) FROM runs WHERE broken OR (ended_ns IS NULL AND number != ?)"
)
_WRITE = f"INSERT OR REPLACE INTO outputs VALUES ({', '.join('?' * len(OutputRecord._fields))})"  # noqa: S608 -- likewise.


class LedgerStore(Protocol):
    """What a run asks of what it remembers."""

    def entry(self, path: str) -> OutputRecord | None:
        """Return what is known of the output at a path; None if nothing is."""

    def note(self, entries: Iterable[OutputRecord]) -> None:
        """Remember what became of some outputs."""

    def root(self, path: str) -> int:
        """Return the number of a directory that sources lie in."""

    def may_be_incomplete(self, run: int, ctime_ns: int) -> bool:
        """Whether a file that was changed then may be the work of a run that was killed before it could note it.

        Args:
            run: number of the run that noted it last; 0 if none did.
            ctime_ns: time of the file's last change, which nobody can set.
        """

    def below(self, path: str) -> bytes:
        """Return where an output lies below the destination."""

    def close(self) -> None:
        """Take note that the run came to its end."""

    @property
    def run(self) -> int:
        """Number of this run."""

    @property
    def persistent(self) -> bool:
        """Whether a later run will know what is noted."""


class NullLedger:
    """Remembers nothing."""

    run = 0
    persistent = False

    def entry(self, _path: str) -> None:
        """Know of nothing."""

    def note(self, entries: Iterable[OutputRecord]) -> None:
        """Forget it."""

    def root(self, _path: str) -> int:
        """Return no number of any root."""
        return 0

    def may_be_incomplete(self, _run: int, _ctime_ns: int) -> bool:
        """Doubt nothing: there is nothing to say otherwise."""
        return False

    def below(self, path: str) -> bytes:
        """Return the path as it is."""
        return os.fsencode(path)

    def close(self) -> None:
        """Take note of nothing."""


class SqliteLedger:
    """The file below a destination that says what was made there.

    What is noted is written in batches: a process that is killed forgets the last of them, and the next run makes
    again what that one may have made.
    """

    def __init__(self, destination: str, *, read_only: bool = False, durable: bool = False) -> None:
        """Open the ledger of a destination that this process holds; it is made if it is missing.

        Args:
            destination: the directory that all outputs lie below.
            read_only: whether nothing may be written; then the destination need not be held.
            durable: whether every note has to survive a power cut the moment it is made.

        Raises:
            LedgerError: it is damaged, can't be written, or was made by a later version.
        """
        self._destination = destination
        self._file = ledger_path(destination)
        self._read_only = read_only
        self.persistent = not read_only
        self._durable = durable
        self._db = connect(self._file, read_only=read_only, durable=durable)
        self._pending: dict[bytes, OutputRecord] = {}
        self._since = 0.0
        self._closed = False
        self._window = ReadAhead(self._db)
        with contextlib.ExitStack() as cleanup, translate_sqlite_errors(self._file):
            cleanup.callback(self._db.close)
            self._roots: dict[bytes, int] = dict(
                _checked_rows(self._db.execute("SELECT path, number FROM roots"), bytes)
            )
            self.run = 0 if read_only else self._begin()
            self._broken = list(_checked_rows(self._db.execute(_INTERRUPTED_RUNS, (time.time_ns(), self.run)), int))
            cleanup.pop_all()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def below(self, path: str) -> bytes:
        """Return where an output lies below the destination."""
        return path.removeprefix(self._destination).lstrip("/").encode(_ENCODING, "surrogateescape")

    def entry(self, path: str) -> OutputRecord | None:
        """Return what is known of the output at a path; None if nothing is."""
        below = self.below(path)
        if self._pending and (noted := self._pending.get(below)):
            return noted
        if self._window.covers(below):
            return self._window.held.get(below)
        with translate_sqlite_errors(self._file):
            return self._window.get(below)

    def root(self, path: str) -> int:
        """Return the number of a directory that sources lie in; 0 if it is new to a ledger that is only read."""
        name = os.fsencode(path)
        if name not in self._roots and not self._read_only:
            with translate_sqlite_errors(self._file):
                (number,) = self._db.execute(_ADD_ROOT, (name,)).fetchone()
            self._roots[name] = number
        return self._roots.get(name, 0)

    def may_be_incomplete(self, run: int, ctime_ns: int) -> bool:
        """Whether a file that was changed then may be the work of a run that was killed before it could note it."""
        # A run that ended before it started saw the clock set back: it may have made what bears any time.
        return any(
            run < number
            and (ended < started or started - _CLOCK_TOLERANCE_NS <= ctime_ns <= ended + _CLOCK_TOLERANCE_NS)
            for number, started, ended in self._broken
        )

    def note(self, entries: Iterable[OutputRecord]) -> None:
        """Remember what became of some outputs."""
        for entry in entries:
            self._pending[entry.path] = entry
        now = time.monotonic()
        self._since = self._since or now
        if self._durable or len(self._pending) >= _BATCH or now - self._since >= _FLUSH_INTERVAL:
            self.flush()

    def forget(self, paths: Iterable[bytes]) -> None:
        """Remove the entries of some outputs."""
        self.flush()
        with translate_sqlite_errors(self._file), self._db:
            self._db.execute("BEGIN")
            self._db.executemany("DELETE FROM outputs WHERE path = ?", ((path,) for path in paths))
        self._window.clear()

    def entries(self) -> Iterator[tuple[str, str, OutputRecord]]:
        """Yield all that is known, in the order of the outputs: root, place of the source in it, and entry."""
        self.flush()
        roots = {number: os.fsdecode(path) for path, number in self._roots.items()}
        with translate_sqlite_errors(self._file):
            for row in self._db.execute(f"{READ} ORDER BY path"):
                entry = record_from_row(row)
                if not is_placed(entry) or entry.root not in roots:
                    raise sqlite3.DatabaseError(INVALID_ROW)
                yield roots[entry.root], os.fsdecode(entry.source), entry

    def flush(self) -> None:
        """Write what was noted."""
        if self._pending and not self._read_only:
            try:
                with translate_sqlite_errors(self._file), self._db:
                    self._db.execute("BEGIN IMMEDIATE")
                    self._db.executemany(_WRITE, self._pending.values())
            except LedgerError:
                # Whoever holds it has been waited for.
                self._db.execute("PRAGMA busy_timeout = 0")
                raise
            for path in self._pending:
                self._window.drop(path)
            self._pending = {}
        self._since = 0.0

    def close(self) -> None:
        """Write what was noted, say that the run came to its end, and close the file; once is enough."""
        if self._closed:
            return
        self._closed = True
        if self._read_only:
            self._db.close()
            return
        try:
            self.flush()
            with translate_sqlite_errors(self._file):
                self._db.execute(
                    "UPDATE runs SET ended_ns = ?, broken = 0 WHERE number = ?", (time.time_ns(), self.run)
                )
        finally:
            close_cleanly(self._db)

    def _begin(self) -> int:
        now = time.time_ns()
        with self._db:
            self._db.execute("BEGIN IMMEDIATE")
            (number,) = self._db.execute("SELECT coalesce(max(number), 0) + 1 FROM runs").fetchone()
            # A shard that is still at work is taken for broken, too, until it ends.
            self._db.execute("UPDATE runs SET ended_ns = ?, broken = 1 WHERE ended_ns IS NULL", (now,))
            self._db.execute("DELETE FROM runs WHERE NOT broken")
            self._db.execute("INSERT INTO runs VALUES (?, ?, NULL, 0)", (number, now))
        return int(number)


def _checked_rows(rows: Iterable[tuple[Any, ...]], first: type) -> Iterator[tuple[Any, ...]]:
    """Yield rows of which the first column is of this type, and the others are numbers.

    Raises:
        DatabaseError: one is not.
    """
    for row in rows:
        if not (isinstance(row[0], first) and all(isinstance(value, int) for value in row[1:])):
            raise sqlite3.DatabaseError(INVALID_ROW)
        yield row
