import os
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forkresize.errors import LedgerError
from forkresize.exit_policy import ExitCode, exit_code_for_error
from forkresize.ledger import LedgerStore, NullLedger, OutputRecord, SqliteLedger, ledger_path

NAMES = st.binary(min_size=1, max_size=40).filter(lambda name: not set(name) & {0, ord("/")})


@pytest.fixture
def out(tmp_path: Path) -> Path:
    (tmp_path / "out/.forkresize").mkdir(parents=True)
    return tmp_path / "out"


def entry(path: bytes, run: int = 1, **others: Any) -> OutputRecord:
    about = OutputRecord(path, 1, path, 10, 20, None, b"recipe", "written", run=run, size=5, mtime_ns=6)
    return about._replace(**others)


def rows(out: Path) -> list[bytes]:
    with sqlite3.connect(ledger_path(str(out))) as db:
        found = [path for (path,) in db.execute("SELECT path FROM outputs ORDER BY path")]
    db.close()
    return found


@pytest.fixture
def filled(out: Path) -> Iterator[SqliteLedger]:
    with SqliteLedger(str(out)) as ledger:
        ledger.note(entry(f"{number:04}.jpg".encode()) for number in range(2000))
        yield ledger


def test_what_is_noted_is_known_at_once_and_to_the_next_run(out: Path) -> None:
    noted = entry(b"a/b.jpg", reason="damaged or truncated", error="\udcff", limit=3.5, source_hash=b"\0\xff")
    noted = noted._replace(error="no", signal="SIGSEGV", width=3, height=4, format="jpeg", hash=b"h")
    with SqliteLedger(str(out)) as ledger:
        assert ledger.entry(f"{out}/a/b.jpg") is None
        ledger.note([noted])
        assert ledger.entry(f"{out}/a/b.jpg") == noted
    with SqliteLedger(str(out)) as ledger:
        assert ledger.run == 2
        assert ledger.entry(f"{out}/a/b.jpg") == noted


@settings(deadline=None)
@given(st.sets(NAMES, min_size=1, max_size=30))
def test_names_of_any_bytes_are_found_in_any_order(tmp_path_factory: pytest.TempPathFactory, names: set[bytes]) -> None:
    out = tmp_path_factory.mktemp("out")
    (out / ".forkresize").mkdir()
    kept = sorted(names)[::2]
    with SqliteLedger(str(out)) as ledger:
        ledger.note(entry(name) for name in kept)
        ledger.flush()
        asked = sorted(names) + sorted(names, reverse=True) + list(names)
        for name in asked:
            found = ledger.entry(os.path.join(str(out), os.fsdecode(name)))
            assert (found is not None) is (name in kept)
            assert found is None or found.path == name


