"""Run the installed command on many tiny pictures, and check whether memory or descriptors of any process grow.

python -m benchmarks.soak --pictures 100000    # run it from the root of the repository
"""

import argparse
import contextlib
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from random import Random

from benchmarks.photographs import scene

COMMAND = os.path.join(os.path.dirname(sys.executable), "forkresize")

_IN_A_FOLDER = 1000
_WARM = 1 / 4
"""The initial share of the run that is ignored, because caches fill up."""


@dataclass(frozen=True)
class Sample:
    """Resources of one process at one moment.

    Attributes:
        seconds: time since the start of the run.
        rss: resident memory in bytes.
        descriptors: number of open file descriptors.
    """

    seconds: float
    rss: int
    descriptors: int


def plant(folder: Path, count: int) -> None:
    """Create a tree of tiny pictures in four formats; pictures of one format are hard links."""
    kinds = []
    for number, suffix in enumerate(("jpg", "png", "webp", "gif")):
        path = folder.parent / f"tiny.{suffix}"
        scene((48, 36), Random(number)).save(path)
        kinds.append(path)
    for number in range(count):
        kind = kinds[number % len(kinds)]
        place = folder / f"{number // _IN_A_FOLDER:04}"
        place.mkdir(parents=True, exist_ok=True)
        os.link(kind, place / f"{number:07}{kind.suffix}")


def sample(pid: int, seconds: float) -> Sample:
    """Measure a process.

    Raises:
        OSError: it is gone.
    """
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return Sample(seconds, pages * os.sysconf("SC_PAGESIZE"), len(os.listdir(f"/proc/{pid}/fd")))


def sample_until_end(process: "subprocess.Popen[bytes]", every: float) -> dict[int, list[Sample]]:
    """Sample the resources of a command and its workers until it ends."""
    began, found = time.monotonic(), dict[int, list[Sample]]()
    while process.poll() is None:
        children = ""
        with contextlib.suppress(OSError):
            children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text()
        for pid in (process.pid, *map(int, children.split())):
            with contextlib.suppress(OSError):
                found.setdefault(pid, []).append(sample(pid, time.monotonic() - began))
        time.sleep(every)
    return found


def growth(samples: list[Sample], pictures: float) -> dict[str, float]:
    """Return the growth of a process per thousand pictures, by linear regression after the warm-up."""
    warm = samples[int(len(samples) * _WARM) :]
    times = [each.seconds for each in warm]
    thousands = pictures / 1000 / (samples[-1].seconds - samples[0].seconds)
    rss = statistics.linear_regression(times, [each.rss for each in warm]).slope / thousands
    descriptors = statistics.linear_regression(times, [each.descriptors for each in warm]).slope / thousands
    return {
        "rss_first": warm[0].rss,
        "rss_last": warm[-1].rss,
        "rss_per_1000": round(rss),
        "descriptors_last": warm[-1].descriptors,
        "descriptors_per_1000": round(descriptors, 5),
    }


def soak(pictures: int, workers: int, every: float) -> dict[str, object]:
    """Do one run; return the measurements."""
    with tempfile.TemporaryDirectory() as name:
        work = Path(name)
        plant(work / "in", pictures)
        arguments = [COMMAND, "in", "out", "--width", "24", "--workers", str(workers), "--report", "r.jsonl", "--json"]
        with subprocess.Popen(arguments, cwd=work, stdout=subprocess.PIPE) as process:
            found = sample_until_end(process, every)
            assert process.stdout is not None  # noqa: S101 -- it is a pipe.
            summary = json.loads(process.stdout.read())
        parent, *others = found
        long_lived = {pid: samples for pid, samples in found.items() if len(samples) > len(found[parent]) / 2}
        return {
            "written": summary["written"],
            "failed": summary["failed"],
            "workers_lost": summary["workers_lost"],
            "seconds": summary["seconds"],
            "processes": len(others),
            **{
                "parent" if pid == parent else f"worker {pid}": growth(
                    samples, pictures if pid == parent else pictures / workers
                )
                for pid, samples in long_lived.items()
            },
        }


def main() -> None:
    """Run it and print the results."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--pictures", type=int, default=100_000, help="[%(default)s]")
    parser.add_argument("--workers", type=int, default=2, help="[%(default)s]")
    parser.add_argument("--every", type=float, default=0.5, help="seconds between samples [%(default)s]")
    arguments = parser.parse_args()
    for name, value in soak(arguments.pictures, arguments.workers, arguments.every).items():
        print(f"{name:>16} {value}")


if __name__ == "__main__":
    main()
