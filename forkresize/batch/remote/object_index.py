"""The metadata of objects by key, on disk: ObjectIndex."""

import os
import sqlite3
import threading
from collections.abc import Collection, Iterable
from typing import Any

from forkresize.store import ObjectInfo

_SCHEMA = """
PRAGMA journal_mode = OFF;
PRAGMA synchronous = OFF;
PRAGMA cache_size = -8000;
CREATE TABLE object (
    key BLOB PRIMARY KEY, size INTEGER, mtime_ns INTEGER, changed_ns INTEGER, etag TEXT, version TEXT
) WITHOUT ROWID;
"""

_KEYS = 500
"""Keys that are looked up at a time."""


class ObjectIndex:
    """The metadata of objects in a temporary database, which takes 8 MB of memory at most. For use by many threads."""

    def __init__(self) -> None:
        # An empty name stands for a file that SQLite deletes.
        self._database = sqlite3.connect("", isolation_level=None, check_same_thread=False)
        self._lock = threading.Lock()
        self._database.executescript(_SCHEMA)

    def add(self, objects: Iterable[ObjectInfo]) -> None:
        """Add objects."""
        with self._lock:
            self._database.execute("BEGIN")
            self._database.executemany("INSERT OR REPLACE INTO object VALUES (?, ?, ?, ?, ?, ?)", map(_row, objects))
            self._database.execute("COMMIT")

    def get(self, key: str) -> ObjectInfo | None:
        """Return an object; None if there is none."""
        return self.get_many([key]).get(key)

    def get_many(self, keys: Collection[str]) -> dict[str, ObjectInfo]:
        """Return objects by key; those that exist."""
        found: dict[str, ObjectInfo] = {}
        rest = [os.fsencode(key) for key in keys]
        for start in range(0, len(rest), _KEYS):
            some = rest[start : start + _KEYS]
            marks = ",".join("?" * len(some))
            query = f"SELECT * FROM object WHERE key IN ({marks})"  # noqa: S608  Marks only.
            with self._lock:
                rows = self._database.execute(query, some).fetchall()
            found.update((info.key, info) for info in map(_object, rows))
        return found

    def close(self) -> None:
        """Delete the database."""
        with self._lock:
            self._database.close()


def _row(info: ObjectInfo) -> tuple[Any, ...]:
    version = info.version if isinstance(info.version, str) else None
    return os.fsencode(info.key), info.size, info.mtime_ns, info.changed_ns, info.etag, version


def _object(row: tuple[Any, ...]) -> ObjectInfo:
    key, size, mtime_ns, changed_ns, etag, version = row
    return ObjectInfo(os.fsdecode(key), size, mtime_ns, changed_ns, etag=etag, version=version)
