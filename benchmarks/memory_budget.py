"""Check that --memory limits all workers together: large pictures on several workers, and their peak memory.

    python benchmarks/memory_budget.py --memory 512M --workers 4 --pictures 8 --megapixels 60

Resident memory of all workers is summed every ten milliseconds, so shared memory is counted once for each of them.
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
from pathlib import Path
from random import Random

sys.path.insert(0, str(Path(__file__).parent.parent))

from benchmarks.photographs import scene

INTERVAL = 0.01


def plant(folder: Path, pictures: int, megapixels: float) -> None:
    """Draw one photograph and copy it."""
    folder.mkdir()
    height = round((megapixels * 1e6 / 1.5) ** 0.5)
    scene((2400, 1600), Random(1)).resize((height * 3 // 2, height)).save(folder / "0.png", compress_level=1)
    for number in range(1, pictures):
        shutil.copy(folder / "0.png", folder / f"{number}.png")


def resident(parent: int) -> int:
    """Return the total resident memory of the children of a process in bytes."""
    total = 0
    with contextlib.suppress(OSError):
        for child in Path(f"/proc/{parent}/task/{parent}/children").read_text().split():
            with contextlib.suppress(OSError):
                total += int(Path(f"/proc/{child}/statm").read_text().split()[1])
    return total * resource.getpagesize()


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--memory", default="512M", help="the budget [512M]")
    parser.add_argument("--workers", default="4", help="worker processes [4]")
    parser.add_argument("--pictures", type=int, default=8, help="how many [8]")
    parser.add_argument("--megapixels", type=float, default=60, help="of each [60]")
    given = parser.parse_args()
    command = os.path.join(os.path.dirname(sys.executable), "forkresize")
    with tempfile.TemporaryDirectory() as folder:
        plant(Path(folder) / "in", given.pictures, given.megapixels)
        arguments = [command, f"{folder}/in", f"{folder}/out", "--width", "800", "--json"]
        arguments += ["--memory", given.memory, "--workers", given.workers]
        most = 0
        with subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True) as run:
            while run.poll() is None:
                most = max(most, resident(run.pid))
                time.sleep(INTERVAL)
            summary = json.loads(run.stdout.read() if run.stdout else "")
    print(
        f"{summary['written']} of {given.pictures} written in {summary['seconds']:.1f} s, "
        f"{summary['workers_lost']} workers lost"
    )
    print(f"{most / 1e6:.0f} MB at most, {most / summary['memory']:.0%} of {summary['memory'] / 1e6:.0f} MB")


if __name__ == "__main__":
    main()