def test_a_batch_is_written_when_it_is_large_and_when_it_is_old(out: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with SqliteLedger(str(out)) as ledger:
        ledger.note([entry(b"a")])
        assert rows(out) == []
        ledger.note(entry(b"%d" % number) for number in range(500))
        assert len(rows(out)) == 501
        ledger.note([entry(b"b")])
        now = time.monotonic()
        monkeypatch.setattr(time, "monotonic", lambda: now + 2)
        ledger.note([entry(b"c")])
        assert len(rows(out)) == 503


def test_one_that_has_to_be_durable_writes_at_once(out: Path) -> None:
    with SqliteLedger(str(out), durable=True) as ledger:
        ledger.note([entry(b"a")])
        assert rows(out) == [b"a"]


def test_what_was_read_ahead_gives_way_to_what_is_noted(filled: SqliteLedger, out: Path) -> None:
    filled.flush()
    for number in range(1000):
        assert filled.entry(f"{out}/{number:04}.jpg") is not None
    filled.note([entry(b"1000.jpg", size=77), entry(b"1000.png")])
    filled.flush()
    found = filled.entry(f"{out}/1000.jpg")
    assert found is not None
    assert found.size == 77
    assert filled.entry(f"{out}/1000.png") is not None


def test_forgotten_entries_are_gone(filled: SqliteLedger, out: Path) -> None:
    filled.forget([b"0001.jpg"])
    assert filled.entry(f"{out}/0001.jpg") is None
    assert len(rows(out)) == 1999


def test_roots_keep_their_numbers(out: Path) -> None:
    with SqliteLedger(str(out)) as ledger:
        numbers = [ledger.root("/a"), ledger.root("/\udcff"), ledger.root("/a")]
        ledger.note([entry(b"a", root=numbers[1], source=b"\xfe")])
        assert numbers[0] == numbers[2] != numbers[1]
    with SqliteLedger(str(out), read_only=True) as ledger:
        assert [ledger.root("/a"), ledger.root("/\udcff")] == numbers[:2]
        assert ledger.root("/new") == 0
        assert [(root, source) for root, source, _ in ledger.entries()] == [("/\udcff", "\udcfe")]


def test_a_closed_ledger_is_one_plain_file(filled: SqliteLedger, out: Path) -> None:
    assert sorted(os.listdir(out / ".forkresize")) == ["ledger.db", "ledger.db-shm", "ledger.db-wal"]
    filled.close()
    assert os.listdir(out / ".forkresize") == ["ledger.db"]
    with SqliteLedger(str(out)):
        pass


def test_a_ledger_is_read_while_another_run_writes_it(filled: SqliteLedger, out: Path) -> None:
    filled.flush()
    with SqliteLedger(str(out), read_only=True) as reader:
        assert not reader.persistent
        assert reader.entry(f"{out}/0007.jpg") is not None
        reader.note([entry(b"new")])
    assert b"new" not in rows(out)


def test_what_a_killed_run_may_have_made_is_doubtful(out: Path) -> None:
    before = time.time_ns() - 10**11
    script = """
import os, sys
from forkresize.ledger import SqliteLedger
ledger = SqliteLedger(sys.argv[1])
os.kill(os.getpid(), 9)
"""
    subprocess.run([sys.executable, "-c", script, out], check=False, timeout=60)
    now = time.time_ns()
    for _ in range(2):
        with SqliteLedger(str(out)) as ledger:
            assert ledger.may_be_incomplete(0, now)
            assert not ledger.may_be_incomplete(1, now)
            assert not ledger.may_be_incomplete(0, before)


@pytest.mark.parametrize("when", [-(10**15), 0, 10**15])
def test_a_clock_that_was_set_back_leaves_all_of_a_killed_run_in_doubt(
    out: Path, monkeypatch: pytest.MonkeyPatch, when: int
) -> None:
    now = time.time_ns()
    with monkeypatch.context() as ahead:
        ahead.setattr(time, "time_ns", lambda: now + 10**14)
        SqliteLedger(str(out))._db.close()  # noqa: SLF001 -- it never comes to its end.
    for _ in range(2):
        with SqliteLedger(str(out)) as ledger:
            assert ledger.may_be_incomplete(0, now + when)
            assert not ledger.may_be_incomplete(1, now + when)


def test_a_run_that_ends_while_another_shard_begins_is_not_taken_for_broken(out: Path) -> None:
    with SqliteLedger(str(out)) as one, SqliteLedger(str(out)) as other:
        assert one.run != other.run
        one.close()
        other.close()
    with SqliteLedger(str(out), read_only=True) as ledger:
        assert not ledger.may_be_incomplete(0, time.time_ns())


@pytest.mark.parametrize("damage", ["text", "zeros", "other", "newer"])
def test_what_is_no_ledger_is_refused_with_a_way_on(filled: SqliteLedger, out: Path, damage: str) -> None:
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
        with pytest.raises(LedgerError, match="--no-ledger") as refusal:
            SqliteLedger(str(out), read_only=read_only)
        assert "remove it" in str(refusal.value)
        assert exit_code_for_error(refusal.value) is ExitCode.FATAL
    assert path.read_bytes() == before


def test_a_ledger_that_can_not_be_opened_is_no_damage(tmp_path: Path) -> None:
    with pytest.raises(LedgerError, match="unable to open") as refusal:
        SqliteLedger(str(tmp_path / "missing"))
    assert "damaged" not in str(refusal.value)


def test_without_shared_memory_the_rollback_journal_serves(out: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Old(sqlite3.Connection):
        def execute(self, sql: str, *parameters: Any) -> sqlite3.Cursor:
            if sql == "PRAGMA journal_mode = WAL":
                raise sqlite3.OperationalError("locking protocol")
            return super().execute(sql, *parameters)

    connect = sqlite3.connect
    monkeypatch.setattr(sqlite3, "connect", lambda *names, **options: connect(*names, **options, factory=Old))
    with SqliteLedger(str(out)) as ledger:
        ledger.note([entry(b"a")])
        ledger.flush()
        assert not (out / ".forkresize/ledger.db-wal").exists()
    assert rows(out) == [b"a"]


def test_nothing_is_known_without_a_ledger() -> None:
    memory: LedgerStore = NullLedger()
    assert memory.entry("a") is None
    memory.note([entry(b"a")])
    assert not memory.may_be_incomplete(0, 0)
    assert (memory.root("/a"), memory.below("a"), memory.run, memory.persistent) == (0, b"a", 0, False)
