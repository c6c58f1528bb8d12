"""Measure the start-up time: ``forkresize --version`` and other commands, relative to an empty Python program.

python benchmarks/startup.py --runs 21
"""

import argparse
import os
import statistics
import subprocess
import sys
import time

COMMAND = os.path.join(os.path.dirname(sys.executable), "forkresize")

CASES = {
    "python -c pass": [sys.executable, "-c", "pass"],
    "forkresize --version": [COMMAND, "--version"],
    "forkresize --help": [COMMAND, "--help"],
    "forkresize, nothing to do": [COMMAND, os.devnull, "/tmp/forkresize-nothing", "--width", "1"],  # noqa: S108
}


def seconds(arguments: list[str]) -> float:
    """Return the wall time of one run."""
    started = time.perf_counter()
    subprocess.run(arguments, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True)
    return time.perf_counter() - started


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=21, help="runs of each command [21]")
    runs = parser.parse_args().runs
    measured: dict[str, list[float]] = {name: [] for name in CASES}
    for _ in range(runs):
        for name, arguments in CASES.items():
            measured[name].append(seconds(arguments))
    floor = statistics.median(measured["python -c pass"])
    for name, times in measured.items():
        median = statistics.median(times)
        print(f"{name:<28} {median * 1000:7.1f} ms  {median / floor:5.2f} x python")


if __name__ == "__main__":
    main()
