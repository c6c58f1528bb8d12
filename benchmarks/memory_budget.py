"""Check that --memory limits all workers together: bombs, JPEG XL and large photographs, under budgets of every size.

    python benchmarks/memory_budget.py --budgets 64M 256M 1G --workers 4 --corpus bombs jxl

The proportional set size (PSS) of all processes of the run, which counts shared memory once, is summed up to two
hundred times a second. The budget is for the workers; the parent is measured too. At most 110 % may
be used.
"""

import argparse
import contextlib
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from random import Random
from typing import NamedTuple

sys.path.insert(0, str(Path(__file__).parent.parent))

from benchmarks.bombs import bombs, jxl_pictures
from benchmarks.photographs import scene

INTERVAL = 0.005
BUDGETS = "64M 128M 256M 512M 1G 2G 4G"


class Peaks(NamedTuple):
    """What a run took at most, in bytes: its workers together, and with the parent; and the number of samples."""

    workers: int
    tree: int
    samples: int


def _photographs() -> Iterator[tuple[str, bytes]]:
    with tempfile.TemporaryDirectory() as folder:
        scene((2400, 1600), Random(1)).resize((9486, 6324)).save(path := f"{folder}/a.png", compress_level=1)
        content = Path(path).read_bytes()
    yield from ((f"{number}.png", content) for number in range(4))


CORPORA: Mapping[str, Callable[[], Iterator[tuple[str, bytes]]]] = {
    "bombs": bombs,
    "jxl": jxl_pictures,
    "photographs": _photographs,
}


def children(pid: int) -> list[int]:
    """Return the process and all its descendants."""
    found = [pid]
    for parent in found:
        with contextlib.suppress(OSError):
            tasks = Path(f"/proc/{parent}/task").iterdir()
            found += [int(child) for task in tasks for child in (task / "children").read_text().split()]
    return found


def resident(pid: int) -> int:
    """Return the resident set size of a process in bytes; 0 if it has ended."""
    with contextlib.suppress(OSError):
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * resource.getpagesize()
    return 0


def pss(pid: int) -> int:
    """Return the proportional set size of a process in bytes; 0 if it has ended."""
    with contextlib.suppress(OSError), open(f"/proc/{pid}/smaps_rollup", "rb") as file:
        return next((int(line.split()[1]) * 1024 for line in file if line.startswith(b"Pss:")), 0)
    return 0


def measure(command: list[str]) -> tuple[Peaks, dict[str, object], str]:
    """Run a command with ``--json``; return its peaks, its summary and its standard error."""
    workers = tree = samples = 0
    with subprocess.Popen(
        ["/usr/bin/env", "nice", "-n", "5", *command], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as run:
        while run.poll() is None:
            processes, samples = children(run.pid), samples + 1
            # The resident set size is at least as large, and found in a hundredth of the time.
            if sum(map(resident, processes)) > tree or sum(map(resident, processes[1:])) > workers:
                sizes = [pss(pid) for pid in processes]
                workers, tree = max(workers, sum(sizes[1:])), max(tree, sum(sizes))
            time.sleep(INTERVAL)
        assert run.stdout is not None  # noqa: S101 -- both are pipes.
        assert run.stderr is not None  # noqa: S101
        output, errors = run.stdout.read(), run.stderr.read()
    return Peaks(workers, tree, samples), json.loads(output or "{}"), errors


def reasons(report: Path) -> str:
    """Return how many outcomes a report has of each kind."""
    records = [json.loads(line) for line in report.read_text().splitlines()] if report.exists() else []
    counts = Counter(record["reason"] or record["status"] for record in records)
    return ", ".join(f"{count} {what}" for what, count in counts.most_common())


def check(folder: Path, name: str, budget: str, workers: str) -> float:
    """Run the command on a corpus with a budget, print a row, and return the part of the budget that was used."""
    program = os.path.join(os.path.dirname(sys.executable), "forkresize")
    arguments = [program, str(folder / name), str(folder / "out"), "--width", "800", "--format", "jpeg", "--json"]
    arguments += ["--on-collision", "suffix"]
    arguments += ["--memory", budget, "--workers", workers, "--timeout", "30s", "--report", str(folder / "r.jsonl")]
    peaks, summary, errors = measure(arguments)
    if "memory" not in summary:
        print(f"{budget:>5}  {name:<12} refused: {errors.strip()}", flush=True)
        return 0
    total = int(str(summary["memory"]))
    print(
        f"{budget:>5}  {name:<12} {peaks.workers / 1e6:7.0f} MB {peaks.workers / total:5.0%} of budget, "
        f"{peaks.tree / 1e6:5.0f} MB with the parent, {summary['workers_lost']} lost, {summary['seconds']:5.1f} s, "
        f"{peaks.samples / float(str(summary['seconds'])):3.0f} Hz: {reasons(folder / 'r.jsonl')}",
        flush=True,
    )
    shutil.rmtree(folder / "out", ignore_errors=True)
    (folder / "r.jsonl").unlink()
    return peaks.workers / total


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--budgets", nargs="+", default=BUDGETS.split(), help=f"values of --memory [{BUDGETS}]")
    parser.add_argument("--workers", default="4", help="worker processes [4]")
    parser.add_argument("--corpus", nargs="+", choices=CORPORA, default=["bombs", "jxl"], help="pictures [bombs jxl]")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        for name in given.corpus:
            (Path(folder) / name).mkdir()
            for file, content in CORPORA[name]():
                (Path(folder) / name / file).write_bytes(content)
        runs = [(name, budget) for budget in given.budgets for name in given.corpus]
        most = max(check(Path(folder), name, budget, given.workers) for name, budget in runs)
    print(f"{most:.0%} of a budget at most")
    sys.exit(most > 1.1)  # noqa: PLR2004 -- the bar.


if __name__ == "__main__":
    main()
