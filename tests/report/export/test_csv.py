"""The CSV report."""

import csv
import io
import os
from pathlib import Path

import pytest
from msgspec.structs import replace

from forkresize.errors import UsageError
from forkresize.outcome import Outcome, OutputRef
from forkresize.record import record
from forkresize.report.export.csv import CsvRows
from tests.protocols import MakeOutcome


def _read(path: Path) -> list[dict[str, str]]:
    text = path.read_bytes().decode("utf-8", "surrogateescape")
    return list(csv.DictReader(io.StringIO(text, newline="")))


def test_every_outcome_is_a_row_below_the_field_names(tmp_path: Path, outcomes: list[Outcome]) -> None:
    path = tmp_path / "report.csv"
    with CsvRows(str(path)) as report:
        for outcome in outcomes:
            report.on_outcome(outcome)
    rows = _read(path)
    assert [list(row) for row in rows] == [list(record(outcome)) for outcome in outcomes]
    for row, outcome in zip(rows, outcomes, strict=True):
        values = {name: str(value) for name, value in record(outcome).items() if value not in (None, [])}
        assert {name: value for name, value in row.items() if value} == values


def test_names_keep_their_bytes(tmp_path: Path, unchanged: MakeOutcome, hostile: str) -> None:
    path = tmp_path / "report.csv"
    with CsvRows(str(path)) as report:
        report.on_outcome(unchanged(hostile))
    [row] = _read(path)
    assert os.fsencode(row["source"]) == os.fsencode(f"in/{hostile}")


def test_run_without_outcomes_writes_the_field_names(tmp_path: Path) -> None:
    path = tmp_path / "report.csv"
    with CsvRows(str(path)):
        pass
    assert path.read_bytes().startswith(b"source,destination,status,")
    assert path.read_bytes().endswith(b",warnings\r\n")
    with CsvRows(str(path)):
        pass  # The file is recognized as a report.


@pytest.mark.parametrize("first", ["=", "+", "-", "@", "\t", "\r", "＝"])  # noqa: RUF001
def test_no_cell_is_a_formula(first: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failed: MakeOutcome) -> None:
    monkeypatch.chdir(tmp_path)
    name = f"{first}cmd|'calc'!A0"
    Path(name).touch()
    outcome = failed(error=name)
    outcome = replace(outcome, ref=OutputRef(replace(outcome.source, path=name), name), warnings=(name, "b"))
    with CsvRows("report.csv") as report:
        report.on_outcome(outcome)
    [row] = _read(tmp_path / "report.csv")
    assert not [cell for cell in row.values() if cell.startswith(tuple("=+-@\t\r＝"))]  # noqa: RUF001
    assert os.path.samefile(row["source"], name)
    assert row["warnings"].endswith("; b")


def test_other_files_are_not_replaced(tmp_path: Path) -> None:
    path = tmp_path / "prices.csv"
    path.write_text("item,price\n")
    with pytest.raises(UsageError, match="is not a report: remove it first"):
        CsvRows(str(path))
    assert path.read_text() == "item,price\n"
