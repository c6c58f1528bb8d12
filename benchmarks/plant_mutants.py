"""Mutants of the state directory of a destination: each plants files as an attacker could, chosen by a seed."""

import os
import shutil
import socket
import sqlite3
import struct
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from pathlib import Path
from random import Random

from benchmarks.plants import (
    HOSTILE_SQL,
    JOURNAL_MAGIC,
    PAGE_SIZE,
    claim_pages,
    execute,
    fan_out,
    leave_journal,
    name_super_journal,
    write_ahead_log,
)

_LEDGER_FILES = "ledger.db", "ledger.db-wal", "ledger.db-shm", "ledger.db-journal"
_LOCK_FILES = "lock", "lock-1-of-2", "lock-7-of-9"
_EXTREMES = 0, 1, 2, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0xFFFFFFFF
_LEAVE_LOG = """
import os, sqlite3, sys
db = sqlite3.connect(sys.argv[1], isolation_level=None)
db.execute("PRAGMA journal_mode = WAL")
db.execute("INSERT INTO roots (path) VALUES (x'2f78')")
os.kill(os.getpid(), 9)
"""

Plant = Callable[["Site", Random], object]


class Site:
    """A destination with a closed ledger, and files outside of it that nothing may touch.

    Args:
        work: the directory that holds both, and the sources.
    """

    def __init__(self, work: Path) -> None:
        self.state = work / "out/.forkresize"
        self.ledger = self.state / "ledger.db"
        self.outside = work / "outside"

    def make_outside(self) -> None:
        """Create the files outside; some have the names of those in the state directory."""
        self.outside.mkdir()
        for name in ("canary", *_LEDGER_FILES, *_LOCK_FILES):
            (self.outside / name).write_bytes(b"precious " + name.encode())
        (self.outside / "folder").mkdir()

    def outside_files(self) -> dict[str, tuple[int, bytes]]:
        """Return time and content of the files outside."""
        return {
            path.name: (path.stat().st_mtime_ns, path.read_bytes() if path.is_file() else b"")
            for path in self.outside.iterdir()
        }


def mutate(data: bytes, random: Random) -> bytes:
    """Return bytes with a few mutations, most of them in the headers of pages."""
    changed = bytearray(data)
    for _ in range(random.choice((1, 1, 2, 4, 16))):
        if changed:
            page = random.randrange(0, len(changed), PAGE_SIZE)
            place = min(len(changed) - 1, page + random.randrange(random.choice((32, 128, PAGE_SIZE))))
            random.choice((_flip, _flip, _set_extreme, _scramble, _repeat_page, _truncate))(changed, place, random)
    return bytes(changed)


def _flip(data: bytearray, place: int, random: Random) -> None:
    data[place] ^= 1 << random.randrange(8)


def _set_extreme(data: bytearray, place: int, random: Random) -> None:
    value = struct.pack(">I", random.choice(_EXTREMES))[random.choice((0, 2)) :]
    data[place : place + len(value)] = value


def _scramble(data: bytearray, place: int, random: Random) -> None:
    data[place : place + 16] = random.randbytes(16)


def _repeat_page(data: bytearray, place: int, random: Random) -> None:
    page, other = place - place % PAGE_SIZE, random.randrange(0, len(data), PAGE_SIZE)
    data[page : page + PAGE_SIZE] = data[other : other + PAGE_SIZE]


def _truncate(data: bytearray, place: int, _: Random) -> None:
    del data[place:]


def _plant_ledger(site: Site, random: Random) -> None:
    site.ledger.write_bytes(mutate(site.ledger.read_bytes(), random))


def _plant_log(site: Site, random: Random) -> None:
    subprocess.run([sys.executable, "-c", _LEAVE_LOG, site.ledger], check=False, timeout=60)
    log = site.ledger.with_name("ledger.db-wal")
    log.write_bytes(mutate(log.read_bytes(), random))
    if random.random() < 1 / 4:
        shm = site.ledger.with_name("ledger.db-shm")
        shm.write_bytes(mutate(shm.read_bytes(), random))


