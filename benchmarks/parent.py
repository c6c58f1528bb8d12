"""Measure the parent's CPU time per picture, and how many workers it can keep busy.

    python -m benchmarks.parent --pictures 4000

The parent walks, plans, records, assigns and reports, on one CPU at most. Its CPU time per picture is that of a run
over many tiny pictures minus that of a run over a few.
"""

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path
from random import Random
from statistics import median

from benchmarks.photographs import scene

FEW = 40

MEASURED = """
import os, resource, sys
from forkresize.cli import main
output, sys.stdout = sys.stdout, open(os.devnull, "w")
try:
    main()
except SystemExit as leaving:
    assert not leaving.code, leaving.code
usage = resource.getrusage(resource.RUSAGE_SELF)
output.write(str(usage.ru_utime + usage.ru_stime))
"""
"""Runs the command in this process and prints its CPU time, without that of the workers."""

PER_PICTURE = 0.002, 0.02, 0.1
"""Seconds of a worker's time for a tiny picture, a small photograph and a large one."""


def create_pictures(folder: Path, pictures: int) -> None:
    """Create pictures of 160 x 120 pixels."""
    folder.mkdir()
    random = Random(7)
    drawn = [scene((160, 120), random) for _ in range(FEW)]
    for number in range(pictures):
        drawn[number % FEW].save(folder / f"{number:06}.jpg", quality=85)


def parent_seconds(folder: Path, scratch: str, *options: str) -> float:
    """Return the CPU seconds of the parent of a run."""
    with tempfile.TemporaryDirectory(dir=scratch) as destination:
        command = [sys.executable, "-c", MEASURED, str(folder), destination, "--width", "80", "--json", *options]
        return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pictures", type=int, default=4000, help="tiny pictures in the long run [4000]")
    parser.add_argument("--rounds", type=int, default=5, help="rounds of each run [5]")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        few, many = Path(scratch, "few"), Path(scratch, "many")
        create_pictures(few, FEW)
        create_pictures(many, arguments.pictures)
        for name, options in {"with the ledger": (), "without": ("--no-ledger",)}.items():
            found = []
            for _ in range(arguments.rounds):
                more = parent_seconds(many, scratch, *options) - parent_seconds(few, scratch, *options)
                found.append(more / (arguments.pictures - FEW))
            cost = median(found)
            workers = ", ".join(f"{seconds / cost:.0f} at {seconds * 1000:.0f} ms" for seconds in PER_PICTURE)
            print(f"{name:<16} {cost * 1e6:4.0f} us per picture; workers it keeps busy, by time per picture: {workers}")


if __name__ == "__main__":
    main()
