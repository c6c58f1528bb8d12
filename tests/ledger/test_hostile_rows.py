"""A ledger with arbitrary rows: it is reported as damaged or read correctly, and never leads out of the destination."""

import contextlib
import json
import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from forkresize import MaxPrune, Outcome, Recipe, Settings, Unchanged, Written, run
from forkresize.errors import LedgerError
from forkresize.ledger.sqlite import ledger_path
from forkresize.ledger.sqlite.schema import COLUMNS
from forkresize.record import record
from tests.protocols import Draw

pytestmark = pytest.mark.slow

SMALL = Recipe.of(width=16)
NOT_TYPED = {
    "destinations": "number INTEGER PRIMARY KEY, name UNIQUE",
    "runs": "number INTEGER PRIMARY KEY, started_ns, ended_ns, broken, destination",
    "roots": "number INTEGER PRIMARY KEY, path UNIQUE",
    "outputs": ", ".join(f'"{column}"' for column in ("destination", *COLUMNS)),
}
KEY = {"outputs": ", PRIMARY KEY (destination, path)"}
CELLS = [(table, column.split()[0].strip('"')) for table, row in NOT_TYPED.items() for column in row.split(", ")]

values = st.one_of(
    st.none(),
    st.integers(-(2**63), 2**63 - 1),
    st.floats(),
    st.text(max_size=8),
    st.binary(max_size=8),
    st.sampled_from(
        ["written", "skipped", "failed", "not a picture", "interrupted", b"kept.jpg", b"gone.jpg", b"../x"]
    ),
)


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run over three pictures and a damaged one; then an output and a source are removed."""
    from PIL import Image

    work = tmp_path_factory.mktemp("work")
    (work / "in").mkdir()
    for name in ("kept.jpg", "lost.jpg", "gone.jpg"):
        Image.new("RGB", (64, 48)).save(work / "in" / name)
    (work / "in/bad.jpg").write_bytes(b"\xff\xd8\xff broken")
    run([work / "in"], work / "out", SMALL)
    (work / "out/lost.jpg").unlink()
    (work / "in/gone.jpg").unlink()
    return work


@contextlib.contextmanager
def without_types(work: Path) -> Iterator[sqlite3.Connection]:
    """Open the ledger with the same rows and schema, but accept values of any type; restore it afterwards."""
    path = Path(ledger_path(str(work / "out")))
    whole = path.read_bytes()
    db = sqlite3.connect(path, isolation_level=None)
    for table, columns in NOT_TYPED.items():
        (sql,) = db.execute("SELECT sql FROM sqlite_master WHERE name = ?", (table,)).fetchone()
        key = KEY.get(table, "")
        db.execute(f"CREATE TABLE new ({columns}{key}) {'WITHOUT ROWID' if key else ''}")
        db.execute(f"INSERT INTO new SELECT * FROM {table}")  # noqa: S608 -- the names are those above.
        db.execute(f"DROP TABLE {table}")
        db.execute(f"ALTER TABLE new RENAME TO {table}")
        # This connection keeps the schema that it has read.
        db.execute("PRAGMA writable_schema = ON")
        db.execute("UPDATE sqlite_master SET sql = ? WHERE name = ?", (sql, table))
        db.execute("PRAGMA writable_schema = OFF")
    try:
        yield db
    finally:
        db.close()
        path.write_bytes(whole)


def preview(work: Path, **asked: Any) -> list[Outcome]:
    """Return the outcomes of a dry run; none if the ledger is reported as damaged."""
    outcomes: list[Outcome] = []
    dry = Settings(prune=True, max_prune=MaxPrune(100), dry_run=True, **asked)
    with contextlib.suppress(LedgerError):
        run([work / "in"], work / "out", SMALL, settings=dry, observers=[outcomes.append])
    return outcomes


cells = st.tuples(
    st.sampled_from([cell for cell in CELLS if cell[1] != "number"]),
    values,
)


def test_unchanged_rows_are_read_correctly(work: Path) -> None:
    with without_types(work):
        statuses = {outcome.source.relative: outcome.status for outcome in preview(work)}
    assert statuses == {"kept.jpg": "unchanged", "lost.jpg": "planned", "gone.jpg": "pruned", "bad.jpg": "failed"}


@settings(deadline=None)
@given(st.lists(cells, min_size=1, max_size=4), st.booleans())
@example([(("outputs", "reason"), "no reason at all")], False)
@example([(("outputs", "error"), None)], False)
@example([(("outputs", "run"), "x"), (("runs", "broken"), 1)], False)
@example([(("roots", "path"), 2**40)], False)
@example([(("outputs", "source"), b"\0")], False)
@example([(("outputs", "path"), b"../x")], False)
@example([(("outputs", "source_size"), b"")], False)
@example([(("outputs", "limit"), "x")], False)
def test_no_cell_crashes_a_run_or_makes_a_missing_output_unchanged(
    work: Path, changed: list[tuple[tuple[str, str], Any]], retry_failed: bool
) -> None:
    with without_types(work) as db:
        for (table, column), value in changed:
            db.execute(f'UPDATE OR IGNORE {table} SET "{column}" = ?', (value,))  # noqa: S608 -- the names are those above.
        outcomes = preview(work, retry_failed=retry_failed)
    for outcome in outcomes:
        json.dumps(record(outcome))
        if isinstance(outcome.detail, Unchanged):
            assert os.path.exists(str(outcome.destination))
        if outcome.status == "pruned":
            assert os.path.dirname(os.path.realpath(str(outcome.destination))) == str(work / "out")


@settings(deadline=None)
@given(st.lists(st.tuples(st.just(0) | values, *[values] * len(COLUMNS)), max_size=3))
def test_no_row_crashes_a_run(work: Path, rows: list[tuple[Any, ...]]) -> None:
    with without_types(work) as db:
        db.executemany(f"INSERT OR IGNORE INTO outputs VALUES (?{', ?' * len(COLUMNS)})", rows)  # noqa: S608
        for outcome in preview(work):
            json.dumps(record(outcome))


@pytest.mark.parametrize(
    ("column", "value"),
    [("source", b"gone.jpg\0"), ("source_size", "x"), ("source_mtime_ns", None), ("size", "x"), ("mtime_ns", b"")],
)
def test_no_row_of_an_output_in_the_way_crashes_a_run(work: Path, draw: Draw, column: str, value: object) -> None:
    inner = draw(work / "in/gone.jpg/inner.jpg")
    try:
        with without_types(work) as db:
            db.execute(f'UPDATE outputs SET "{column}" = ? WHERE path = ?', (value, b"gone.jpg"))  # noqa: S608
            for outcome in preview(work):
                json.dumps(record(outcome))
    finally:
        inner.unlink()
        inner.parent.rmdir()


@pytest.mark.parametrize("path", ["../precious.jpg", "{}/precious.jpg", "x/../../precious.jpg"])
def test_no_row_has_a_file_removed_outside_the_destination(work: Path, tmp_path: Path, draw: Draw, path: str) -> None:
    precious, made = draw(work / "precious.jpg"), path.format(work).encode()
    found = precious.stat()
    (work / "out/x").mkdir(exist_ok=True)
    with without_types(work) as db:
        db.execute(
            "UPDATE outputs SET path = ?, size = ?, mtime_ns = ? WHERE path = ?",
            (made, found.st_size, found.st_mtime_ns, b"gone.jpg"),
        )
        asked = Settings(prune=True, max_prune=MaxPrune(100))
        summary = run([work / "in"], work / "out", SMALL, settings=asked)
    assert summary.exit_code == 3
    assert "damaged" in str(summary.stopped_by)
    assert precious.exists()


def test_a_time_that_sqlite_cannot_store_makes_the_source_count_as_changed(tmp_path: Path, draw: Draw) -> None:
    for number, year in enumerate((2200, 2300, 2400)):
        late = (year - 1970) * 365 * 86_400
        os.utime(draw(tmp_path / f"in/{number}.jpg"), (late, late))
    for preserve_times in (False, True, True):
        outcomes: list[Outcome] = []
        asked = Settings(preserve_times=preserve_times)
        summary = run([tmp_path / "in"], tmp_path / "out", SMALL, settings=asked, observers=[outcomes.append])
        assert summary.exit_code == 0
        assert {outcome.source.relative for outcome in outcomes if isinstance(outcome.detail, Written)} >= {
            "1.jpg",
            "2.jpg",
        }
