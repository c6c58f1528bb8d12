"""The files of a ledger: what others may have planted is refused, and left alone; what a killed run left is used."""

import os
import shutil
import socket
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from benchmarks.plants import JOURNAL_MAGIC, leave_journal, name_super_journal
from forkresize.errors import LedgerError
from forkresize.exit_policy import ExitCode, exit_code_for_error
from forkresize.ledger import open_ledger
from forkresize.ledger.sqlite import SqliteLedger

STRANGER = 54321
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files to another user")


def keys(ledger: Path, *, read_only: bool = False) -> list[str]:
    with SqliteLedger(str(ledger.parent.parent), read_only=read_only) as opened:
        return [record.key for record in opened.iter_records()]


def refusal(ledger: Path, *, read_only: bool = False) -> str:
    with pytest.raises(LedgerError) as refused:
        open_ledger(str(ledger.parent.parent), read_only=read_only)
    assert exit_code_for_error(refused.value) is ExitCode.FATAL
    return str(refused.value)


def test_a_journal_that_names_a_further_file_is_refused_and_the_file_stays(ledger: Path, canary: Path) -> None:
    journal = leave_journal(ledger)
    hot = name_super_journal(journal.read_bytes(), canary)
    journal.write_bytes(hot)
    for read_only in (True, False):
        assert "'s" not in (message := refusal(ledger, read_only=read_only))
        assert "ledger.db-journal' names a further file" in message
    assert journal.read_bytes() == hot


def test_the_journal_of_a_killed_run_is_rolled_back(ledger: Path) -> None:
    journal = leave_journal(ledger)
    assert journal.read_bytes().startswith(JOURNAL_MAGIC)
    assert keys(ledger) == ["a", "b", "c"]
    with closing(sqlite3.connect(ledger)) as db:
        assert db.execute("SELECT count(*) FROM roots").fetchone() == (1,)
    assert not journal.exists()


def test_the_log_of_a_killed_run_is_used(ledger: Path) -> None:
    script = "import os, sqlite3, sys\ndb = sqlite3.connect(sys.argv[1], isolation_level=None)\n"
    script += "db.execute('PRAGMA journal_mode = WAL')\n"
    script += "db.execute(\"DELETE FROM outputs WHERE path = x'62'\")\nos.kill(os.getpid(), 9)"
    subprocess.run([sys.executable, "-c", script, ledger], check=False, timeout=60)
    assert ledger.with_name("ledger.db-wal").stat().st_size > 0
    assert keys(ledger) == ["a", "c"]


@pytest.mark.parametrize("state", [b"", bytes(512), JOURNAL_MAGIC + bytes(504)], ids=["empty", "zeros", "no pages"])
def test_a_journal_without_content_is_accepted(ledger: Path, state: bytes) -> None:
    ledger.with_name("ledger.db-journal").write_bytes(state)
    assert keys(ledger) == ["a", "b", "c"]


def test_a_journal_that_was_left_after_its_ledger_was_removed_is_accepted(ledger: Path) -> None:
    leave_journal(ledger)
    ledger.unlink()
    assert keys(ledger) == []


def test_a_foreign_journal_is_refused(ledger: Path) -> None:
    journal = ledger.with_name("ledger.db-journal")
    journal.write_text("not a journal")
    assert "is not a journal of SQLite" in refusal(ledger)
    assert journal.read_text() == "not a journal"


def test_a_journal_that_would_make_the_ledger_huge_is_refused(ledger: Path) -> None:
    journal = leave_journal(ledger)
    size, hot = ledger.stat().st_size, bytearray(journal.read_bytes())
    hot[16:20] = b"\xff" * 4
    journal.write_bytes(hot)
    assert "larger ledger" in refusal(ledger)
    assert ledger.stat().st_size == size


def plant_socket(path: Path, _: Path) -> None:
    with closing(socket.socket(socket.AF_UNIX)) as server:
        folder = os.open(path.parent, os.O_RDONLY)
        # The path of a socket is short.
        server.bind(f"/proc/self/fd/{folder}/{path.name}" if os.path.exists("/proc/self/fd") else str(path))
        os.close(folder)


PLANTS: dict[str, Callable[[Path, Path], object]] = {
    "a symbolic link": lambda path, canary: path.symlink_to(canary),
    "a directory": lambda path, _: path.mkdir(),
    "a named pipe": lambda path, _: os.mkfifo(path),
    "a socket": plant_socket,
    "a file that has other names": lambda path, canary: path.hardlink_to(canary),
}


