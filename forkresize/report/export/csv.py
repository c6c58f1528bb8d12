"""The report file that spreadsheets read: one record a row. Knows nothing of what is in a record."""

import csv
import io
import os
from collections.abc import Iterable

from forkresize.job import Source
from forkresize.outcome import UNCHANGED, Outcome, OutputRef
from forkresize.record import record
from forkresize.report.export.lines import LineReport
from forkresize.report.terminal.plain import printable

_PATHS = frozenset({"source", "destination"})

_FORMULA = tuple("=+-@\t\r\n＝＋－＠")  # noqa: RUF001  Spreadsheets take the wide ones for the others.
"""What makes a spreadsheet calculate with a cell that begins with it (OWASP, CSV injection)."""


def _row(cells: Iterable[object]) -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\r\n").writerow(cells)
    return text.getvalue().encode("utf-8", "surrogateescape")


_HEAD = _row(record(Outcome(OutputRef(Source("", "")), UNCHANGED)))


class CsvRows(LineReport):
    """A reporter that writes a row an outcome, as RFC 4180 has it, under a row of the fields' names.

    It is UTF-8, but that paths keep whatever bytes they have. What a spreadsheet would take for a formula gets
    something before it: a path ``./``, so that it is the same path still; other text an apostrophe. Several warnings
    are in one cell, with a semicolon between them.

    Args:
        path: the file to write.

    Raises:
        UsageError: there can be no such file, or there is one that is no report.
        DestinationError: it can't be written, now or later.
    """

    def __init__(self, path: str) -> None:
        super().__init__(path, beginning=b"source,destination,status,", head=_HEAD)

    def line(self, outcome: Outcome) -> bytes:
        """Return the outcome's record as a row."""
        return _row(_cell(name, value) for name, value in record(outcome).items())


def _cell(name: str, value: object) -> object:
    if name in _PATHS and isinstance(value, str):
        return os.path.join(".", value) if value.startswith(_FORMULA) else value
    if isinstance(value, list):
        return _harmless("; ".join(value))
    return _harmless(value) if isinstance(value, str) else value


def _harmless(text: str) -> str:
    shown = printable(text)
    return f"'{shown}" if shown.startswith(_FORMULA) else shown
