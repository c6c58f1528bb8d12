"""A connection to a ledger that distrusts the file: limits, interruption by signals, error messages."""

import contextlib
import os
import sqlite3
import sys
from collections.abc import Generator, Iterator

from forkresize.errors import LedgerError

START_OVER = "delete it to start over (existing outputs are then compared by modification time)"

_BUSY_TIMEOUT = 5.0
"""Seconds to wait for another shard that writes, or a dry run that reads; signals are not handled during the wait."""

_STEPS_PER_CHECK = 10_000
"""Steps of SQLite's virtual machine between two checks for signals: about a millisecond."""

_SCHEMA_STEPS = 2000
"""Maximum steps of a statement until the schema is known to be a ledger's; the schema's five entries take a hundred."""

_QUOTED = str.maketrans({"%": "%25", "?": "%3f", "#": "%23"})
"""What has a meaning in a URI of SQLite, and how it is written in a path: https://www.sqlite.org/uri.html"""

_LIMITS = {
    # In bytes: two paths, and an error message. It bounds the memory for rows.
    sqlite3.SQLITE_LIMIT_LENGTH: 1 << 17,
    sqlite3.SQLITE_LIMIT_SQL_LENGTH: 1 << 13,
    sqlite3.SQLITE_LIMIT_COLUMN: 32,
    sqlite3.SQLITE_LIMIT_EXPR_DEPTH: 20,
    # No triggers and no recursion, should another process change the schema after the check.
    sqlite3.SQLITE_LIMIT_TRIGGER_DEPTH: 0,
    sqlite3.SQLITE_LIMIT_COMPOUND_SELECT: 1,
    sqlite3.SQLITE_LIMIT_ATTACHED: 0,
    sqlite3.SQLITE_LIMIT_WORKER_THREADS: 0,
}


class LedgerConnection(sqlite3.Connection):
    """A connection to a ledger's file.

    Args:
        path: of the file, which ``check_files`` has accepted.
        read_only: whether nothing may be written; otherwise a missing file is created.

    Attributes:
        path: of the file.
        version: of its tables, once they have been checked.
    """

    def __init__(self, path: str, *, read_only: bool) -> None:
        self.path = path
        self.version = 0
        self._raised: BaseException | None = None
        name = os.path.abspath(path).translate(_QUOTED)
        mode = "ro" if read_only else "rwc"
        with self.translate_errors():
            super().__init__(f"file:{name}?mode={mode}", uri=True, isolation_level=None, timeout=_BUSY_TIMEOUT)

    def distrust(self) -> None:
        """Apply the limits. Until ``trust_schema`` is called, only statements of a few steps succeed.

        SQLite reads the whole schema before the first statement that needs a table.
        """
        for category, limit in _LIMITS.items():
            self.setlimit(category, limit)
        self.set_progress_handler(lambda: 1, _SCHEMA_STEPS)
        # Functions in a schema get no side effects, and pages are checked when they are read. A memory-mapped file ends
        # the process if another one truncates it.
        for setting in ("trusted_schema = OFF", "cell_size_check = ON", "mmap_size = 0"):
            self.execute(f"PRAGMA {setting}")
        if sys.version_info >= (3, 12):
            self.setconfig(sqlite3.SQLITE_DBCONFIG_DEFENSIVE, True)
            for feature in (sqlite3.SQLITE_DBCONFIG_ENABLE_TRIGGER, sqlite3.SQLITE_DBCONFIG_ENABLE_VIEW):
                self.setconfig(feature, False)

    def trust_schema(self) -> None:
        """Allow statements of any length, which signals interrupt."""
        checks = self._handle_signals()
        next(checks)
        self.set_progress_handler(checks.__next__, _STEPS_PER_CHECK)

    @contextlib.contextmanager
    def translate_errors(self) -> Iterator[None]:
        """Raise LedgerError, with advice, for errors of SQLite, or what a signal handler raised in a statement."""
        try:
            yield
        except sqlite3.ProgrammingError:
            raise
        except sqlite3.OperationalError as error:
            raised, self._raised = self._raised, None
            if raised is not None:
                raise raised from None
            code = getattr(error, "sqlite_errorcode", None)
            if code == sqlite3.SQLITE_INTERRUPT:
                raise self._damage("its schema is not a ledger's") from error
            if code is None:
                # Errors of the sqlite3 module, which reads texts as UTF-8, have no code.
                raise self._damage("a text is not UTF-8") from error
            raise LedgerError(f"the ledger {self.path!r} cannot be used: {error}") from error
        except sqlite3.DatabaseError as error:
            raise self._damage(str(error)) from error
        except UnicodeDecodeError as error:
            # The sqlite3 module decodes SQLite's messages, which quote names from the file.
            raise self._damage("a name is not UTF-8") from error

    def _damage(self, problem: str) -> LedgerError:
        return LedgerError(f"the ledger {self.path!r} is damaged ({problem}); {START_OVER}")

    def _handle_signals(self) -> Generator[int, None, None]:
        """Yield 1 to interrupt a statement, otherwise 0.

        Python runs the handlers of signals when a function begins or continues. The ``sqlite3`` module drops what they
        raise, so it is caught here: the generator continues within the ``try``.
        """
        interrupt = 0
        while True:
            try:
                yield interrupt
                interrupt = 0
            except GeneratorExit:
                return
            except BaseException as raised:  # noqa: BLE001 -- raised again by translate_errors.
                self._raised, interrupt = raised, 1
