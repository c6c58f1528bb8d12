"""Measure the speed-up of several workers over one, on a folder of photographs: alternating runs, median of pairs.

python benchmarks/workers.py PHOTOS --runs 7 --copies 4
"""

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

COMMAND = os.path.join(os.path.dirname(sys.executable), "forkresize")


def seconds(corpus: Path, workers: int) -> float:
    """Return the wall time that a run into a new folder reports."""
    with tempfile.TemporaryDirectory() as folder:
        arguments = [COMMAND, str(corpus), folder, "--width", "800", "--workers", str(workers), "--json"]
        output = subprocess.run(arguments, capture_output=True, text=True, check=True).stdout
    return float(json.loads(output)["seconds"])


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("corpus", type=Path, help="folder of photographs")
    parser.add_argument("--runs", type=int, default=7, help="runs of each [7]")
    parser.add_argument("--copies", type=int, default=1, help="copies of each photograph, for longer runs [1]")
    parser.add_argument("--workers", type=int, default=2, help="number of workers to compare with one [2]")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        for copy in range(arguments.copies):
            shutil.copytree(arguments.corpus, Path(folder) / str(copy))
        pairs = [(seconds(Path(folder), 1), seconds(Path(folder), arguments.workers)) for _ in range(arguments.runs)]
    ratios = [one / several for one, several in pairs]
    print(f"1 worker             {statistics.median(one for one, _ in pairs):6.2f} s")
    print(f"{arguments.workers} workers            {statistics.median(several for _, several in pairs):6.2f} s")
    print(f"ratio                {statistics.median(ratios):6.2f}    ({min(ratios):.2f} to {max(ratios):.2f})")


if __name__ == "__main__":
    main()
