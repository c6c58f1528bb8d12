"""Measure a second run over an unchanged bucket, with its ledger in PostgreSQL, against listing both sides.

    python -m benchmarks.unchanged --keys 100000 --rounds 3

The S3 server is ministack, the database a private PostgreSQL; both share the machine, and their CPU time is shown. A
first run of 100,000 pictures would take minutes: sources and outputs are planted in the directory that ministack loads,
one source is made by the command, and its record is repeated for all others. The outputs are older than their sources,
so each is found unchanged by its record only. Runs and listings alternate; the results are medians of the ratios.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from hashlib import md5
from pathlib import Path
from random import Random

from benchmarks.cluster_world import draw_patches
from benchmarks.remote import COMMAND, Server, print_ratio, serve, timed
from forkresize.ledger import OutputRecord, open_ledger
from tests.servers.postgresql import PostgresServer, run_postgresql

SOURCES, DESTINATION = "s3://photos/in", "s3://web/out"
RECIPE = ("--width", "24")
BAR = "<= 2"

_IN_A_FOLDER = 1000
_ACCOUNT = "000000000000"
_PLANTED = datetime(2026, 1, 1, tzinfo=UTC)
_LIST = f"""
from forkresize.store.objects import open_store
for url in {SOURCES!r}, {DESTINATION!r}:
    print(sum(1 for _ in open_store(url).scan()))
"""


def plant_buckets(folder: Path, keys: int) -> None:
    """Create the files that ministack loads: so many sources, and outputs that are an hour older."""
    source = draw_patches(Random(0), (48, 36))
    (folder / "source.jpg").write_bytes(source)
    subprocess.run([COMMAND, folder / "source.jpg", folder / "output.jpg", *RECIPE], check=True, capture_output=True)
    output = (folder / "output.jpg").read_bytes()
    for place, data, time in (("photos/in", source, _PLANTED), ("web/out", output, _PLANTED - timedelta(hours=1))):
        etag = md5(data, usedforsecurity=False).hexdigest()
        entry = json.dumps({"size": len(data), "etag": f'"{etag}"', "last_modified": _format(time)})
        for key in make_keys(keys):
            path = folder / "buckets" / _ACCOUNT / place / key
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
            path.with_name(f"{path.name}.meta.json").write_text(entry)


def make_keys(count: int) -> Iterator[str]:
    """Yield keys, a thousand in each folder."""
    return (f"{number // _IN_A_FOLDER:04}/IMG_{number % _IN_A_FOLDER:04}.jpg" for number in range(count))


def fill_ledger(url: str, keys: int) -> None:
    """Make one picture, and record all others as it was recorded."""
    first, *others = make_keys(keys)
    subprocess.run([COMMAND, SOURCES, DESTINATION, *RECIPE, "--force", "--include", first, "--ledger", url], check=True)
    with open_ledger(DESTINATION, url) as ledger:
        record = ledger.get(first)
        if record is None:
            sys.exit(f"{first} was not recorded")
        planted = record._replace(mtime_ns=int((_PLANTED - timedelta(hours=1)).timestamp()) * 10**9)
        ledger.begin_run()
        for key in others:
            ledger.record([_repeat(planted, key)])


def _repeat(record: OutputRecord, key: str) -> OutputRecord:
    return record._replace(key=key, source=key)


def compare(folder: Path, database: PostgresServer, keys: int, rounds: int) -> None:
    """Measure and print."""
    os.environ["XDG_STATE_HOME"] = str(folder / "state")
    plant_buckets(folder, keys)
    ledger = database.new_database()
    with serve({"S3_PERSIST": "1", "S3_DATA_DIR": str(folder / "buckets")}) as server:
        fill_ledger(ledger, keys)
        runs, listings = list[float](), list[float]()
        for number in range(rounds):
            for measure in [_run, _list][:: -1 if number % 2 else 1]:
                (runs if measure is _run else listings).append(measure(server, ledger, keys))
    print_ratio(f"{keys} keys: unchanged run / listing both sides", runs, listings, BAR)


def _run(server: Server, ledger: str, keys: int) -> float:
    command = [COMMAND, SOURCES, DESTINATION, *RECIPE, "--ledger", ledger, "--json"]
    seconds, output = timed(server, "unchanged run", *command)
    if (unchanged := json.loads(output)["unchanged"]) != keys:
        sys.exit(f"{unchanged} of {keys} are unchanged")
    return seconds


def _list(server: Server, _ledger: str, keys: int) -> float:
    seconds, output = timed(server, "listing", sys.executable, "-c", _LIST)
    if output.split() != [str(keys)] * 2:
        sys.exit(f"{output.split()} objects, not {keys}")
    return seconds


def _format(time: datetime) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S.000Z")


def main() -> None:
    """Run the measurement."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--keys", type=int, default=100_000, help="[%(default)s]")
    parser.add_argument("--rounds", type=int, default=3, help="[%(default)s]")
    arguments = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="forkresize-unchanged-"))
    try:
        with run_postgresql() as database:
            compare(folder, database, arguments.keys, arguments.rounds)
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
