"""Measure how many records a second a ledger writes and looks up: SQLite, PostgreSQL, and the alternative to COPY.

python -m benchmarks.ledger --url postgresql://postgres@localhost/test
python -m benchmarks.ledger                     # SQLite only

Each round uses a destination of its own. The records are those of three renditions of photographs; keys are looked up
in the order of the walk, in groups of 256 sources. Rounds alternate between the cases; the results are medians.
"""

import argparse
import json
import secrets
import statistics
import tempfile
import time
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from forkresize.ledger import LedgerStore, OutputRecord, open_ledger

if TYPE_CHECKING:
    from forkresize.ledger.postgres import Cursor
    from forkresize.ledger.postgres.rows import Row

GROUP = 256 * 3
BATCH = 2000
IN_A_FOLDER = 100

_FIND_DESTINATION = "SELECT id FROM forkresize.destination WHERE name = %s"


def make_records(count: int, size: int) -> list[OutputRecord]:
    """Return the records of a run over photographs of a bucket."""
    return [
        OutputRecord(
            key=f"2026/{number // 3 // IN_A_FOLDER:04}/IMG_{number // 3 % IN_A_FOLDER:04}-{width}w.webp",
            root="s3://photos/in",
            source=f"2026/{number // 3 // IN_A_FOLDER:04}/IMG_{number // 3 % IN_A_FOLDER:04}.jpg",
            source_size=4_000_000 + number,
            source_mtime_ns=1_700_000_000_000_000_000 + number,
            source_hash=None,
            recipe=b"12345678",
            status="written",
            attempts=1,
            run=1,
            size=size + number,
            mtime_ns=1_700_000_001_000_000_000 + number,
            width=width,
            height=width * 2 // 3,
            format="webp",
            source_etag=f'"{number:032x}"',
            etag=f'"{number + 1:032x}"',
        )
        for number in range(count)
        for width in ((400, 800, 1600)[number % 3],)
    ]


def write(ledger: LedgerStore, records: Sequence[OutputRecord]) -> float:
    """Record one source at a time, as a run does; return the seconds until all is committed."""
    started = time.perf_counter()
    ledger.begin_run()
    for first in range(0, len(records), 3):
        ledger.record(records[first : first + 3])
    ledger.close()
    return time.perf_counter() - started


def look_up(ledger: LedgerStore, records: Sequence[OutputRecord]) -> float:
    """Look up all keys, as the second run does; return the seconds."""
    started = time.perf_counter()
    for first in range(0, len(records), GROUP):
        keys = [record.key for record in records[first : first + GROUP]]
        ledger.prefetch(keys)
        assert all(ledger.get(key) is not None for key in keys)  # noqa: S101 -- a benchmark of nothing is wrong.
    ledger.close()
    return time.perf_counter() - started


def measure_ledger(destination: str, url: str, count: int) -> dict[str, float]:
    """Return the records a second of each operation."""
    records, changed = make_records(count, 1000), make_records(count, 2000)
    return {
        "write": count / write(open_ledger(destination, url), records),
        "update": count / write(open_ledger(destination, url), changed),
        "look up": count / look_up(open_ledger(destination, url), changed),
    }


def measure_executemany(url: str, destination: str, count: int) -> dict[str, float]:
    """Return the records a second of an upsert by ``executemany``, which psycopg sends in a pipeline."""
    from forkresize.ledger.postgres import Database
    from forkresize.ledger.postgres.rows import Roots, row_from_record

    open_ledger(destination, url).close()
    names = ", ".join(OutputRecord._fields)
    changes = ", ".join(f"{name} = excluded.{name}" for name in OutputRecord._fields)
    marks = ", ".join(["%s"] * (len(OutputRecord._fields) + 1))
    upsert = f"""INSERT INTO forkresize.output (destination, {names}) VALUES ({marks})
        ON CONFLICT (destination, key) DO UPDATE SET {changes}"""  # noqa: S608 -- names of ours.
    rates = {}
    with Database(url) as database:
        roots = Roots(
            lambda statement, value: database.run(lambda cursor: cursor.execute(statement, (value,)).fetchone())
        )
        found = database.run(
            lambda cursor: cursor.execute(_FIND_DESTINATION, (destination.encode(),)).fetchone(),
        )
        number = found[0] if found else 0
        for name, size in (("write", 1000), ("update", 2000)):
            records = make_records(count, size)
            started = time.perf_counter()
            for first in range(0, count, BATCH):
                rows = [row_from_record(each, number, roots) for each in records[first : first + BATCH]]
                database.run(partial(_execute_many, upsert=upsert, rows=rows))
            rates[name] = count / (time.perf_counter() - started)
    return rates


def _execute_many(cursor: "Cursor", upsert: str, rows: "Sequence[Row]") -> None:
    cursor.executemany(upsert, rows)


def measure_all(arguments: argparse.Namespace, work: str) -> Iterator[tuple[str, dict[str, float]]]:
    """Yield the name of each case and its rates."""
    for _ in range(arguments.rounds):
        destination = f"s3://benchmark/{secrets.token_hex(8)}"
        yield "SQLite", measure_ledger(destination, f"sqlite://{work}/{destination[-16:]}/ledger.db", arguments.rows)
        if arguments.url:
            yield "PostgreSQL", measure_ledger(destination, arguments.url, arguments.rows)
            yield "executemany", measure_executemany(arguments.url, f"{destination}-2", arguments.rows)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--url", help="a PostgreSQL database for the tables of the ledger")
    parser.add_argument("--rows", type=int, default=60_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    arguments = parser.parse_args()
    rates: dict[str, dict[str, list[float]]] = {}
    with tempfile.TemporaryDirectory(prefix="forkresize-ledger-") as work:
        for name, measured in measure_all(arguments, work):
            for operation, rate in measured.items():
                rates.setdefault(name, {}).setdefault(operation, []).append(rate)
    medians = {name: {each: statistics.median(all_) for each, all_ in of.items()} for name, of in rates.items()}
    for name, of in medians.items():
        print(f"{name:<12}", "  ".join(f"{operation} {rate:9,.0f} rows/s" for operation, rate in of.items()))
    if arguments.json:
        arguments.json.write_text(json.dumps(medians))


if __name__ == "__main__":
    main()
