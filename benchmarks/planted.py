"""Plant hostile files in the state directory of a destination, and run the installed command on it.

python -m benchmarks.planted --mutants 1000    # run it from the root of the repository

Each run must end in time with exit code 0, 1 or 3, take little memory, leave the files outside of the destination
alone, and end soon after SIGTERM. Everything else is printed, and the exit code is 1.
"""

import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from random import Random

from PIL import Image

from benchmarks.plant_mutants import PLANTS, Site

COMMAND = os.path.join(os.path.dirname(sys.executable), "forkresize")

_DEADLINE = 30.0
"""Seconds that a run may take on a busy machine."""

_PATIENCE = 10.0
"""Seconds that a run may take after SIGTERM."""

_MAX_MEMORY = 128.0
"""MiB that the largest process of a run may take; a run without planted files takes about 55."""

_WAYS = ("", "--dry-run", "--prune --max-prune 100%", "--shard 1/2", "--compare checksum", "--retry-failed --force")
"""Options of the runs."""

_ENDS = {0, 1, 3}


@dataclass(frozen=True)
class Result:
    """The result of one run.

    Attributes:
        number: of the mutant, which is its seed.
        plant: what was planted.
        way: the options.
        code: the exit code, or minus the signal that ended it.
        seconds: wall time.
        memory: of the largest process, in MiB.
        after_signal: seconds from SIGTERM to the end; None if it was not sent.
        wrong: broken promises.
    """

    number: int
    plant: str
    way: str
    code: int
    seconds: float
    memory: float
    after_signal: float | None
    wrong: tuple[str, ...]


def make_template(work: Path) -> None:
    """Create sources, a destination with their outputs, and the files outside."""
    (work / "in").mkdir(parents=True)
    for name in ("a.png", "b.png"):
        Image.new("RGB", (8, 8)).save(work / "in" / name)
    (work / "in/bad.jpg").write_bytes(b"\xff\xd8\xff broken")
    subprocess.run([COMMAND, "in", "out", "--width", "4", "--quiet"], cwd=work, check=False)
    (work / "in/b.png").unlink()
    Site(work).make_outside()


def run_mutant(template: Path, folder: Path, number: int) -> Result:
    """Plant the files of one mutant in a copy of a destination, and run the command."""
    random, work = Random(number), folder / str(number)
    name = list(PLANTS)[number % len(PLANTS)]
    shutil.copytree(template, work)
    site = Site(work)
    PLANTS[name](site, random)
    before, way = site.outside_files(), random.choice(_WAYS)
    # A run takes one to four seconds; a signal before the command handles it ends it at once.
    delay = random.uniform(0.1, 4.0) if random.random() < 1 / 8 else None
    code, seconds, memory, signaled = _run(work, way.split(), delay)
    wrong = list(_broken_promises(code, seconds, memory, signaled, (work / "stderr").read_text(errors="replace")))
    if site.outside_files() != before:
        wrong.append("a file outside was touched")
    shutil.rmtree(work)
    after = None if signaled is None else seconds - signaled
    return Result(number, name, way, code, seconds, memory, after, tuple(wrong))


def _run(work: Path, options: list[str], delay: float | None) -> tuple[int, float, float, float | None]:
    """Run the command; return its exit code, seconds, MiB, and when SIGTERM was sent, if it was."""
    began, signaled = time.monotonic(), None
    with (work / "stderr").open("wb") as stderr:
        process = subprocess.Popen(
            [COMMAND, "in", "out", "--width", "4", "--workers", "1", *options],
            cwd=work,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=stderr,
            start_new_session=True,
        )
    kill = threading.Timer(_DEADLINE, partial(os.killpg, process.pid, signal.SIGKILL))
    kill.start()
    if delay is not None:
        time.sleep(delay)
        # Until it is waited for, its number is not used again.
        os.kill(process.pid, signal.SIGTERM)
        signaled = time.monotonic() - began
    _, status, usage = os.wait4(process.pid, 0)
    kill.cancel()
    process.returncode = os.waitstatus_to_exitcode(status)
    return process.returncode, time.monotonic() - began, usage.ru_maxrss / 1024, signaled


def _broken_promises(code: int, seconds: float, memory: float, signaled: float | None, stderr: str) -> Iterator[str]:
    if seconds >= _DEADLINE:
        yield f"ran for {seconds:.0f} s"
    elif signaled is not None and seconds - signaled > _PATIENCE:
        yield f"ran for {seconds - signaled:.0f} s after SIGTERM"
    allowed = _ENDS if signaled is None else {*_ENDS, -signal.SIGTERM, 128 + signal.SIGTERM}
    if code not in allowed or "Traceback" in stderr:
        yield f"exit code {code}: {stderr[-1000:]}"
    if memory > _MAX_MEMORY:
        yield f"took {memory:.0f} MiB"


def run_all(mutants: int, first: int, processes: int) -> list[Result]:
    """Run mutants, some at a time."""
    with tempfile.TemporaryDirectory(prefix="forkresize-planted-") as name:
        folder = Path(name)
        make_template(folder / "template")
        # Sockets have short paths: those of mutants are relative.
        os.chdir(folder)
        with ThreadPoolExecutor(processes) as pool:
            return list(pool.map(partial(run_mutant, folder / "template", folder), range(first, first + mutants)))


def show(results: list[Result]) -> None:
    """Print a row for each kind of plant, and what is wrong."""
    print(
        f"{'planted':<28}{'runs':>6}{'exit 0':>8}{'1':>6}{'3':>6}{'SIGTERM':>9}{'longest':>9}{'memory':>9}{'wrong':>7}"
    )
    for plant in (*PLANTS, "all"):
        rows = [result for result in results if plant in {result.plant, "all"}]
        codes = Counter(row.code for row in rows)
        if rows:
            longest, memory = max(row.seconds for row in rows), max(row.memory for row in rows)
            signaled = sum(row.after_signal is not None for row in rows)
            counts = f"{len(rows):>6}{codes[0]:>8}{codes[1]:>6}{codes[3]:>6}{signaled:>9}"
            print(f"{plant:<28}{counts}{longest:>7.1f} s{memory:>5.0f} MiB{sum(bool(row.wrong) for row in rows):>7}")
    for result in results:
        for wrong in result.wrong:
            print(f"mutant {result.number} ({result.plant}, {result.way or 'no options'}): {wrong}")


def main() -> None:
    """Run mutants and print the results."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--mutants", type=int, default=1000)
    parser.add_argument("--first", type=int, default=0, help="number of the first mutant, which is its seed")
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--json", type=os.path.abspath, metavar="FILE", help="also write the results here")
    arguments = parser.parse_args()
    results = run_all(arguments.mutants, arguments.first, arguments.processes)
    show(results)
    if arguments.json:
        Path(arguments.json).write_text(json.dumps([asdict(result) for result in results]))
    sys.exit(any(result.wrong for result in results))


if __name__ == "__main__":
    main()
