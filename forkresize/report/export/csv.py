"""The report for spreadsheets."""

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

_FORMULA = tuple("=+-@\t\r\n＝＋－＠")  # noqa: RUF001  Spreadsheets accept the wide characters as well.
"""First characters that make a spreadsheet evaluate a cell (OWASP, CSV injection)."""


def _row(cells: Iterable[object]) -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\r\n").writerow(cells)
    return text.getvalue().encode("utf-8", "surrogateescape")


_HEAD = _row(record(Outcome(OutputRef(Source("", "")), UNCHANGED)))


class CsvRows(LineReport):
    """Write a row per outcome, in the format of RFC 4180, below a row of the fields' names.

    The text is UTF-8, except that paths keep their bytes. Cells that a spreadsheet would evaluate as formulas get a
    prefix: paths ``./``, which leads to the same file, other text an apostrophe. Warnings share a cell, separated by
    semicolons.
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
        return _text("; ".join(value))
    return _text(value) if isinstance(value, str) else value


def _text(text: str) -> str:
    shown = printable(text)
    return f"'{shown}" if shown.startswith(_FORMULA) else shown
