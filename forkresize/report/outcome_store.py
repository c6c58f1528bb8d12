"""The outcomes of a run in a temporary database, for reports that need all of them at the end."""

import os
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import TYPE_CHECKING, Any, NamedTuple, Self

from forkresize.errors import DestinationError, ForkresizeError
from forkresize.observer import Observer
from forkresize.outcome import Detail, Outcome, Reason, Skipped, Unchanged
from forkresize.record import record
from forkresize.report.terminal.plain import printable
from forkresize.tally import classify_warning

if TYPE_CHECKING:
    from forkresize.formats.header import Header
    from forkresize.job import Source


class Row(NamedTuple):
    """A stored outcome: fields of its record, then more.

    Paths are bytes, because SQLite's text cannot hold every name; errors and warnings are printable text.

    Attributes:
        name: path of the source relative to its root.
        rendition: index of the output's rendition in the recipe.
        ended: seconds from the start of the run to the outcome.
        is_first: whether it is the first executed outcome of its source; the seconds of a source count once.
    """

    source: bytes
    destination: bytes | None
    status: str
    reason: str | None
    error: str | None
    worker: int | str | None
    in_bytes: int
    out_bytes: int | None
    in_width: int | None
    in_height: int | None
    out_width: int | None
    out_height: int | None
    in_format: str | None
    out_format: str | None
    seconds: float
    warnings: str
    name: bytes
    rendition: int
    ended: float
    is_first: bool


_CREATE = f"CREATE TABLE outcomes ({', '.join(Row._fields)})"
_INSERT = f"INSERT INTO outcomes VALUES ({', '.join(f':{field}' for field in Row._fields)})"  # noqa: S608
_SELECT = "SELECT * FROM outcomes "

_CREATE_WARNINGS = "CREATE TABLE warnings (outcome INTEGER, kind, name, text)"
_INSERT_WARNING = "INSERT INTO warnings VALUES (?, ?, ?, ?)"


class OutcomeStore(Observer):
    """Store outcomes in a temporary database, which is removed when the context ends.

    Attributes:
        unreadable: number of existing outputs whose header could not be read.
        first_error: the error about the first of them.

    Args:
        probe: reads the header of an output that an earlier run made, or raises ForkresizeError; None to read none.
        clock: returns the time in seconds.
    """

    def __init__(
        self, probe: Callable[[str], "Header"] | None = None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.unreadable = 0
        self.first_error = ""
        self._probe = probe
        self._clock = clock
        self._started = clock()
        self._last_source: Source | None = None
        # An empty name creates a temporary database, in a file if it grows.
        self._database = sqlite3.connect("", isolation_level=None)
        self._database.execute("PRAGMA journal_mode = OFF")
        self._database.execute(_CREATE)
        self._database.execute(_CREATE_WARNINGS)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._database.close()

    def on_outcome(self, outcome: Outcome) -> None:
        """Store an outcome.

        Raises:
            DestinationError: there is no room for temporary files.
        """
        with _database_errors():
            number = self._database.execute(_INSERT, self._row(outcome)).lastrowid
            for warning in outcome.warnings:
                name, kind = map(printable, classify_warning(warning))
                self._database.execute(_INSERT_WARNING, (number, kind, name, printable(warning)))

    def rows(self, rest: str, *values: object) -> Iterator[Row]:
        """Yield rows; ``rest`` is SQL, such as ``ORDER BY seconds DESC LIMIT ?``."""
        return map(Row._make, self.query(_SELECT + rest, *values))

    def query(self, sql: str, *values: object) -> Iterator[tuple[Any, ...]]:
        """Yield the results of another query on the tables ``outcomes`` and ``warnings``.

        A warning has the rowid of its ``outcome``, its ``kind``, its ``name`` without details, and its ``text``.

        Raises:
            DestinationError: there is no room for temporary files, in which it is sorted.
        """
        with _database_errors():
            yield from self._database.execute(sql, values)

    def _row(self, outcome: Outcome) -> dict[str, object]:
        source = outcome.source
        executed = bool(outcome.execution.attempts)
        # The outcomes of one source come in succession.
        is_first = executed and source is not self._last_source
        self._last_source = source if executed else self._last_source
        return {
            **record(outcome),
            **self._header(outcome),
            "source": os.fsencode(source.path),
            "destination": outcome.destination and os.fsencode(outcome.destination),
            "error": printable(outcome.error),
            "warnings": printable("; ".join(outcome.warnings)),
            "name": os.fsencode(source.relative),
            "rendition": outcome.rendition,
            "ended": self._clock() - self._started,
            "is_first": is_first,
        }

    def _header(self, outcome: Outcome) -> dict[str, object]:
        """Return the columns about the output of an earlier run."""
        if self._probe is None or outcome.destination is None or not _output_exists(outcome.detail):
            return {}
        try:
            header = self._probe(outcome.destination)
        except ForkresizeError as error:
            self.unreadable += 1
            self.first_error = self.first_error or f"{outcome.destination}: {str(error) or 'not a picture'}"
            return {}
        return {
            "out_bytes": header.bytes,
            "out_width": header.width,
            "out_height": header.height,
            "out_format": header.format,
        }


@contextmanager
def _database_errors() -> Iterator[None]:
    """Translate errors of the database to DestinationError."""
    try:
        yield
    except sqlite3.Error as error:
        raise DestinationError(f"cannot store outcomes in a temporary file: {error}") from error


def _output_exists(detail: Detail) -> bool:
    return isinstance(detail, Unchanged) or (isinstance(detail, Skipped) and detail.reason is Reason.EXISTS)
