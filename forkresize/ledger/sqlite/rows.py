"""Rows of the ledger: conversion to records, validation, the numbers of roots, and read-ahead.

SQLite stores values of any type, and a compromised worker could write the file: rows are validated.
"""

import os
import sqlite3
import sys
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Any, NamedTuple, Self

from forkresize.ledger.base import OutputRecord
from forkresize.ledger.sqlite.connection import LedgerConnection
from forkresize.ledger.sqlite.schema import COLUMNS, NEW_COLUMNS

INVALID_ROW = "invalid row"

_QUOTED = ", ".join(f'"{column}"' for column in COLUMNS)
_FORMER = ", ".join("NULL" if column in NEW_COLUMNS else f'"{column}"' for column in COLUMNS)
_VALUES = ", ".join("?" * len(COLUMNS))

_WINDOW = 512
"""Maximum number of rows to read ahead."""

_CACHED_ROOTS = 1024
"""Maximum number of directories of sources to hold in memory."""

_LATEST = 2**63 - 1
"""Nanoseconds since the epoch that an SQLite integer can hold: in the year 2262."""

_ENCODING = sys.getfilesystemencoding()

# Another shard may have added it.
_ADD_ROOT = "INSERT INTO roots (path) VALUES (?) ON CONFLICT (path) DO UPDATE SET path = path RETURNING number"

Row = tuple[Any, ...]


class Statements(NamedTuple):
    """The statements on the outputs of one destination.

    Attributes:
        read: ends with a condition, which may be extended.
        write: the columns of a row are its parameters.
        delete: the path is its parameter.
    """

    read: str
    write: str
    delete: str

    @classmethod
    def of(cls, db: LedgerConnection, destination: int) -> Self:
        """Return the statements for a destination of a ledger, which may be of a former version."""
        columns, condition = (_FORMER, "1") if db.version == 1 else (_QUOTED, f"destination = {destination}")
        return cls(
            f"SELECT {columns} FROM outputs WHERE {condition} AND",  # noqa: S608 -- names and a number of ours.
            f"INSERT OR REPLACE INTO outputs VALUES ({destination}, {_VALUES})",  # noqa: S608 -- numbers of ours.
            f"DELETE FROM outputs WHERE {condition} AND path = ?",  # noqa: S608 -- a number of ours.
        )


def encode(key: str) -> bytes:
    """Return a key as the ledger stores it, which decides the order."""
    return key.encode(_ENCODING, "surrogateescape")


def clamp_mtime(mtime_ns: int) -> int:
    """Clamp an mtime to SQLite's 64-bit range. The result never equals a real mtime: the file counts as changed."""
    return max(-_LATEST, min(mtime_ns, _LATEST))


def check_integers(rows: Iterable[Row]) -> Iterator[Row]:
    """Yield rows whose columns are integers.

    Raises:
        DatabaseError: a row is different.
    """
    for row in rows:
        if not all(map(_is_int, row)):
            raise sqlite3.DatabaseError(INVALID_ROW)
        yield row