def _plant_forged_log(site: Site, random: Random) -> None:
    """Plant a log whose checksums are right, and whose pages are not."""
    whole = site.ledger.read_bytes()
    pages = {
        number + 1: whole[number * PAGE_SIZE : (number + 1) * PAGE_SIZE] for number in range(len(whole) // PAGE_SIZE)
    }
    size = random.choice((len(pages), 1, 2**16, 2**31, 2**32 - 3))
    if random.random() < 1 / 2:
        pages = {1: claim_pages(whole, size)}
    else:
        pages = {number: mutate(page, random).ljust(PAGE_SIZE, b"\0")[:PAGE_SIZE] for number, page in pages.items()}
    site.ledger.with_name("ledger.db-wal").write_bytes(write_ahead_log(pages, size))


def _plant_journal(site: Site, random: Random) -> None:
    journal = leave_journal(site.ledger)
    journal.write_bytes(mutate(journal.read_bytes(), random))


def _plant_super_journal(site: Site, random: Random) -> None:
    """Plant a hot journal that names a file outside; SQLite deletes the file if it believes the journal."""
    journal = leave_journal(site.ledger)
    hot = journal.read_bytes()
    if random.random() < 1 / 4:
        hot = mutate(hot, random)
    target = site.outside / random.choice(("canary", "lock", "ledger.db"))
    name = random.choice(
        (target, os.path.relpath(target, site.state.parent.parent), f"{site.state}/../../outside/canary")
    )
    named = name_super_journal(hot, name)
    # The name may also follow the magic bytes of an empty journal, or be all there is.
    journal.write_bytes(random.choice((named, named, named, name_super_journal(JOURNAL_MAGIC + bytes(504), name))))


def _plant_sql(site: Site, random: Random) -> None:
    execute(site.ledger, HOSTILE_SQL[random.choice(list(HOSTILE_SQL))])


def _plant_rows(site: Site, random: Random) -> None:
    """Plant rows of other types, and names that lead outside."""
    values = (
        None,
        -1,
        2**63 - 1,
        1.5,
        "x",
        b"\xff",
        b"../outside/canary",
        b"a.png",
        bytes(100_000),
        os.fsencode(site.outside),
    )
    with closing(sqlite3.connect(site.ledger, isolation_level=None)) as db:
        columns = [
            (table, row[1])
            for table in ("destinations", "runs", "roots", "outputs")
            for row in db.execute(f"PRAGMA table_info({table})")
        ]
        for _ in range(random.choice((1, 2, 5))):
            table, column = random.choice(columns)
            with suppress(sqlite3.IntegrityError):
                db.execute(f'UPDATE OR IGNORE {table} SET "{column}" = ?', (random.choice(values),))  # noqa: S608


def _plant_endless_schema(site: Site, random: Random) -> None:
    site.ledger.write_bytes(fan_out(site.ledger.read_bytes(), random.randrange(3, 18)))


def _plant_kind(site: Site, random: Random) -> None:
    """Plant something else in the place of a file, or of the state directory."""
    path = site.state / random.choice((*_LEDGER_FILES, *_LOCK_FILES, "."))
    if path == site.state:
        shutil.rmtree(path)
    path.unlink(missing_ok=True)
    _place(path, random.choice(_KINDS), site, random)


_KINDS = (
    "link",
    "dangling link",
    "link to a folder",
    "link to zeros",
    "folder",
    "full folder",
    "pipe",
    "socket",
    "hard link",
    "sparse",
)


def _place(path: Path, kind: str, site: Site, random: Random) -> None:
    targets = {"link": "canary", "dangling link": "missing", "link to a folder": "."}
    if kind in targets:
        path.symlink_to(site.outside / targets[kind])
    elif kind == "link to zeros":
        path.symlink_to("/dev/zero")
    elif kind in {"folder", "full folder"}:
        path.mkdir()
        if kind == "full folder":
            (path / "file").touch()
    elif kind == "pipe":
        os.mkfifo(path)
    elif kind == "socket":
        with closing(socket.socket(socket.AF_UNIX)) as server:
            server.bind(os.path.relpath(path))
    elif kind == "hard link":
        path.hardlink_to(site.outside / "canary")
    else:
        with path.open("wb") as file:
            file.write(random.choice((b"", JOURNAL_MAGIC, b"SQLite format 3\0")))
            file.truncate(random.choice((1 << 30, 1 << 33, 1 << 42)))


def _plant_locks(site: Site, random: Random) -> None:
    """Plant lock files with any content."""
    for name in random.sample(_LOCK_FILES, random.randrange(1, 4)) if random.random() < 3 / 4 else _many_names(random):
        content = random.choice(
            (b"", b"0123abcd", b"0123abcd" * 100_000, b"../../out", random.randbytes(5000), b"\0" * 8)
        )
        (site.state / name).write_bytes(content)


def _many_names(random: Random) -> Iterator[str]:
    yield from (f"lock-{number}-of-{random.randrange(10**6)}" for number in range(300))


PLANTS: dict[str, Plant] = {
    "mutated ledger": _plant_ledger,
    "mutated log": _plant_log,
    "forged log": _plant_forged_log,
    "mutated journal": _plant_journal,
    "journal that names a file": _plant_super_journal,
    "hostile schema": _plant_sql,
    "schema without end": _plant_endless_schema,
    "hostile rows": _plant_rows,
    "other kind of file": _plant_kind,
    "lock files": _plant_locks,
}
"""What is planted, by name."""
