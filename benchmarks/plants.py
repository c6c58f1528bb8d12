"""Files that an attacker may leave in the state directory of a destination: hostile ledgers, logs and journals."""

import os
import sqlite3
import struct
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path

PAGE_SIZE = 4096
JOURNAL_MAGIC = bytes.fromhex("d9d505f920a163d7")
_RUNS = "CREATE TABLE runs (number INTEGER PRIMARY KEY, started_ns, ended_ns, broken"
_ENDLESS = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i"

HOSTILE_SQL = {
    "endless view": f"""ALTER TABLE runs RENAME TO old;
        CREATE VIEW runs AS {_ENDLESS} AS number, 0 AS started_ns, 0 AS ended_ns, 1 AS broken FROM n""",
    "view of much memory": """ALTER TABLE roots RENAME TO old;
        CREATE VIEW roots AS SELECT 1 AS number, zeroblob(900000000) AS path""",
    "trigger of much memory": """CREATE TRIGGER t AFTER INSERT ON runs BEGIN
        INSERT INTO roots (path) SELECT randomblob(400000000); END""",
    "endless trigger": f"""CREATE TRIGGER t AFTER INSERT ON runs BEGIN
        INSERT INTO roots (path) SELECT x FROM ({_ENDLESS} AS x FROM n); END""",  # noqa: S608 -- text of our own.
    "another table": "CREATE TABLE more (x)",
    "another index": "CREATE INDEX more ON outputs (hash)",
    "index of an expression": "CREATE INDEX more ON outputs (length(zeroblob(90000000)))",
    "generated column": f"DROP TABLE runs; {_RUNS}, x AS (zeroblob(90000000)))",
    "check": f"DROP TABLE runs; {_RUNS}, CHECK (length(randomblob(100000000)) > 1))",
    "virtual table": "CREATE VIRTUAL TABLE more USING fts5(x)",
    "many tables": f"BEGIN; {''.join(f'CREATE TABLE t{number} (x);' for number in range(3000))} COMMIT",
    "statistics": "ANALYZE",
    "name that is not UTF-8": """PRAGMA writable_schema = ON;
        UPDATE sqlite_master SET name = CAST(x'1b5b33316d82' AS TEXT), sql = 'CREATE' WHERE name = 'runs'""",
    "escapes in a name": """PRAGMA writable_schema = ON;
        UPDATE sqlite_master SET name = CAST(x'1b5b33316d' AS TEXT), sql = 'CREATE' WHERE name = 'runs'""",
    "text that is not UTF-8": "UPDATE outputs SET error = CAST(x'82' AS TEXT)",
    "large roots": "INSERT INTO roots (path) VALUES (zeroblob(20000000))",
    "many roots": f"INSERT INTO roots (path) SELECT randomblob(2000) FROM ({_ENDLESS} FROM n LIMIT 20000)",  # noqa: S608
    "many runs": f"INSERT INTO runs SELECT i + 9, 0, NULL, 1, 0 FROM ({_ENDLESS} FROM n LIMIT 99999)",  # noqa: S608
    "large cache": "PRAGMA default_cache_size = 2000000000",
    "other application": "PRAGMA application_id = 1",
    "later version": "PRAGMA user_version = 99",
}
"""What makes a ledger hostile, or only foreign."""

_LEAVE_JOURNAL = """
import os, sqlite3, sys
db = sqlite3.connect(sys.argv[1], isolation_level=None)
db.execute("PRAGMA cache_size = 1")
db.execute("BEGIN")
for number in range(500):
    db.execute("INSERT INTO roots (path) VALUES (?)", (os.urandom(200),))
os.kill(os.getpid(), 9)
"""


def execute(ledger: Path, sql: str) -> None:
    """Execute statements in a ledger."""
    with closing(sqlite3.connect(ledger, isolation_level=None)) as db:
        db.executescript(sql)


def leave_journal(ledger: Path) -> Path:
    """Have a process killed in the middle of a transaction; return the rollback journal that it leaves."""
    subprocess.run([sys.executable, "-c", _LEAVE_JOURNAL, ledger], check=False, timeout=60)
    return ledger.with_name(f"{ledger.name}-journal")


