"""The ledger's file: tables, opening and closing, checks of the schema."""

import contextlib
import os
import sqlite3

from forkresize.errors import LedgerError, OutdatedError
from forkresize.ledger.base import OutputRecord
from forkresize.ledger.sqlite.connection import START_OVER, LedgerConnection
from forkresize.ledger.sqlite.files import MAX_SIZE, check_files, check_journal
from forkresize.store.base import LEDGER

VERSION = 2
"""Of the tables; increased when they change. Version 2 added destinations, and the last four columns of outputs."""

_APPLICATION = 0x46524C47
"""Marks the file as a ledger in SQLite's header: ``FRLG``."""

_FORMER_NAMES = {"key": "path", "covers_all": "whole", "limit_value": "limit"}
"""Fields of OutputRecord whose columns have other names."""

COLUMNS = tuple(_FORMER_NAMES.get(field, field) for field in OutputRecord._fields)
"""The columns of the table of outputs, in the order of the fields of OutputRecord."""

NEW_COLUMNS = frozenset({"source_etag", "source_version", "etag", "version"})
"""Those that version 1 does not have."""

_ROOTS = "CREATE TABLE roots (number INTEGER PRIMARY KEY, path BLOB NOT NULL UNIQUE);"

_TABLES_1 = f"""
CREATE TABLE runs (
    number INTEGER PRIMARY KEY, started_ns INTEGER NOT NULL, ended_ns INTEGER, broken INTEGER NOT NULL
);
{_ROOTS}
CREATE TABLE outputs (
    path BLOB PRIMARY KEY, root INTEGER NOT NULL, source BLOB NOT NULL, source_size INTEGER NOT NULL,
    source_mtime_ns INTEGER NOT NULL, source_hash BLOB, recipe BLOB NOT NULL, status TEXT NOT NULL, reason TEXT,
    error TEXT NOT NULL, signal TEXT, whole INTEGER NOT NULL, "limit" REAL, attempts INTEGER NOT NULL,
    run INTEGER NOT NULL, size INTEGER NOT NULL, mtime_ns INTEGER NOT NULL, width INTEGER, height INTEGER, format TEXT,
    hash BLOB
) WITHOUT ROWID;
"""

_DESTINATIONS = "CREATE TABLE destinations (number INTEGER PRIMARY KEY, name BLOB NOT NULL UNIQUE);"

_RUNS = """
CREATE TABLE runs (
    number INTEGER PRIMARY KEY, started_ns INTEGER NOT NULL, ended_ns INTEGER, broken INTEGER NOT NULL,
    destination INTEGER NOT NULL
);
"""

# Its key comes first: SQLite 3.40 takes rows for damaged whose key is in other columns.
_OUTPUTS = """
CREATE TABLE outputs (
    destination INTEGER NOT NULL, path BLOB NOT NULL, root INTEGER NOT NULL, source BLOB NOT NULL,
    source_size INTEGER NOT NULL, source_mtime_ns INTEGER NOT NULL, source_hash BLOB, recipe BLOB NOT NULL,
    status TEXT NOT NULL, reason TEXT, error TEXT NOT NULL, signal TEXT, whole INTEGER NOT NULL, "limit" REAL,
    attempts INTEGER NOT NULL, run INTEGER NOT NULL, size INTEGER NOT NULL, mtime_ns INTEGER NOT NULL, width INTEGER,
    height INTEGER, format TEXT, hash BLOB, source_etag TEXT, source_version TEXT, etag TEXT, version TEXT,
    PRIMARY KEY (destination, path)
) WITHOUT ROWID;
"""

_TABLES = f"{_DESTINATIONS} {_RUNS} {_ROOTS} {_OUTPUTS}"

_TABLES_OF = {1: _TABLES_1, VERSION: _TABLES}

_UPGRADE = f"""
ALTER TABLE runs RENAME TO former_runs;
{_RUNS}
INSERT INTO runs SELECT *, 0 FROM former_runs;
DROP TABLE former_runs;
ALTER TABLE outputs RENAME TO former_outputs;
{_OUTPUTS}
INSERT INTO outputs SELECT 0, *, NULL, NULL, NULL, NULL FROM former_outputs;
DROP TABLE former_outputs;
{_DESTINATIONS}
"""  # noqa: S608 -- the tables above.

_ENTRIES = "SELECT type, name, tbl_name, sql FROM sqlite_master ORDER BY name LIMIT 9"
"""More than the tables and indexes of a ledger."""