@pytest.mark.parametrize("suffix", ["", "-wal", "-shm", "-journal"])
@pytest.mark.parametrize("kind", PLANTS)
def test_what_is_not_a_regular_file_is_refused_and_left_alone(
    ledger: Path, canary: Path, kind: str, suffix: str
) -> None:
    path = ledger.with_name(f"ledger.db{suffix}")
    path.unlink(missing_ok=True)
    PLANTS[kind](path, canary)
    before = path.lstat()
    for read_only in (True, False):
        message = refusal(ledger, read_only=read_only)
        assert kind in message
        assert path.name in message
        assert "remove it" in message
    assert path.lstat().st_mtime_ns == before.st_mtime_ns


@pytest.mark.parametrize("suffix", ["", "-wal", "-shm", "-journal"])
def test_a_file_larger_than_a_ledger_can_be_is_refused(ledger: Path, suffix: str) -> None:
    path = ledger.with_name(f"ledger.db{suffix}")
    with path.open("ab") as file:
        file.truncate(1 << 40)
    assert "larger than" in refusal(ledger)


def test_a_state_directory_that_is_a_link_is_refused(ledger: Path, tmp_path: Path) -> None:
    ledger.parent.rename(tmp_path / "elsewhere")
    ledger.parent.symlink_to(tmp_path / "elsewhere")
    for read_only in (True, False):
        assert ".forkresize: a symbolic link in the place of a directory; remove it" in refusal(
            ledger, read_only=read_only
        )


@as_root
@pytest.mark.parametrize("name", [".", "ledger.db", "ledger.db-wal", "ledger.db-journal"])
def test_a_file_of_a_stranger_is_refused(ledger: Path, name: str) -> None:
    path = ledger.parent / name
    if not path.exists():
        path.write_bytes(b"")
    os.chown(path, STRANGER, STRANGER)
    assert f"belongs to user {STRANGER}" in refusal(ledger)
    # Everyone may write there, not only the members of a group.
    os.chown(ledger.parent.parent, 0, STRANGER)
    ledger.parent.parent.chmod(0o777)
    assert f"belongs to user {STRANGER}" in refusal(ledger)


@as_root
def test_the_owner_of_the_destination_and_the_group_that_shares_it_are_trusted(ledger: Path) -> None:
    out = ledger.parent.parent
    for path in (ledger, ledger.parent):
        os.chown(path, STRANGER, STRANGER)
    os.chown(out, STRANGER, 0)
    assert keys(ledger) == ["a", "b", "c"]
    os.chown(out, 0, STRANGER)
    out.chmod(0o2775)
    assert keys(ledger) == ["a", "b", "c"]


@as_root
def test_a_ledger_is_trusted_if_new_files_get_the_same_owner(ledger: Path) -> None:
    out = ledger.parent.parent
    out.chmod(0o777)
    for path in (ledger, ledger.parent):
        os.chown(path, STRANGER, STRANGER)
    # As on a network file system that maps all users to one: this user creates files that belong to another.
    script = "import ctypes, os, sys\nfrom forkresize.ledger.sqlite import SqliteLedger\nos.setgroups([])\n"
    script += f"os.setresgid({STRANGER}, {STRANGER}, 0)\nos.setresuid({STRANGER}, {STRANGER + 1}, 0)\n"
    script += f"ctypes.CDLL(None).setfsuid({STRANGER})\n"
    script += "print(*(record.key for record in SqliteLedger(sys.argv[1]).iter_records()))"
    for folder in (*out.parents, out):
        if folder.stat().st_uid == os.getuid() and str(folder).startswith(tempfile.gettempdir()):
            folder.chmod(folder.stat().st_mode | 0o055)
    command = [sys.executable, "-c", script, str(out)]
    ran = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert ran.stdout == "a b c\n", ran.stderr
    assert sorted(path.name for path in ledger.parent.iterdir()) == ["ledger.db"]


def test_a_journal_that_appears_during_a_run_is_not_rolled_back_at_its_end(
    ledger: Path, canary: Path, tmp_path: Path
) -> None:
    shutil.copytree(ledger.parent, tmp_path / "copy")
    hot = name_super_journal(leave_journal(tmp_path / "copy/ledger.db").read_bytes(), canary)
    with SqliteLedger(str(ledger.parent.parent)) as opened:
        opened.begin_run()
        ledger.with_name("ledger.db-journal").write_bytes(hot)
    assert "names a further file" in refusal(ledger)
