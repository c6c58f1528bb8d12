"""What the sandbox costs: a worker's start, a picture, and a source that has to be lent; interleaved, medians.

benchmarks/sandbox.py [ROUNDS]
"""

import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from io import FileIO
from pathlib import Path

from PIL import Image

from forkresize import Recipe, Settings, run
from forkresize.plan import IfExists
from forkresize.pool import Pool, PoolOptions, SandboxMode, SandboxPolicy
from forkresize.storage import open_source

STARTS, OPENINGS = 40, 500
PICTURES, SIZE = 24, (2400, 1600)


def main() -> None:
    """Measure everything, with and without in turn."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 9
    with tempfile.TemporaryDirectory() as folder:
        sources = Path(folder, "in")
        sources.mkdir()
        for number in range(PICTURES):
            patches = Image.effect_noise((24, 16), 90 + number).resize(SIZE, Image.Resampling.BICUBIC)
            Image.merge("RGB", [patches] * 3).save(sources / f"{number}.jpg", quality=90)
        inside, outside = SandboxPolicy(read=(folder,)), SandboxPolicy(open_file=_lend)
        path = str(sources / "0.jpg")
        compare("a worker's start", rounds, lambda: starts(None), lambda: starts(SandboxPolicy()))
        off, on = (lambda: pictures(folder, SandboxMode.OFF)), (lambda: pictures(folder, SandboxMode.ON))
        compare("a picture", rounds, off, on)
        compare("a source that is lent", rounds, lambda: openings(inside, path), lambda: openings(outside, path))


def compare(what: str, rounds: int, without: Callable[[], float], within: Callable[[], float]) -> None:
    """Print the median cost of something without and within the sandbox, in milliseconds, and of the difference."""
    pairs = [(without(), within()) for _ in range(rounds)]
    before, after = (statistics.median(column) * 1000 for column in zip(*pairs, strict=True))
    difference = statistics.median((b - a) * 1000 for a, b in pairs)
    print(f"{what:<24} {before:8.3f} ms {after:8.3f} ms {difference:+8.3f} ms {difference / before:+7.1%}")


def starts(confinement: SandboxPolicy | None) -> float:
    """Return the seconds from one worker's end to the next one's first answer: each does a single task."""
    options = PoolOptions(workers=1, max_tasks=1, sandbox=confinement)
    with Pool(str, options=options) as pool:
        answers = pool.imap_unordered(range(STARTS + 1))
        next(answers)
        started = time.perf_counter()
        for _ in answers:
            pass
        return (time.perf_counter() - started) / STARTS


def pictures(folder: str, sandbox: SandboxMode) -> float:
    """Return the seconds of a worker's time that a picture takes."""
    settings = Settings(sandbox=sandbox, if_exists=IfExists.OVERWRITE, ledger=False, pool=PoolOptions(workers=1))
    summary = run([os.path.join(folder, "in")], os.path.join(folder, "out"), Recipe.of(width=800), settings=settings)
    assert summary.written == PICTURES, summary  # noqa: S101
    return summary.stats.busy_seconds / PICTURES


def openings(confinement: SandboxPolicy, path: str) -> float:
    """Return the seconds that it takes a worker to open a source."""
    with Pool(_open_often, options=PoolOptions(workers=1, sandbox=confinement)) as pool:
        [answer] = pool.imap_unordered([path])
        return answer.seconds / OPENINGS


def _open_often(path: str) -> None:
    for _ in range(OPENINGS):
        open_source(path).close()


def _lend(_: object, path: str) -> FileIO:
    return open_source(path)


if __name__ == "__main__":
    main()
