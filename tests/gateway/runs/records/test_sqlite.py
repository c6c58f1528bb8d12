"""The file with the records of runs: who may read it, and when it is refused."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from forkresize.errors import LedgerError
from forkresize.gateway.runs.records.sqlite import FILE, SqliteEngine, open_sqlite
from forkresize.gateway.runs.records.values import Limits


def test_only_its_user_may_read_it(tmp_path: Path) -> None:
    directory = tmp_path / "a/state"
    open_sqlite(str(directory), Limits()).close()
    assert directory.stat().st_mode & 0o777 == 0o700
    assert (directory / FILE).stat().st_mode & 0o777 == 0o600


def test_a_directory_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(LedgerError, match=r"the state directory '.*file/state' cannot be used"):
        open_sqlite(str(tmp_path / "file/state"), Limits())


def test_a_later_version_is_refused(tmp_path: Path) -> None:
    open_sqlite(str(tmp_path), Limits()).close()
    with closing(sqlite3.connect(tmp_path / FILE)) as connection:
        connection.execute("PRAGMA user_version = 99")
    with pytest.raises(LedgerError, match="has version 99 of the tables"):
        open_sqlite(str(tmp_path), Limits())


def test_what_is_not_a_database_is_refused(tmp_path: Path) -> None:
    (tmp_path / FILE).write_bytes(b"no database" * 100)
    with pytest.raises(LedgerError, match="file is not a database"):
        open_sqlite(str(tmp_path), Limits())


INSERT = "INSERT INTO child VALUES (%(parent)s, %(data)s)"


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[SqliteEngine]:
    """A file with a table whose rows need others at the end of their transaction."""
    found = SqliteEngine(str(tmp_path))
    parent, reference = "parent (id text PRIMARY KEY)", "REFERENCES parent DEFERRABLE INITIALLY DEFERRED"
    found.migrate([f"CREATE TABLE {parent}; CREATE TABLE child (parent text {reference}, data text)"])
    yield found
    found.close()


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        # SQLite rolls back by itself.
        ({"parent": None, "data": "x" * 1_000_000}, "database or disk is full"),
        # The transaction cannot be committed.
        ({"parent": "missing", "data": ""}, "FOREIGN KEY constraint failed"),
    ],
)
def test_a_transaction_that_fails_says_why_and_does_not_hinder_the_next(
    engine: SqliteEngine, values: dict[str, str | None], reason: str
) -> None:
    engine.run(lambda cursor: cursor.rows("PRAGMA max_page_count = 50", {}))
    with pytest.raises(LedgerError, match=reason):
        engine.run(lambda cursor: cursor.change(INSERT, values))
    assert engine.run(lambda cursor: cursor.change(INSERT, {"parent": None, "data": ""})) == 1