def name_super_journal(journal: bytes, name: str | os.PathLike[str]) -> bytes:
    """Return a journal that names a super-journal, which SQLite deletes after the rollback."""
    path = os.fsencode(name)
    page = struct.pack(">I", (1 << 30) // PAGE_SIZE + 1)
    return journal + page + path + struct.pack(">II", len(path), sum(path) & 0xFFFFFFFF) + JOURNAL_MAGIC


def write_ahead_log(pages: Mapping[int, bytes], size: int) -> bytes:
    """Return a write-ahead log of one transaction.

    Args:
        pages: their content by number.
        size: of the database after the transaction, in pages.
    """
    header = struct.pack(">6I", 0x377F0682, 3007000, PAGE_SIZE, 0, 0x5A17, 0xF00D)
    sums = _checksum(header, (0, 0))
    log = header + struct.pack(">2I", *sums)
    for place, (number, content) in enumerate(pages.items(), 1):
        start = struct.pack(">2I", number, size if place == len(pages) else 0)
        sums = _checksum(content, _checksum(start, sums))
        log += start + struct.pack(">4I", 0x5A17, 0xF00D, *sums) + content
    return log


def _checksum(data: bytes, sums: tuple[int, int]) -> tuple[int, int]:
    first, second = sums
    for one, two in struct.iter_unpack("<2I", data):
        first = (first + one + second) & 0xFFFFFFFF
        second = (second + two + first) & 0xFFFFFFFF
    return first, second


def claim_pages(ledger: bytes, pages: int) -> bytes:
    """Return the first page of a ledger, with this number of pages in its header."""
    first = bytearray(ledger[:PAGE_SIZE])
    struct.pack_into(">I", first, 28, pages)
    # The number counts only if both counters are equal.
    first[92:96] = first[24:28]
    first[18:20] = b"\2\2"
    return bytes(first)


def fan_out(ledger: bytes, levels: int = 16) -> bytes:
    """Return a ledger whose schema has no end: every child of a page is the next page, on many levels.

    Args:
        ledger: of a few pages, with the whole schema on the first one.
        levels: how many pages form the graph.
    """
    first = len(ledger) // PAGE_SIZE + 1
    schema = bytearray(ledger[:PAGE_SIZE])
    cells = int.from_bytes(schema[103:105], "big")
    schema[: 8 + 2 * cells] = schema[100 : 108 + 2 * cells]
    graph = [_interior([number + 1] * 300) for number in range(first + 1, first + levels)]
    root = bytearray(ledger[:100]) + _interior([first, *[first + 1] * 300], 100)
    root[28:32], root[92:96] = struct.pack(">I", first + levels), root[24:28]
    return bytes(root) + ledger[PAGE_SIZE:] + bytes(schema) + b"".join(graph) + _index_again()


def _interior(children: Sequence[int], start: int = 0) -> bytes:
    """Return a page of a table that refers to others, without the bytes before its header."""
    *most, last = children
    content = PAGE_SIZE - 5 * len(most)
    page = bytearray(PAGE_SIZE)
    struct.pack_into(">BHHHBI", page, start, 5, 0, len(most), content, 0, last)
    for cell, child in enumerate(most):
        struct.pack_into(">H", page, start + 12 + 2 * cell, content + 5 * cell)
        struct.pack_into(">IB", page, content + 5 * cell, child, cell % 128)
    return bytes(page[start:])


def _index_again() -> bytes:
    """Return a page of the schema that repeats the index which SQLite made itself; any number of these is accepted."""
    texts = b"index", b"sqlite_autoindex_roots_1", b"roots"
    record = bytes([6, *(13 + 2 * len(text) for text in texts), 1, 0]) + b"".join(texts) + b"\4"
    cell = bytes([len(record), 99]) + record
    page = bytearray(PAGE_SIZE)
    struct.pack_into(">BHHHBH", page, 0, 13, 0, 1, PAGE_SIZE - len(cell), 0, PAGE_SIZE - len(cell))
    page[-len(cell) :] = cell
    return bytes(page)