class Roots:
    """The directories of sources. Rows refer to them by number; another shard may add some at any time."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db
        self.number_of = lru_cache(_CACHED_ROOTS)(self._number_of)
        self.path_of = lru_cache(_CACHED_ROOTS)(self._path_of)

    def _number_of(self, path: str) -> int:
        """Return the number of a directory, which is added if it is new."""
        (number,) = self._db.execute(_ADD_ROOT, (os.fsencode(path),)).fetchone()
        return int(number)

    def _path_of(self, number: Any) -> str:
        """Return the path of a directory.

        Raises:
            DatabaseError: there is no such number, or it has no path.
        """
        row = self._db.execute("SELECT path FROM roots WHERE number = ?", (number,)).fetchone()
        if row is None or not isinstance(row[0], bytes):
            raise sqlite3.DatabaseError(INVALID_ROW)
        return os.fsdecode(row[0])


def record_from_row(row: Row, key: str, roots: Roots) -> OutputRecord:
    """Return the record that a row holds.

    Raises:
        DatabaseError: the row is invalid.
    """
    source = row[2]
    if not isinstance(source, bytes) or b"\0" in source:
        raise sqlite3.DatabaseError(INVALID_ROW)
    record = OutputRecord._make((key, roots.path_of(row[1]), source.decode(_ENCODING, "surrogateescape"), *row[3:]))
    if not _is_valid(record):
        raise sqlite3.DatabaseError(INVALID_ROW)
    return record


def located_record_from_row(row: Row, roots: Roots, *, is_directory: bool = True) -> OutputRecord:
    """Return the record that a row holds, if it names and measures files, and its output lies below the destination.

    Args:
        row: what was read.
        roots: of the ledger.
        is_directory: whether the destination is one; the keys of objects may have empty parts.

    Raises:
        DatabaseError: the row is invalid.
    """
    path, _, source, *_ = row
    if not (isinstance(path, bytes) and isinstance(source, bytes)):
        raise sqlite3.DatabaseError(INVALID_ROW)
    record = record_from_row(row, os.fsdecode(path), roots)
    measured = (record.source_size, record.source_mtime_ns, record.size)
    if b"\0" in path or (is_directory and {b"", b".", b".."} & {*path.split(b"/")}) or not all(map(_is_int, measured)):
        raise sqlite3.DatabaseError(INVALID_ROW)
    return record


def row_from_record(record: OutputRecord, roots: Roots) -> Row:
    """Return the row to write for a record."""
    if not (0 <= record.source_mtime_ns <= _LATEST and 0 <= record.mtime_ns <= _LATEST and record.error.isascii()):
        record = record._replace(
            source_mtime_ns=clamp_mtime(record.source_mtime_ns),
            mtime_ns=clamp_mtime(record.mtime_ns),
            # Names in it may contain any bytes; SQLite's text is UTF-8.
            error=record.error.encode(errors="backslashreplace").decode(),
        )
    key, root, source, *rest = record
    return encode(key), roots.number_of(root), encode(source), *rest


class ReadAhead:
    """Rows read ahead: keys are mostly asked for in order, and one query for many rows takes a tenth of the time.

    Attributes:
        rows: by path; all that exist among those that are covered.
    """

    def __init__(self, db: sqlite3.Connection, statements: Statements) -> None:
        self._db = db
        self._statement = f"{statements.read} path >= ? ORDER BY path LIMIT ?"
        self.rows: dict[bytes, Row] = {}
        self._last = b""
        self._first = b""
        self._reaches_end = False
        self._ahead = 1

    def covers(self, path: bytes) -> bool:
        """Return whether the row of a path is held if it exists."""
        return self._first <= path and (self._reaches_end or path <= self._last)

    def read(self, path: bytes) -> None:
        """Read the row of a path and those after it."""
        # Keys asked for out of order are looked up one by one; in order, twice as many each time.
        self._ahead = min(2 * self._ahead, _WINDOW) if self._last and path > self._last else 1
        rows = self._db.execute(self._statement, (path, self._ahead))
        self.rows = {row[0]: row for row in rows}
        # If no later row exists, as in a new ledger, every later path is covered.
        self._reaches_end = len(self.rows) < self._ahead
        self._first = path
        self._last = max(next(reversed(self.rows), path), path)

    def invalidate(self, paths: Iterable[bytes]) -> None:
        """Drop the rows that were read if one of these has changed."""
        if any(map(self.covers, paths)):
            self.rows, self._first, self._last, self._reaches_end = {}, b"", b"", False


def _is_valid(record: Any) -> bool:
    # Most rows are of outputs that were written; nothing of those is reported.
    return (
        isinstance(record.run, int)
        and all(isinstance(tag, str | None) for tag in record[-4:])
        and (
            record.status == "written"
            or (
                record.status in {"skipped", "failed"}
                and isinstance(record.reason, str | None)
                and isinstance(record.error, str)
                and isinstance(record.signal, str | None)
                and isinstance(record.limit_value, float | int | None)
            )
        )
    )


def _is_int(value: Any) -> bool:
    return isinstance(value, int)
