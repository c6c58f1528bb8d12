"""Measure the cost of the sandbox: of its layers, a worker's start, a picture, a source that the parent opens. Medians.

The layers are measured in CPU time, which other programs on the machine affect less.

benchmarks/sandbox.py [ROUNDS]
"""

import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from io import FileIO
from pathlib import Path

from PIL import Image

from forkresize import Recipe, Settings, run
from forkresize.plan import IfExists
from forkresize.pool import Pool, PoolOptions, SandboxMode, SandboxPolicy, request_file
from forkresize.pool.libc import Libc
from forkresize.pool.sandbox import Sandbox
from forkresize.store.files import FALLBACK_OPENER, open_source

STARTS, OPENINGS = 40, 500
PICTURES, SIZE = 24, (2400, 1600)


def main() -> None:
    """Measure everything, alternating with and without."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 9
    with tempfile.TemporaryDirectory() as folder:
        sources = Path(folder, "in")
        sources.mkdir()
        for number in range(PICTURES):
            patches = Image.effect_noise((24, 16), 90 + number).resize(SIZE, Image.Resampling.BICUBIC)
            Image.merge("RGB", [patches] * 3).save(sources / f"{number}.jpg", quality=90)
        inside, outside = SandboxPolicy(read=(folder,)), SandboxPolicy(open_file=_open_file)
        path = str(sources / "0.jpg")
        for name, cost in layers(inside).items():
            print(f"{name:<24} {cost:8.3f} ms of CPU time")
        compare("a worker's start", rounds, lambda: starts(None), lambda: starts(SandboxPolicy()))
        off, on = (lambda: pictures(folder, SandboxMode.OFF)), (lambda: pictures(folder, SandboxMode.ON))
        compare("a picture", rounds, off, on)
        compare("a source the parent opens", rounds, lambda: openings(inside, path), lambda: openings(outside, path))


def compare(what: str, rounds: int, without: Callable[[], float], within: Callable[[], float]) -> None:
    """Print the median cost of something without and within the sandbox, in milliseconds, and of the difference."""
    pairs = [(without(), within()) for _ in range(rounds)]
    before, after = (statistics.median(column) * 1000 for column in zip(*pairs, strict=True))
    difference = statistics.median((b - a) * 1000 for a, b in pairs)
    print(f"{what:<24} {before:8.3f} ms {after:8.3f} ms {difference:+8.3f} ms {difference / before:+7.1%}")


def layers(policy: SandboxPolicy) -> dict[str, float]:
    """Return the milliseconds of CPU time that a process needs for each layer."""
    libc = Libc()
    costs: dict[str, list[int]] = {}
    with Sandbox(policy, libc) as sandbox:
        for _ in range(STARTS):
            for name, cost in json.loads(_in_child(lambda: _time_layers(sandbox))).items():
                costs.setdefault(name, []).append(cost)
    return {name: statistics.median(found) / 1e6 for name, found in costs.items()}


def _in_child(action: Callable[[], str]) -> str:
    end, start = os.pipe()
    if child := os.fork():
        os.close(start)
        with open(end) as file:
            text = file.read()
        os.waitpid(child, 0)
        return text
    os.write(start, action().encode())
    os._exit(0)


def _time_layers(sandbox: Sandbox) -> str:
    costs = {}
    for name, enforce in sandbox._layers:  # noqa: SLF001
        started = time.thread_time_ns()
        enforce()
        costs[name] = time.thread_time_ns() - started
    return json.dumps(costs)


def starts(policy: SandboxPolicy | None) -> float:
    """Return the seconds from one worker's end to the next one's first result: each does one task."""
    options = PoolOptions(workers=1, max_tasks=1, sandbox=policy)
    with Pool(str, options=options) as pool:
        results = pool.imap_unordered(range(STARTS + 1))
        next(results)
        started = time.perf_counter()
        for _ in results:
            pass
        return (time.perf_counter() - started) / STARTS


def pictures(folder: str, sandbox: SandboxMode) -> float:
    """Return the seconds of a worker's time per picture."""
    settings = Settings(sandbox=sandbox, if_exists=IfExists.OVERWRITE, ledger=False, pool=PoolOptions(workers=1))
    summary = run([os.path.join(folder, "in")], os.path.join(folder, "out"), Recipe.of(width=800), settings=settings)
    assert summary.written == PICTURES, summary  # noqa: S101
    return summary.stats.busy_seconds / PICTURES


def openings(policy: SandboxPolicy, path: str) -> float:
    """Return the seconds that a worker needs to open a source."""
    opener = partial(FALLBACK_OPENER.set, request_file)
    with Pool(_open_often, options=PoolOptions(workers=1, sandbox=policy), initializer=opener) as pool:
        [result] = pool.imap_unordered([path])
        return result.seconds / OPENINGS


def _open_often(path: str) -> None:
    for _ in range(OPENINGS):
        open_source(path).close()


def _open_file(_: object, path: str) -> FileIO:
    return open_source(path)


if __name__ == "__main__":
    main()
