"""Kill random workers of the installed command, fill its disk, or both, and check that everything is accounted for.

python -m benchmarks.chaos_command --runs 20    # run it from the root of the repository

After each run, every output must be complete, every source must have a record, the exit code must be right and no
incomplete file may remain. A second run without faults must create the missing outputs.
"""

import argparse
import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from random import Random

from PIL import Image

from benchmarks.photographs import scene

COMMAND = os.path.join(os.path.dirname(sys.executable), "forkresize")

WAYS = "kill", "fill", "both"

_FATAL = 3
"""The exit code of a run that a full disk stopped."""

_SIZE = 480, 360
_DIFFERENT = 8


@dataclass(frozen=True)
class Outcome:
    """The result of one run.

    Attributes:
        way: the kind of faults.
        seconds: wall time.
        code: exit code.
        kills: number of killed workers.
        written: outputs reported as written.
        failed: sources reported as failed.
        again: outputs created by the second run.
        wrong: broken promises.
    """

    way: str
    seconds: float
    code: int
    kills: int
    written: int
    failed: int
    again: int
    wrong: tuple[str, ...]


def plant(folder: Path, count: int) -> None:
    """Create photographs; most are links to a few different ones."""
    folder.mkdir()
    for number in range(count):
        path = folder / f"{number:04}.jpg"
        if number < _DIFFERENT:
            scene(_SIZE, Random(number)).save(path, quality=90)
        else:
            os.link(folder / f"{number % _DIFFERENT:04}.jpg", path)


@contextmanager
def disk(place: Path, megabytes: int) -> Iterator[bool]:
    """Mount a small disk; yield whether mounting is allowed."""
    place.mkdir()
    line = ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", str(place)]
    mounted = subprocess.run(line, capture_output=True, check=False).returncode == 0
    try:
        yield mounted
    finally:
        if mounted:
            subprocess.run(["umount", "-l", str(place)], check=True)  # noqa: S607


def start(work: Path, *further: str) -> "subprocess.Popen[bytes]":
    """Start the command."""
    out, options = work / "disk/out", ["--width", "320", "--workers", "2", "--format", "png"]
    arguments = [COMMAND, "in", str(out), *options, "--report", "r.jsonl", "--retries", "4", *further]
    return subprocess.Popen(arguments, cwd=work, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def disturb(process: "subprocess.Popen[bytes]", work: Path, way: str, every: float, random: Random) -> int:
    """Cause faults until the command ends; return the number of killed workers."""
    kills, filled, before = 0, way == "kill", -1
    while process.poll() is None:
        time.sleep(every)
        written = len(pictures(work / "disk/out"))
        # A busy machine needs time to start workers; a pool whose workers never get to a task gives up.
        if way in {"kill", "both"} and written > before:
            kills, before = kills + _kill(process.pid, random), written
        if not filled and written > random.randrange(10, 120):
            filled = True
            fill(work / "disk/ballast")
    return kills


def _kill(parent: int, random: Random) -> int:
    with contextlib.suppress(OSError):
        children = Path(f"/proc/{parent}/task/{parent}/children").read_text().split()
        if children:
            os.kill(int(random.choice(children)), signal.SIGKILL)
            return 1
    return 0


def fill(path: Path) -> None:
    """Fill a disk."""
    with contextlib.suppress(OSError), path.open("wb", buffering=0) as file:
        while file.write(bytes(1 << 16)):
            pass


def pictures(folder: Path) -> list[Path]:
    """Return the outputs in a folder, without the state directory."""
    return sorted(path for path in folder.iterdir() if path.is_file()) if folder.is_dir() else []


def _wrong(work: Path, code: int, statuses: dict[str, str], stderr: str) -> Iterator[str]:
    out = pictures(work / "disk/out")
    for path in out:
        try:
            with Image.open(path) as image:
                image.load()
        except (OSError, SyntaxError) as error:
            yield f"{path.name} is incomplete: {error}"
    written = {f"{Path(source).stem}.png" for source, status in statuses.items() if status == "written"}
    found = {path.name for path in out}
    if missing := written - found:
        yield f"reported, but missing: {sorted(missing)[:5]}"
    # The output of a worker that is killed before it reports the output is reported as unchanged.
    unchanged = {f"{Path(source).stem}.png" for source, status in statuses.items() if status == "unchanged"}
    if unknown := found - written - unchanged:
        yield f"exists, but has no record: {sorted(unknown)[:5]}"
    failed = "failed" in statuses.values()
    sources = len(pictures(work / "in"))
    if code not in ({1} if failed else {0}) and not (
        code == _FATAL and ("No space left" in stderr or "is full" in stderr)
    ):
        yield f"exit code {code} with {Counter(statuses.values())}: {stderr[-300:]}"
    if code != _FATAL and len(statuses) != sources:
        yield f"{sources - len(statuses)} sources are not accounted for"
    if "Traceback" in stderr:
        yield stderr[-2000:]


def chaos(arguments: argparse.Namespace, way: str, seed: int) -> Outcome:
    """Do one run with faults and a second one without."""
    random, began = Random(seed), time.monotonic()
    with tempfile.TemporaryDirectory() as name, disk(Path(name) / "disk", 200) as mounted:
        work = Path(name)
        way = way if mounted else "kill"
        plant(work / "in", arguments.pictures)
        with start(work) as process:
            kills = disturb(process, work, way, arguments.every, random)
            _, stderr = process.communicate()
        seconds = time.monotonic() - began
        records = map(json.loads, (work / "r.jsonl").read_text().splitlines())
        statuses = {record["source"]: record["status"] for record in records}
        wrong = list(_wrong(work, process.returncode, statuses, stderr.decode()))
        (work / "disk/ballast").unlink(missing_ok=True)
        with start(work, "--retry-failed") as second:
            _, stderr = second.communicate()
        made = len(pictures(work / "disk/out"))
        if made != arguments.pictures or second.returncode:
            wrong.append(f"the second run ended with {second.returncode} and {made} outputs: {stderr.decode()[-300:]}")
        shutil.rmtree(work / "in")
    counts = Counter(statuses.values())
    return Outcome(
        way=way,
        seconds=round(seconds, 2),
        code=process.returncode,
        kills=kills,
        written=counts["written"],
        failed=counts["failed"],
        again=made - counts["written"] - counts["unchanged"],
        wrong=tuple(wrong),
    )


def parse() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--runs", type=int, default=20, help="[%(default)s]")
    parser.add_argument("--pictures", type=int, default=400, help="[%(default)s]")
    parser.add_argument("--every", type=float, default=0.1, help="seconds between two kills [%(default)s]")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the outcomes to FILE")
    return parser.parse_args()


def main() -> int:
    """Do all runs, alternating the kind of faults, and print a line for each."""
    arguments, outcomes = parse(), []
    report: Callable[[Outcome], None] = lambda outcome: print(*asdict(outcome).values(), flush=True)  # noqa: E731
    print(*Outcome.__dataclass_fields__)
    for seed in range(arguments.runs):
        outcomes.append(chaos(arguments, WAYS[seed % len(WAYS)], seed))
        report(outcomes[-1])
    if arguments.json:
        arguments.json.write_text(json.dumps([asdict(outcome) for outcome in outcomes], indent=2) + "\n")
    return int(any(outcome.wrong for outcome in outcomes))


if __name__ == "__main__":
    sys.exit(main())
