"""The ledger's file: tables, opening, checks and error messages."""

import contextlib
import os
import sqlite3
from collections.abc import Iterator
from urllib.parse import quote_from_bytes

from forkresize.errors import LedgerError
from forkresize.ledger.base import OutputRecord
from forkresize.store import STATE_DIR

VERSION = 1
"""Of the tables; increased when they change."""

_APPLICATION = 0x46524C47
"""Marks the file as a ledger in SQLite's header: ``FRLG``."""

_FORMER_NAMES = {"key": "path", "covers_all": "whole", "limit_value": "limit"}
"""Fields of OutputRecord whose columns have other names."""

COLUMNS = tuple(_FORMER_NAMES.get(field, field) for field in OutputRecord._fields)
"""The columns of the table of outputs, in the order of the fields of OutputRecord."""

_TABLES = """
CREATE TABLE IF NOT EXISTS runs (
    number INTEGER PRIMARY KEY, started_ns INTEGER NOT NULL, ended_ns INTEGER, broken INTEGER NOT NULL
);
CREATE TABLE IF NOT EXISTS roots (number INTEGER PRIMARY KEY, path BLOB NOT NULL UNIQUE);
CREATE TABLE IF NOT EXISTS outputs (
    path BLOB PRIMARY KEY, root INTEGER NOT NULL, source BLOB NOT NULL, source_size INTEGER NOT NULL,
    source_mtime_ns INTEGER NOT NULL, source_hash BLOB, recipe BLOB NOT NULL, status TEXT NOT NULL, reason TEXT,
    error TEXT NOT NULL, signal TEXT, whole INTEGER NOT NULL, "limit" REAL, attempts INTEGER NOT NULL,
    run INTEGER NOT NULL, size INTEGER NOT NULL, mtime_ns INTEGER NOT NULL, width INTEGER, height INTEGER, format TEXT,
    hash BLOB
) WITHOUT ROWID;
"""

_BUSY_TIMEOUT = 5.0
"""Seconds to wait for another shard that writes, or a dry run that reads; signals are not handled during the wait."""

_START_OVER = "delete it to start over (existing outputs are then compared by modification time)"


def ledger_path(destination: str) -> str:
    """Return the path of a destination's ledger."""
    return os.path.join(destination, STATE_DIR, "ledger.db")


@contextlib.contextmanager
def translate_sqlite_errors(path: str) -> Iterator[None]:
    """Raise LedgerError, with advice, for errors of SQLite."""
    try:
        yield
    except sqlite3.ProgrammingError:
        raise
    except sqlite3.OperationalError as error:
        raise LedgerError(f"the ledger {path!r} cannot be used: {error}") from error
    except sqlite3.DatabaseError as error:
        raise LedgerError(f"the ledger {path!r} is damaged ({error}); {_START_OVER}") from error


def connect(path: str, *, read_only: bool = False, durable: bool = False) -> sqlite3.Connection:
    """Open a ledger and check it. A missing one is created, unless it is only read.

    Args:
        path: of the file.
        read_only: whether nothing may be written.
        durable: whether commits have to survive a power failure, not only the end of this process.

    Raises:
        LedgerError: it is damaged, is not a ledger, or was made by a later version.
    """
    name = quote_from_bytes(os.fsencode(os.path.abspath(path)))
    if os.path.exists(path) and not os.path.isfile(path):
        raise LedgerError(f"the ledger {path!r} is not a regular file; {_START_OVER}")
    with translate_sqlite_errors(path):
        mode = "ro" if read_only else "rwc"
        connection = sqlite3.connect(f"file:{name}?mode={mode}", uri=True, isolation_level=None, timeout=_BUSY_TIMEOUT)
    try:
        with translate_sqlite_errors(path):
            _check(connection, path)
            if not read_only:
                _prepare(connection, durable=durable)
    except BaseException:
        connection.close()
        raise
    return connection


def close_cleanly(connection: sqlite3.Connection) -> None:
    """Close a ledger so that it is a single file again, unless another process is reading it."""
    # Damage was reported when it was found.
    with contextlib.closing(connection), contextlib.suppress(sqlite3.DatabaseError):
        connection.execute("PRAGMA busy_timeout = 0")
        connection.execute("PRAGMA journal_mode = DELETE")


def _check(connection: sqlite3.Connection, path: str) -> None:
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    (tables,) = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    if tables and application != _APPLICATION:
        raise sqlite3.DatabaseError("file is not a ledger")
    if version > VERSION:
        raise LedgerError(
            f"the ledger {path!r} was written by a later version of forkresize: upgrade, or {_START_OVER}"
        )
    (result,) = connection.execute("PRAGMA quick_check(1)").fetchone()
    if result != "ok":
        raise sqlite3.DatabaseError(result)


def _prepare(connection: sqlite3.Connection, *, durable: bool) -> None:
    # Some file systems lack the shared memory that WAL needs; the rollback journal works everywhere.
    with contextlib.suppress(sqlite3.OperationalError):
        connection.execute("PRAGMA journal_mode = WAL")
    connection.execute(f"PRAGMA synchronous = {'FULL' if durable else 'NORMAL'}")
    (tables,) = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    if not tables:
        # Another shard may be creating them at the same moment.
        header = f"PRAGMA application_id = {_APPLICATION}; PRAGMA user_version = {VERSION};"
        connection.executescript(f"BEGIN IMMEDIATE; {header} {_TABLES} COMMIT;")
