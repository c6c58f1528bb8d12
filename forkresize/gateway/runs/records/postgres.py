"""The records of runs in PostgreSQL."""

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from forkresize.gateway.runs.records.engine import Cursor, Values
from forkresize.gateway.runs.records.records import RunRecords
from forkresize.gateway.runs.records.values import Limits
from forkresize.ledger.postgres.database import Cursor as PostgresCursor
from forkresize.ledger.postgres.database import Database, Timeouts
from forkresize.ledger.postgres.migrate import migrate

T = TypeVar("T")

_CLAIMS = 0x4652434C
"""Number of the advisory lock that a gateway holds while it claims a run: ``FRCL``."""

_WORDS = {
    "{now}": "extract(epoch FROM clock_timestamp())::float8",
    "{for update}": "FOR NO KEY UPDATE",
    "{skip locked}": "FOR NO KEY UPDATE SKIP LOCKED",
    "{lock claims}": f"pg_advisory_xact_lock({_CLAIMS})",
}

_TIMEOUTS = Timeouts(connect=3.0, statement=20.0, retry=3.0)
"""A caller waits for the answer: soon, an error is better."""


def open_postgres(url: str, limits: Limits) -> RunRecords:
    """Return the records in a database, with limits of what is kept.

    Raises:
        FieldError: the URL is invalid.
        LedgerError: the database cannot be used.
    """
    records = RunRecords(PostgresEngine(url), limits)
    records.migrate()
    return records


class PostgresEngine:
    """A database in PostgreSQL. See ``Engine``."""

    def __init__(self, url: str) -> None:
        self._database = Database(url, _TIMEOUTS)

    def run(self, work: Callable[[Cursor], T]) -> T:
        """Return what a function returns that is given a transaction."""
        return self._database.run(lambda cursor: work(_Cursor(cursor)))

    def migrate(self, scripts: Sequence[str]) -> None:
        """Create the tables, or bring them to this version."""
        migrate(self._database, "gateway", scripts)

    def close(self) -> None:
        """Close the connection."""
        self._database.close()


class _Cursor:
    """A transaction. See ``Cursor``."""

    def __init__(self, cursor: PostgresCursor) -> None:
        self._cursor = cursor

    def rows(self, statement: str, values: Values) -> list[dict[str, Any]]:
        self._cursor.execute(_translate(statement), values)
        names = [column.name for column in self._cursor.description or ()]
        return [dict(zip(names, row, strict=True)) for row in self._cursor]

    def change(self, statement: str, values: Values) -> int:
        return self._cursor.execute(_translate(statement), values).rowcount


def _translate(statement: str) -> str:
    for word, meaning in _WORDS.items():
        statement = statement.replace(word, meaning)
    return statement
