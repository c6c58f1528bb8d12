"""The ledger in SQLite: batches, durability, concurrent readers, interrupted runs, damage."""

import os
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from forkresize.errors import LedgerError
from forkresize.exit_policy import ExitCode, exit_code_for_error
from forkresize.ledger import OutputRecord
from forkresize.ledger.sqlite import SqliteLedger, ledger_path
from forkresize.ledger.sqlite.connection import LedgerConnection
from forkresize.ledger.sqlite.rows import Statements
from forkresize.plan.staleness import may_be_incomplete


@pytest.fixture
def out(tmp_path: Path) -> Path:
    (tmp_path / "out/.forkresize").mkdir(parents=True)
    return tmp_path / "out"


def record(key: str, **others: Any) -> OutputRecord:
    about = OutputRecord(key, "/in", key, 10, 20, None, b"recipe", "written", run=1, size=5, mtime_ns=6)
    return about._replace(**others)


def rows(out: Path) -> list[bytes]:
    with sqlite3.connect(ledger_path(str(out))) as db:
        found = [path for (path,) in db.execute("SELECT path FROM outputs ORDER BY path")]
    db.close()
    return found


@pytest.fixture
def filled(out: Path) -> Iterator[SqliteLedger]:
    with SqliteLedger(str(out)) as ledger:
        ledger.record(record(f"{number:04}.jpg") for number in range(2000))
        yield ledger


def test_a_batch_is_written_when_it_is_large_or_a_second_old(out: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with SqliteLedger(str(out)) as ledger:
        ledger.record([record("a")])
        assert rows(out) == []
        ledger.record(record(f"{number}") for number in range(500))
        assert len(rows(out)) == 501
        ledger.record([record("b")])
        now = time.monotonic()
        monkeypatch.setattr(time, "monotonic", lambda: now + 2)
        ledger.record([record("c")])
        assert len(rows(out)) == 503


def test_a_durable_ledger_writes_every_record_at_once(out: Path) -> None:
    with SqliteLedger(str(out), durable=True) as ledger:
        ledger.record([record("a")])
        assert rows(out) == [b"a"]


def test_a_closed_ledger_is_a_single_file(filled: SqliteLedger, out: Path) -> None:
    assert sorted(os.listdir(out / ".forkresize")) == ["ledger.db", "ledger.db-shm", "ledger.db-wal"]
    filled.close()
    assert os.listdir(out / ".forkresize") == ["ledger.db"]
    with SqliteLedger(str(out)):
        pass


def test_a_ledger_is_read_while_another_run_writes_it(filled: SqliteLedger, out: Path) -> None:
    filled.flush()
    with SqliteLedger(str(out), read_only=True) as reader:
        assert not reader.persistent
        assert reader.get("0007.jpg") is not None
        reader.record([record("new")])
    assert b"new" not in rows(out)


def test_a_killed_run_counts_as_interrupted_until_its_outputs_are_recorded_again(out: Path) -> None:
    before = time.time_ns() - 10**11
    script = """
import os, sys
from forkresize.ledger.sqlite import SqliteLedger
ledger = SqliteLedger(sys.argv[1])
ledger.begin_run()
os.kill(os.getpid(), 9)
"""
    subprocess.run([sys.executable, "-c", script, out], check=False, timeout=60)
    now = time.time_ns()
    for _ in range(2):
        with SqliteLedger(str(out)) as ledger:
            ledger.begin_run()
            interrupted = ledger.interrupted_runs()
            assert may_be_incomplete(interrupted, 0, now)
            assert not may_be_incomplete(interrupted, 1, now)
            assert not may_be_incomplete(interrupted, 0, before)


def test_after_a_clock_was_set_back_outputs_of_any_time_may_be_incomplete(
    out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = time.time_ns()
    with monkeypatch.context() as ahead:
        ahead.setattr(time, "time_ns", lambda: now + 10**14)
        killed = SqliteLedger(str(out))
        killed.begin_run()
    for _ in range(2):
        with SqliteLedger(str(out)) as ledger:
            ledger.begin_run()
            (interrupted,) = ledger.interrupted_runs()
            assert interrupted.ended_ns < interrupted.started_ns
    killed.close()


def test_a_rolled_back_batch_does_not_lose_its_root(out: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with SqliteLedger(str(out)) as ledger:
        ledger.record([record("a", root="/one")])
        with monkeypatch.context() as patch:
            statements = Statements("SELECT 1", "INSERT INTO nowhere VALUES (1)", "SELECT 1")
            patch.setattr(ledger, "_statements", statements)
            with pytest.raises(LedgerError, match="nowhere"):
                ledger.flush()
    with SqliteLedger(str(out)) as ledger:
        assert [each.root for each in ledger.iter_records()] == ["/one"]


@pytest.mark.parametrize("damage", ["text", "zeros", "other", "newer"])
def test_a_damaged_or_foreign_file_is_refused_with_advice_and_left_alone(
    filled: SqliteLedger, out: Path, damage: str
) -> None:
    filled.close()
    path = Path(ledger_path(str(out)))
    if damage == "text":
        path.write_text("no database at all, but long enough to be read as one" * 9)
    elif damage == "zeros":
        data = path.read_bytes()
        path.write_bytes(data[:20000] + bytes(20000) + data[40000:])
    else:
        pragma = "application_id" if damage == "other" else "user_version"
        db = sqlite3.connect(path)
        db.execute(f"PRAGMA {pragma} = 99")
        db.close()
    before = path.read_bytes()
    for read_only in (False, True):
        with pytest.raises(LedgerError, match="delete it to start over") as refusal:
            SqliteLedger(str(out), read_only=read_only)
        assert exit_code_for_error(refusal.value) is ExitCode.FATAL
    assert path.read_bytes() == before


def test_a_ledger_that_cannot_be_opened_is_not_called_damaged(tmp_path: Path) -> None:
    with pytest.raises(LedgerError, match="No such file") as refusal:
        SqliteLedger(str(tmp_path / "missing"))
    assert "damaged" not in str(refusal.value)


def test_the_rollback_journal_is_used_where_wal_is_not_possible(out: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    execute = LedgerConnection.execute

    def refuse_wal(connection: LedgerConnection, sql: str, *parameters: Any) -> sqlite3.Cursor:
        if sql == "PRAGMA journal_mode = WAL":
            raise sqlite3.OperationalError("locking protocol")
        return execute(connection, sql, *parameters)

    monkeypatch.setattr(LedgerConnection, "execute", refuse_wal)
    with SqliteLedger(str(out)) as ledger:
        ledger.record([record("a")])
        ledger.flush()
        assert not (out / ".forkresize/ledger.db-wal").exists()
    assert rows(out) == [b"a"]
