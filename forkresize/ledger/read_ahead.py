"""Entries of the ledger read ahead, and what a row has to be to be one. Writes nothing."""

import sqlite3
from typing import Any

from forkresize.ledger.record import OutputRecord, is_valid
from forkresize.ledger.schema import COLUMNS

INVALID_ROW = "a row holds what no run has written"

READ = f"SELECT {COLUMNS} FROM outputs"  # noqa: S608 -- the names of the columns are ours.

_WINDOW = 512
"""So many entries are read ahead at most."""


def record_from_row(row: tuple[Any, ...]) -> OutputRecord:
    """Return the entry that a row is.

    Raises:
        DatabaseError: it is none that a run has written.
    """
    entry = OutputRecord._make(row)
    if not is_valid(entry):
        raise sqlite3.DatabaseError(INVALID_ROW)
    return entry


class ReadAhead:
    """Entries read ahead: most paths are asked for in their order, and one query for many takes a tenth of the time."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db
        self.held: dict[bytes, OutputRecord] = {}
        self._last = b""
        self._first = b""
        self._reaches_end = False
        self._ahead = 1

    def covers(self, path: bytes) -> bool:
        """Whether what is held tells all there is of a path."""
        return self._first <= path and (self._reaches_end or path <= self._last)

    def get(self, path: bytes) -> OutputRecord | None:
        """Return what is known of the output at a path; None if nothing is."""
        if not self.covers(path):
            # Asked for in another order, each is looked up alone; in order, twice as many each time.
            self._ahead = min(2 * self._ahead, _WINDOW) if self._last and path > self._last else 1
            self._read(path)
        return self.held.get(path)

    def _read(self, path: bytes) -> None:
        rows = self._db.execute(f"{READ} WHERE path >= ? ORDER BY path LIMIT ?", (path, self._ahead))
        self.held = {row[0]: record_from_row(row) for row in rows}
        # Nothing is known of any later path, as when a ledger is new.
        self._reaches_end = len(self.held) < self._ahead
        self._first = path
        self._last = max(next(reversed(self.held), path), path)

    def drop(self, path: bytes) -> None:
        """Take note that the entry of a path has changed."""
        if self.covers(path):
            self.clear()

    def clear(self) -> None:
        """Hold nothing any more."""
        self.held, self._first, self._last, self._reaches_end = {}, b"", b"", False
