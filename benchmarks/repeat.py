"""Measure a second run compared with rsync, the cost of the ledger, and that killed runs lose nothing.

python -m benchmarks.repeat again            # 100,000 unchanged files, compared with rsync -an, if it is installed
python -m benchmarks.repeat ledger --corpus PHOTOS
python -m benchmarks.repeat kill --rounds 50

Rounds alternate between the cases; the results are medians.
"""

import argparse
import json
import os
import random
import resource
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from io import BytesIO
from pathlib import Path

from PIL import Image

from benchmarks.paired import Command, compare

COMMAND = os.path.join(os.path.dirname(sys.executable), "forkresize")
IN_A_FOLDER = 100
TINY = (48, 36)


def plant(folder: Path, count: int, size: tuple[int, int] = TINY) -> None:
    """Create a tree of JPEGs, a hundred in each directory."""
    drawn = []
    for seed in range(20):
        patches = Image.frombytes("RGB", (8, 8), random.Random(seed).randbytes(192))
        patches.resize(size).save(buffer := BytesIO(), "JPEG")
        drawn.append(buffer.getvalue())
    for number in range(count):
        path = folder / f"{number // IN_A_FOLDER:04}" / f"IMG_{number % IN_A_FOLDER:04}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(drawn[number % len(drawn)])


def seconds(arguments: Sequence[str | Path]) -> float:
    """Return the wall time of a command, which must succeed, in seconds."""
    started = time.perf_counter()
    subprocess.run(arguments, stdout=subprocess.DEVNULL, check=True)
    return time.perf_counter() - started


def interleaved(rounds: int, cases: dict[str, Callable[[], float]]) -> dict[str, float]:
    """Return the median of each case, with alternating rounds."""
    measured: dict[str, list[float]] = {name: [] for name in cases}
    for _ in range(rounds):
        for name, measure in cases.items():
            measured[name].append(measure())
    return {name: statistics.median(times) for name, times in measured.items()}


def summary(*arguments: str | Path) -> dict[str, object]:
    """Run the command; return its summary."""
    done = subprocess.run([COMMAND, *arguments, "--json"], stdout=subprocess.PIPE, check=True)
    return dict(json.loads(done.stdout))


def again(arguments: argparse.Namespace, work: Path) -> None:
    """Run again over an unchanged tree, and then after ten files changed."""
    plant(work / "in", arguments.files)
    options: list[str | Path] = [work / "in", work / "out", "--width", "16"]
    summary(*options)
    cases: dict[str, Command] = {
        "forkresize, second run": [COMMAND, *options],
        "forkresize --dry-run": [COMMAND, *options, "--dry-run", "--quiet"],
        "forkresize --report": [COMMAND, *options, "--report", work / "report.jsonl"],
    }
    if shutil.which("rsync"):
        cases = {"rsync -an": ["rsync", "-an", f"{work}/in/", f"{work}/out/"], **cases}
    else:
        print("rsync is not installed: the ratios are to the second run")
    compare(cases, arguments.rounds, before=lambda: (work / "report.jsonl").unlink(missing_ok=True))
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    print(f"largest process {peak:.0f} MiB")
    for path in random.Random(1).sample(sorted((work / "in").rglob("*.jpg")), 10):
        os.utime(path, (1, 1))
    print("ten touched:", summary(*options)["written"], "re-created")


def ledger(arguments: argparse.Namespace, work: Path) -> None:
    """Compare first runs with and without a ledger, for tiny files and for photographs."""
    plant(work / "tiny", arguments.files)
    corpora = {"tiny files": (work / "tiny", "16")}
    if arguments.corpus:
        corpora["photographs"] = (arguments.corpus, "800")
    for name, (folder, width) in corpora.items():

        def first(*options: str, folder: Path = folder, width: str = width) -> float:
            shutil.rmtree(work / "out", ignore_errors=True)
            return seconds([COMMAND, folder, work / "out", "--width", width, *options])

        medians = interleaved(arguments.rounds, {"with": first, "without": lambda: first("--no-ledger")})
        cost = medians["with"] / medians["without"] - 1
        print(f"{name:<12} with {medians['with']:.2f} s, without {medians['without']:.2f} s: {cost:+.1%}")


def content(folder: Path) -> dict[str, bytes]:
    """Return the content of all files in a tree, without the ledger."""
    files = (path for path in folder.rglob("*") if path.is_file() and path.parent.name != ".forkresize")
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


def kill(arguments: argparse.Namespace, work: Path) -> None:
    """Kill runs at random moments, each followed by a complete run; compare with a run that was not killed."""
    plant(work / "in", arguments.files, (400, 300))
    options = ["--width", "100"]
    whole = seconds([COMMAND, work / "in", work / "whole", *options])
    expected = content(work / "whole")
    chance = random.Random(arguments.seed)
    wrong = 0
    for _ in range(arguments.rounds):
        # Half of the rounds start without outputs, the others re-create outputs of another width.
        other = chance.choice(["100", "101"])
        if chance.random() < 1 / 2:
            shutil.rmtree(work / "out", ignore_errors=True)
        with subprocess.Popen([COMMAND, work / "in", work / "out", "--width", other]) as process:
            time.sleep(chance.random() * whole)
            process.send_signal(signal.SIGKILL)
        after = subprocess.run([COMMAND, work / "in", work / "out", *options, "--lock-wait", "9s"], check=False)
        tidy = os.listdir(work / "out/.forkresize") == ["ledger.db"]
        wrong += after.returncode != 0 or content(work / "out") != expected or not tidy
    print(f"{arguments.rounds} runs killed, {wrong} followed by a run with other outputs")


CASES = {"again": (again, 100_000, 5), "ledger": (ledger, 4_000, 5), "kill": (kill, 300, 50)}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("case", choices=CASES)
    parser.add_argument("--files", type=int, help="[again 100000, ledger 4000, kill 300]")
    parser.add_argument("--rounds", type=int, help="[again 5, ledger 5, kill 50]")
    parser.add_argument("--corpus", type=Path, help="a folder of photographs")
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    measure, files, rounds = CASES[arguments.case]
    arguments.files, arguments.rounds = arguments.files or files, arguments.rounds or rounds
    with tempfile.TemporaryDirectory(prefix="forkresize-repeat-") as work:
        measure(arguments, Path(work))


if __name__ == "__main__":
    main()
