"""Measure whether the parent's memory depends on the size of the tree: its peak for 1,000 and for 200,000 files.

    python benchmarks/memory.py --files 1000 200000

The files are tiny and not pictures, so that most of the time is spent on scanning, planning and assigning tasks.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

PEAK = """
import json, os, resource, sys
from forkresize.cli.command import call
code = call(sys.argv[1:])
print(json.dumps({"code": code, "peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss}), file=sys.stderr)
"""

PER_FOLDER = 1000


def plant(root: Path, files: int) -> None:
    """Create a tree of tiny files that are not pictures."""
    for number in range(files):
        folder = root / f"{number // PER_FOLDER:04}"
        if number % PER_FOLDER == 0:
            folder.mkdir(parents=True)
        (folder / f"{number % PER_FOLDER:04}.txt").write_bytes(b"no picture")


def peak(root: Path, options: list[str]) -> tuple[float, float]:
    """Return the parent's peak of resident memory in MiB, and the run's wall time in seconds."""
    arguments = [sys.executable, "-c", PEAK, str(root / "in"), str(root / "out"), "--json", *options]
    result = subprocess.run(arguments, capture_output=True, text=True, check=True)
    figures = json.loads(result.stderr.splitlines()[-1])
    unit = 1 if sys.platform == "darwin" else 1024
    return figures["peak"] * unit / 2**20, json.loads(result.stdout)["seconds"]


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--files", type=int, nargs="+", default=[1_000, 200_000], help="sizes of tree [1000 200000]")
    parser.add_argument("--folder", help="where to create the trees [the system's temporary folder]")
    arguments = parser.parse_args()
    for label, options in {"--width 800": ["--width", "800"], "--format webp": ["--format", "webp"]}.items():
        first = None
        for files in arguments.files:
            with tempfile.TemporaryDirectory(dir=arguments.folder) as folder:
                plant(Path(folder) / "in", files)
                mebibytes, seconds = peak(Path(folder), options)
            first = first if first is not None else mebibytes
            print(
                f"{label:<14} {files:>9,} files  {mebibytes:6.1f} MiB  {mebibytes - first:+6.1f} MiB  {seconds:6.1f} s"
            )


if __name__ == "__main__":
    main()
