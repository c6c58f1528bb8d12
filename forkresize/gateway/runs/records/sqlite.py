"""The records of runs in a file of this machine, which one gateway uses at a time."""

import fcntl
import os
import re
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from io import FileIO
from typing import Any, TypeVar

from forkresize.errors import LedgerError, describe
from forkresize.gateway.runs.records.engine import Cursor, Values
from forkresize.gateway.runs.records.records import RunRecords
from forkresize.gateway.runs.records.values import Limits

T = TypeVar("T")

FILE = "runs.db"
"""The file below the directory of the gateway's state."""

_LOCK = "runs.lock"

_WORDS = {
    "{now}": "((julianday('now') - 2440587.5) * 86400.0)",
    "{for update}": "",
    "{skip locked}": "",
    # A transaction has the whole file.
    "{lock claims}": "1",
    # The schema of PostgreSQL; a file has one of its own.
    "forkresize.": "",
}

_PARAMETER = re.compile(r"%\((\w+)\)s")


def open_sqlite(directory: str, limits: Limits) -> RunRecords:
    """Return the records below a directory, which is created if it is missing.

    Raises:
        LedgerError: another gateway uses them, or the file cannot be used.
    """
    engine = SqliteEngine(directory)
    records = RunRecords(engine, limits)
    try:
        records.migrate()
    except BaseException:
        engine.close()
        raise
    return records


class SqliteEngine:
    """A database in a file. See ``Engine``.

    Args:
        directory: for the file; only its user may read it.
    """

    def __init__(self, directory: str) -> None:
        self._path = os.path.join(directory, FILE)
        try:
            os.makedirs(directory, 0o700, exist_ok=True)
            self._lock = _open_private(os.path.join(directory, _LOCK))
            _open_private(self._path).close()
        except OSError as error:
            raise LedgerError(f"the state directory {directory!r} cannot be used: {describe(error)}") from error
        self._hold(directory)
        with self._translate_errors():
            # It is opened by one thread and used by another one.
            self._connection = sqlite3.connect(self._path, isolation_level=None, check_same_thread=False)

    def _hold(self, directory: str) -> None:
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            self._lock.close()
            raise LedgerError(f"another gateway uses the state directory {directory!r}; give each its own") from None

    def run(self, work: Callable[[Cursor], T]) -> T:
        """Return what a function returns that is given a transaction."""
        with self._translate_errors():
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                result = work(_Cursor(self._connection))
                self._connection.execute("COMMIT")
            except BaseException:
                # It does nothing if SQLite has rolled back by itself, as on a full disk.
                self._connection.rollback()
                raise
        return result

    def migrate(self, scripts: Sequence[str]) -> None:
        """Create the tables, or bring them to this version.

        Raises:
            LedgerError: a later version has changed them.
        """
        with self._translate_errors():
            for setting in ("journal_mode = WAL", "synchronous = NORMAL", "foreign_keys = ON"):
                self._connection.execute(f"PRAGMA {setting}")
            (version,) = self._connection.execute("PRAGMA user_version").fetchone()
            if version > len(scripts):
                problem = f"{self._path!r} has version {version} of the tables, and this program knows {len(scripts)}"
                raise LedgerError(
                    f"{problem}: a later version of forkresize has used it; upgrade, or name another directory"
                )
            for number, script in enumerate(scripts[version:], version + 1):
                # One transaction: a script is applied as a whole.
                self._connection.executescript(
                    f"BEGIN IMMEDIATE; {_translate(script)}; PRAGMA user_version = {number}; COMMIT"
                )

    def close(self) -> None:
        """Close the file, and let others use it."""
        self._connection.close()
        self._lock.close()

    @contextmanager
    def _translate_errors(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.ProgrammingError:
            raise
        except sqlite3.Error as error:
            raise LedgerError(f"the records of runs in {self._path!r} cannot be used: {error}") from error


def _open_private(path: str) -> FileIO:
    """Open a file that only its user may read, and create it if it is missing."""
    return FileIO(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600), "r+")


class _Cursor:
    """A transaction. See ``Cursor``."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def rows(self, statement: str, values: Values) -> list[dict[str, Any]]:
        found = self._connection.execute(_translate(statement), values)
        names = [column[0] for column in found.description or ()]
        return [dict(zip(names, row, strict=True)) for row in found.fetchall()]

    def change(self, statement: str, values: Values) -> int:
        return self._connection.execute(_translate(statement), values).rowcount


@cache
def _translate(statement: str) -> str:
    for word, meaning in _WORDS.items():
        statement = statement.replace(word, meaning)
    return _PARAMETER.sub(r":\1", statement)
