"""The records of a run, kept in a temporary file until its end. Draws no conclusions."""

import os
import sqlite3
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

from forkresize.outcome import Failed, Outcome, Skipped, Written
from forkresize.report.terminal.plain import printable

if TYPE_CHECKING:
    from forkresize.job import Source

_TABLE = """
    CREATE TABLE rows (
        source BLOB, destination BLOB, status TEXT, reason TEXT, error TEXT, warnings TEXT, in_bytes INTEGER,
        out_bytes INTEGER, in_width INTEGER, in_height INTEGER, out_width INTEGER, out_height INTEGER, in_format TEXT,
        out_format TEXT, seconds REAL, worker INTEGER, ended REAL, leads INTEGER
    )
"""


class Row(NamedTuple):
    """One outcome.

    Attributes:
        source: the path of the source, as bytes.
        destination: of the output, likewise.
        status: written, unchanged, skipped or failed; planned in a dry run.
        reason: why it was skipped or failed; empty else.
        error: the particulars, printable.
        warnings: printable, with a semicolon between them.
        in_bytes: size of the source.
        out_bytes: size of the output.
        in_width: of the source, in pixels; so are the next three.
        in_height: of the source.
        out_width: of the output.
        out_height: of the output.
        in_format: of the source, in Pillow's lower-case name.
        out_format: of the output, likewise.
        seconds: wall time that a worker spent on the source.
        worker: its process id; None if no worker had it.
        ended: seconds from the start of the run to the outcome.
        leads: whether it is the first of its source that a worker made; what the others took is in its time.
    """

    source: bytes
    destination: bytes | None
    status: str
    reason: str
    error: str
    warnings: str
    in_bytes: int
    out_bytes: int | None
    in_width: int | None
    in_height: int | None
    out_width: int | None
    out_height: int | None
    in_format: str | None
    out_format: str | None
    seconds: float
    worker: int | None
    ended: float
    leads: bool


_INSERT = f"INSERT INTO rows VALUES ({', '.join('?' * len(Row._fields))})"  # noqa: S608  Only question marks.

_SELECT = "SELECT * FROM rows "


class OutcomeStore:
    """Records in a temporary database, which goes when it is closed."""

    def __init__(self) -> None:
        self._rows = sqlite3.connect("", isolation_level=None)
        self._rows.execute("PRAGMA journal_mode = OFF")
        self._rows.execute(_TABLE)
        self._read: Source | None = None

    def close(self) -> None:
        """Forget all."""
        self._rows.close()

    def add(self, outcome: Outcome, ended: float) -> None:
        """Keep an outcome.

        Args:
            outcome: what became of an output.
            ended: seconds from the start of the run.
        """
        # The outputs of one source come one after another.
        leads = bool(outcome.execution.attempts) and outcome.source is not self._read
        self._read = outcome.source if outcome.execution.attempts else self._read
        refused = outcome if isinstance(outcome.detail, Skipped | Failed) else None
        self._rows.execute(
            _INSERT,
            (
                # Names of any bytes, which text could not hold.
                os.fsencode(outcome.source.path),
                outcome.destination and os.fsencode(outcome.destination),
                outcome.status,
                str(refused.reason) if refused else "",
                printable(refused.error) if refused else "",
                printable("; ".join(outcome.warnings)),
                outcome.source.size,
                *_made(outcome),
                outcome.execution.seconds,
                outcome.execution.worker,
                ended,
                leads,
            ),
        )

    def rows(self, rest: str, *values: object) -> Iterator[Row]:
        """Yield rows; ``rest`` is SQL, such as ``ORDER BY seconds DESC LIMIT ?``."""
        yield from map(Row._make, self.query(_SELECT + rest, *values))

    def query(self, sql: str, *values: object) -> Iterator[tuple[Any, ...]]:
        """Yield what any other question brings."""
        yield from self._rows.execute(sql, values)


def _made(outcome: Outcome) -> tuple[object, ...]:
    if not isinstance(outcome.detail, Written):
        return (None,) * 7
    return (
        outcome.detail.out_bytes,
        *outcome.detail.in_size,
        *outcome.detail.out_size,
        outcome.detail.in_format,
        outcome.detail.out_format,
    )
