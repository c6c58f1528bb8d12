"""Rows of the table of outputs: conversion to records and back, and writing many of them at once."""

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import lru_cache
from typing import Any

from forkresize.ledger.base import OutputRecord
from forkresize.ledger.postgres.database import Cursor
from forkresize.ledger.postgres.migrate import SCHEMA
from forkresize.ledger.scripts import read_scripts

SCRIPTS = read_scripts("forkresize.ledger.postgres.migrations")

Row = tuple[Any, ...]

_LATEST = 2**63 - 1
_CACHED_ROOTS = 1024

_COLUMNS = ", ".join(OutputRecord._fields)

# The version is in the name: a pooler keeps sessions for several versions of this program.
_BATCH = f"forkresize_outputs_{len(SCRIPTS)}"
_CREATE_BATCH = f"CREATE TEMPORARY TABLE IF NOT EXISTS {_BATCH} (LIKE {SCHEMA}.output) ON COMMIT DELETE ROWS"
_COPY = f"COPY pg_temp.{_BATCH} (destination, {_COLUMNS}) FROM STDIN (FORMAT BINARY)"
_TYPES = (
    *("int4", "bytea", "int4", "bytea", "int8", "int8", "bytea", "bytea", "text", "text", "text", "text"),
    *("int2", "float8", "int4", "int8", "int8", "int8", "int4", "int4", "text", "bytea"),
    *("text", "text", "text", "text"),
)
_CHANGES = ", ".join(f"{name} = excluded.{name}" for name in OutputRecord._fields if name != "key")
# In the order of keys: two transactions that write the same rows wait for each other, and do not deadlock.
_UPSERT = f"""
INSERT INTO {SCHEMA}.output (destination, {_COLUMNS})
SELECT destination, {_COLUMNS} FROM pg_temp.{_BATCH} ORDER BY key
ON CONFLICT (destination, key) DO UPDATE SET {_CHANGES}
"""  # noqa: S608 -- names of ours.

READ = f"SELECT {_COLUMNS} FROM {SCHEMA}.output"  # noqa: S608 -- names of ours.

_ADD_ROOT = f"""
INSERT INTO {SCHEMA}.root (path) VALUES (%s) ON CONFLICT (path) DO UPDATE SET path = excluded.path RETURNING id
"""  # noqa: S608 -- a name of ours.
_FIND_ROOT = f"SELECT id FROM {SCHEMA}.root WHERE path = %s"  # noqa: S608 -- a name of ours.
_ROOT_PATH = f"SELECT path FROM {SCHEMA}.root WHERE id = %s"  # noqa: S608 -- a name of ours.


class Roots:
    """The directories of sources, which rows refer to by number. Rows of roots never change, so they are cached.

    Args:
        query: executes a statement, and returns its only row, if there is one.
    """

    def __init__(self, query: Callable[[str, object], Row | None]) -> None:
        self._query = query
        self.number_of = lru_cache(_CACHED_ROOTS)(self._number_of)
        self.path_of = lru_cache(_CACHED_ROOTS)(self._path_of)

    def _number_of(self, path: str) -> int:
        """Return the number of a directory, which is added if it is new."""
        name = os.fsencode(path)
        # An upsert writes to the table even if it has the row.
        row = self._query(_FIND_ROOT, name) or self._query(_ADD_ROOT, name)
        return int(row[0]) if row else 0

    def _path_of(self, number: int) -> str:
        row = self._query(_ROOT_PATH, number)
        return os.fsdecode(row[0]) if row else ""


def write_rows(cursor: Cursor, rows: Sequence[Row]) -> None:
    """Add or replace rows: COPY to a temporary table, and one statement for all of them."""
    cursor.execute(_CREATE_BATCH)
    with cursor.copy(_COPY) as copy:
        copy.set_types(_TYPES)
        for row in rows:
            copy.write_row(row)
    cursor.execute(_UPSERT)


def row_from_record(record: OutputRecord, destination: int, roots: Roots) -> Row:
    """Return the row to write for a record."""
    key, root, source, *rest = record._replace(
        reason=_text(record.reason),
        error=_text(record.error) or "",
        source_mtime_ns=_clamp(record.source_mtime_ns),
        mtime_ns=_clamp(record.mtime_ns),
    )
    return (destination, os.fsencode(key), roots.number_of(root), os.fsencode(source), *rest)


def records_from_rows(rows: Iterable[Row], roots: Roots) -> Iterator[OutputRecord]:
    """Yield the records that rows hold."""
    for key, root, source, *rest in rows:
        yield OutputRecord(os.fsdecode(key), roots.path_of(root), os.fsdecode(source), *rest)


def _clamp(mtime_ns: int) -> int:
    """Clamp an mtime to 64 bits. The result never equals a real mtime: the file counts as changed."""
    return max(-_LATEST, min(mtime_ns, _LATEST))


def _text(text: str | None) -> str | None:
    """Return a text that PostgreSQL can hold: names in a message may contain any bytes but NUL."""
    return None if text is None else text.replace("\0", "\\x00").encode(errors="backslashreplace").decode()