_CACHE_KIB = 2000
"""SQLite's default. The file's own setting could take all memory."""


def ledger_path(destination: str) -> str:
    """Return the path of a destination's ledger."""
    return os.path.join(destination, LEDGER)


def connect(path: str, *, read_only: bool = False, durable: bool = False) -> LedgerConnection:
    """Open a ledger and check it. A missing one is created, unless it is only read.

    Args:
        path: of the file.
        read_only: whether nothing may be written.
        durable: whether commits have to survive a power failure, not only the end of this process.

    Raises:
        LedgerError: it is damaged, is not a ledger, was made by a later version, or others may have planted its files.
    """
    check_files(path, read_only=read_only)
    connection = LedgerConnection(path, read_only=read_only)
    try:
        with connection.translate_errors():
            connection.distrust()
            _check_schema(connection, path)
            connection.trust_schema()
            _check_content(connection)
            if not read_only:
                _prepare(connection, durable=durable)
    except BaseException:
        connection.close()
        raise
    return connection


def close_cleanly(connection: LedgerConnection) -> None:
    """Close a ledger so that it is a single file again, unless another process is reading it."""
    # Damage was reported when it was found.
    with contextlib.closing(connection), contextlib.suppress(sqlite3.DatabaseError, LedgerError):
        connection.execute("PRAGMA busy_timeout = 0")
        # From then on, SQLite believes a journal.
        check_journal(connection.path)
        (is_busy, *_) = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        if not is_busy:
            # All records are on the disk. What follows changes a few bytes of the header, in one sector.
            connection.execute("PRAGMA synchronous = OFF")
        connection.execute("PRAGMA journal_mode = DELETE")


def _check_schema(connection: LedgerConnection, path: str) -> None:
    """Check that a file has no tables, or exactly those of a ledger of this version."""
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    entries = connection.execute(_ENTRIES).fetchall()
    connection.version = version if entries else 0
    if entries and application != _APPLICATION:
        raise sqlite3.DatabaseError("file is not a ledger")
    if version > VERSION:
        raise OutdatedError(
            f"the ledger {path!r} was written by a later version of forkresize: upgrade, or {START_OVER}"
        )
    if entries and entries != _expected_entries(version):
        raise sqlite3.DatabaseError("its schema is not a ledger's")


def _expected_entries(version: int) -> list[tuple[str, str, str, str | None]]:
    with contextlib.closing(sqlite3.connect(":memory:")) as empty:
        empty.executescript(_TABLES_OF.get(version, ""))
        return empty.execute(_ENTRIES).fetchall()


def _check_content(connection: LedgerConnection) -> None:
    """Limit size and memory, and check all pages; SQLite allocates a bit for each of them."""
    (pages,) = connection.execute("PRAGMA page_count").fetchone()
    (page_size,) = connection.execute("PRAGMA page_size").fetchone()
    if pages * page_size > MAX_SIZE:
        raise sqlite3.DatabaseError(f"it has {pages} pages of {page_size} bytes")
    connection.execute(f"PRAGMA max_page_count = {MAX_SIZE // page_size}")
    connection.execute(f"PRAGMA cache_size = -{_CACHE_KIB}")
    (result,) = connection.execute("PRAGMA quick_check(1)").fetchone()
    if result != "ok":
        raise sqlite3.DatabaseError(result)


def _prepare(connection: LedgerConnection, *, durable: bool) -> None:
    # The mode is a few bytes of the header, in one sector, and flushing them to the disk takes longer than a picture. A
    # power failure may lose the records of this run in either case, as commits are not flushed.
    connection.execute(f"PRAGMA synchronous = {'FULL' if durable else 'OFF'}")
    # Some file systems lack the shared memory that WAL needs; the rollback journal works everywhere.
    with contextlib.suppress(sqlite3.OperationalError):
        connection.execute("PRAGMA journal_mode = WAL")
    connection.execute(f"PRAGMA synchronous = {'FULL' if durable else 'NORMAL'}")
    if connection.version == VERSION:
        return
    header = f"PRAGMA application_id = {_APPLICATION}; PRAGMA user_version = {VERSION};"
    with connection:
        # Another shard may be creating or upgrading them at the same moment.
        connection.execute("BEGIN IMMEDIATE")
        (tables,) = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        script = _TABLES if not tables else _UPGRADE if version < VERSION else ""
        for statement in (header + script).split(";") if script else ():
            connection.execute(statement)
    connection.version = VERSION
