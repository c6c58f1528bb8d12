"""Measure the speed-up of several workers over one, on a folder of photographs: alternating runs, median of pairs.

    python benchmarks/workers.py PHOTOS --runs 7 --copies 4

Processors share caches, memory and clock. How much they lose by that is shown by independent processes that run a plain
loop over Pillow, each on its share of the photographs, compared with one of them on all: no pool can do better.
"""

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

COMMAND = os.path.join(os.path.dirname(sys.executable), "forkresize")


def seconds(corpus: Path, workers: int) -> float:
    """Return the wall time that a run into a new folder reports."""
    with tempfile.TemporaryDirectory() as folder:
        arguments = [COMMAND, str(corpus), folder, "--width", "800", "--workers", str(workers), "--json"]
        output = subprocess.run(arguments, capture_output=True, text=True, check=True).stdout
    return float(json.loads(output)["seconds"])


def loop_seconds(corpus: Path, processes: int) -> float:
    """Return the wall time of independent processes that run a plain loop, each on a share of the photographs."""
    sources = sorted(corpus.rglob("*.jp*g"), key=lambda path: path.stat().st_size, reverse=True)
    shares = [list(map(str, sources[number::processes])) for number in range(processes)]
    with tempfile.TemporaryDirectory() as folder:
        commands = []
        for number, share in enumerate(shares):
            destination = Path(folder, str(number))
            destination.mkdir()
            task = {"destination": str(destination), "widths": [800], "format": "jpeg", "quality": 80, "suffix": "jpg"}
            path = Path(folder, f"{number}.json")
            path.write_text(json.dumps({**task, "sources": share}), encoding="utf-8")
            commands.append([sys.executable, str(Path(__file__).parent / "loop.py"), str(path)])
        started = time.perf_counter()
        running = [subprocess.Popen(command) for command in commands]
        statuses = [process.wait() for process in running]
        taken = time.perf_counter() - started
    if any(statuses):
        raise SystemExit(f"the loop failed with exit codes {statuses}")
    return taken


def show(what: str, pairs: list[tuple[float, float]], workers: int) -> None:
    """Print the medians of pairs of wall times, and the median of their ratios."""
    ratios = [one / several for one, several in pairs]
    print(f"1 {what:<12} {statistics.median(one for one, _ in pairs):6.2f} s")
    print(f"{workers} {what:<12} {statistics.median(several for _, several in pairs):6.2f} s")
    print(f"ratio          {statistics.median(ratios):6.2f}    ({min(ratios):.2f} to {max(ratios):.2f})")


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
        pairs, loops = [], []
        for _ in range(arguments.runs):
            pairs.append((seconds(Path(folder), 1), seconds(Path(folder), arguments.workers)))
            loops.append((loop_seconds(Path(folder), 1), loop_seconds(Path(folder), arguments.workers)))
    show("workers", pairs, arguments.workers)
    show("plain loops", loops, arguments.workers)


if __name__ == "__main__":
    main()
