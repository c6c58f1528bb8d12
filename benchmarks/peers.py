"""Compare the time of forkresize and other tools for the same outputs: alternating rounds, the median of ratios.

    python -m benchmarks.peers --corpus PHOTOS --rounds 5 --minutes 25 --json peers.json

Runs the tools that are installed; see benchmarks/README.md. Without a corpus, photographs are drawn. The chart and the
table of the readme are made from the file with the figures: python -m benchmarks.peers_table.
"""

import argparse
import json
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from importlib.util import find_spec
from math import inf, log10
from pathlib import Path
from statistics import fmean, median
from typing import Any, TypeVar

from PIL import Image, ImageChops, ImageOps, ImageStat

from benchmarks.tools import TOOLS, Task, Tool
from benchmarks.workloads import WORKLOADS, Workload

Result = TypeVar("Result")

PSNR_ON = 4
"""Number of outputs that are compared with a reference."""

SEARCHED = 12
"""How far from the quality of ours that of a peer may be that is calibrated."""


@dataclass
class Measured:
    """Measurements of a tool, one value per round.

    Attributes:
        wall: wall times in seconds.
        cpu: CPU times of all its processes in seconds.
        memory: peak memory of one of its processes in bytes; divided by the lanes that share a process.
        bytes: total size of all outputs.
        psnr: PSNR of some outputs relative to a full decode and Lanczos in decibels; None if they are not comparable.
        score: SSIMULACRA2 of the same outputs; None without the package ``ssimulacra2``.
        quality: that of the outputs, 1 to 100.
    """

    wall: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)
    memory: int = 0
    bytes: int = 0
    psnr: float | None = None
    score: float | None = None
    quality: int = 0


def cpu_seconds() -> float:
    """Return the CPU time of all children that have ended, in seconds."""
    times = os.times()
    return times.children_user + times.children_system


@contextmanager
def empty_folder(beside: Path) -> Iterator[Path]:
    """Create an empty folder: replacing files costs more than creating them."""
    folder = Path(tempfile.mkdtemp(dir=beside))
    try:
        yield folder
    finally:
        shutil.rmtree(folder)
        Path(f"{folder}.json").unlink(missing_ok=True)


def apart(function: Callable[..., Result], *arguments: Any) -> Result:
    """Call a function in a separate process, because the memory of this process counts for the tools that it starts."""
    with ProcessPoolExecutor(1) as executor:
        return executor.submit(function, *arguments).result()


def measure(tool: Tool, task: Task, measured: Measured) -> None:
    """Run a tool once, and check its outputs in the first round."""
    with empty_folder(Path(task.destination)) as folder:
        if tool.in_place:
            shutil.copytree(task.folder, folder, dirs_exist_ok=True)
        own = replace(task, destination=str(folder))
        cpu, started = cpu_seconds(), time.perf_counter()
        peak = tool.run(own)
        measured.wall.append(time.perf_counter() - started)
        measured.cpu.append(cpu_seconds() - cpu)
        measured.memory = max(measured.memory, peak // (task.workers if tool.lanes else 1))
        if len(measured.wall) == 1 and tool.writes:
            outputs = sorted(path for path in folder.rglob("*") if path.is_file() and path.name != "lock")
            outputs = [path for path in outputs if ".forkresize" not in path.parts]
            if len(outputs) != len(task.sources) * len(task.widths):
                raise SystemExit(f"{len(outputs)} outputs for {len(task.sources)} sources")
            measured.bytes, measured.quality = sum(path.stat().st_size for path in outputs), task.quality
            measured.psnr, measured.score = apart(fidelity, outputs, task)


def fidelity(outputs: list[Path], task: Task) -> tuple[float | None, float | None]:
    """Return the mean PSNR and SSIMULACRA2 of some outputs, or None if the size of one differs from its reference."""
    psnrs, scores, width = [], [], task.widths[0]
    for source in task.sources[:: max(1, len(task.sources) // PSNR_ON)][:PSNR_ON]:
        output = next(path for path in outputs if path.stem in {f"{Path(source).stem}-{width}", Path(source).stem})
        with opened(source) as image, opened(output) as made:
            upright = ImageOps.exif_transpose(image).convert("RGB")
            size = width, max(1, int(upright.height * width / upright.width + 0.5))
            if made.size != size or getattr(made, "n_frames", 1) != getattr(image, "n_frames", 1):
                return None, None
            wanted, found = upright.resize(size, Image.Resampling.LANCZOS), made.convert("RGB")
        apart = ImageStat.Stat(ImageChops.difference(wanted, found))
        error = fmean(apart.sum2) / (size[0] * size[1])
        psnrs.append(10 * log10(255**2 / error) if error else 99.0)
        if find_spec("ssimulacra2") is not None:
            scores.append(ssimulacra2(wanted, found))
    return fmean(psnrs), fmean(scores) if scores else None


def opened(path: Path | str) -> Image.Image:
    """Open a picture, a HEIC included."""
    if Path(path).suffix == ".heic":
        import pillow_heif

        pillow_heif.register_heif_opener()
    return Image.open(path)


def ssimulacra2(wanted: Image.Image, found: Image.Image) -> float:
    """Return how alike two pictures look: 100 is identical, 70 is high quality."""
    from ssimulacra2 import compute_ssimulacra2

    with tempfile.TemporaryDirectory() as scratch:
        paths = f"{scratch}/wanted.png", f"{scratch}/found.png"
        for image, path in zip((wanted, found), paths, strict=True):
            image.save(path, compress_level=1)
        return float(compute_ssimulacra2(*paths))


def equal_quality(name: str, task: Task, scratch: Path) -> int:
    """Return the lowest quality at which a tool's outputs of a few pictures look as good as ours, by SSIMULACRA2."""
    few = Path(tempfile.mkdtemp(dir=scratch))
    for source in task.sources[:: max(1, len(task.sources) // PSNR_ON)][:PSNR_ON]:
        shutil.copy(source, few)
    task = replace(task, folder=str(few), sources=tuple(sorted(map(str, few.iterdir()))))

    def score(tool: str, quality: int) -> float:
        measure(TOOLS[tool], replace(task, quality=quality), found := Measured())
        return found.score or 0.0

    wanted, quality = score("forkresize", task.quality), task.quality
    while quality < task.quality + SEARCHED and score(name, quality) < wanted:
        quality += 2
    while quality > task.quality - SEARCHED and score(name, quality - 1) >= wanted:
        quality -= 1
    return quality


def compare(workload: Workload, arguments: argparse.Namespace, scratch: Path, until: float) -> dict[str, Measured]:
    """Run all tools alternately, at most as often as requested, and no longer than until a time of the clock.

    The first round is complete in any case.
    """
    sources, outputs = scratch / "in", scratch / "out"
    sources.mkdir()
    outputs.mkdir()
    apart(workload.plant, sources, arguments.corpus)
    task = Task(
        tuple(sorted(map(str, sources.iterdir()))),
        str(sources),
        str(outputs),
        workload.widths,
        workload.format,
        quality=workload.quality,
        workers=arguments.workers,
    )
    peers = [name for name in workload.peers if not arguments.peer or name in arguments.peer]
    tasks = {name: task for name in (workload.own, *peers) if TOOLS[name].is_installed}
    if find_spec("ssimulacra2") is not None:
        for name in {*workload.calibrated} & tasks.keys():
            tasks[name] = replace(task, quality=equal_quality(name, task, scratch))
    found = {name: Measured() for name in tasks}
    for number in range(arguments.rounds):
        started = time.monotonic()
        for name, own in tasks.items():
            measure(TOOLS[name], own, found[name])
        now = time.monotonic()
        if now + (now - started) > until:
            print(f"{workload.name}: no time for more than {number + 1} rounds", file=sys.stderr)
            break
    return found


def ratios(found: dict[str, Measured], name: str) -> list[float]:
    """Return the wall time of a tool relative to that of this project, the first one, one value per round."""
    own = next(iter(found.values()))
    return [theirs / ours for ours, theirs in zip(own.wall, found[name].wall, strict=True)]


def table(workload: Workload, found: dict[str, Measured]) -> Iterator[str]:
    """Yield the lines of a workload's table."""
    yield f"\n{workload.name}"
    heads = f"{'wall s':>7} {'CPU s':>7} {'times':>6} {'(range)':>12} {'bar':>5} {'MB':>5} {'bytes':>7} {'PSNR':>6}"
    yield f"{'':<22} {heads} {'score':>6}"
    for name, measured in found.items():
        times = ratios(found, name)
        bar = workload.bars.get(name)
        size = f"{measured.bytes / (found[workload.own].bytes or 1):7.2f}"
        psnr = f"{measured.psnr:6.2f}" if measured.psnr is not None else "  size" if measured.bytes else " " * 6
        score = "" if measured.score is None else f" {measured.score:6.2f}"
        span = f"{min(times):.2f}-{max(times):.2f}"
        yield (
            f"{name:<22} {median(measured.wall):7.2f} {median(measured.cpu):7.2f} {median(times):6.2f} "
            f"{span:>12} {bar or '':>5} {measured.memory / 1e6:5.0f} {size} {psnr}{score}"
            f"{f' quality {measured.quality}' if name in workload.calibrated else ''}"
        )


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--corpus", type=Path, help="folder of photographs [drawn ones]")
    parser.add_argument("--workload", choices=WORKLOADS, action="append", help="repeatable [all]")
    parser.add_argument("--peer", choices=TOOLS, action="append", help="repeatable [all suitable ones]")
    parser.add_argument("--rounds", type=int, default=5, help="rounds of each tool [5]")
    parser.add_argument("--workers", type=int, default=2, help="lanes of each tool [2]")
    parser.add_argument(
        "--minutes", type=float, default=inf, help="time for all workloads; fewer rounds are run [no limit]"
    )
    parser.add_argument("--json", type=Path, help="file for all figures")
    arguments = parser.parse_args()
    missing = [name for name, tool in TOOLS.items() if not tool.is_installed]
    if missing:
        print(f"not found, skipped: {', '.join(missing)}")
    results: dict[str, dict[str, Any]] = {}
    names, end = list(arguments.workload or WORKLOADS), time.monotonic() + 60 * arguments.minutes
    while names:
        workload, now = WORKLOADS[names[0]], time.monotonic()
        with tempfile.TemporaryDirectory() as scratch:
            found = compare(workload, arguments, Path(scratch), now + (end - now) / len(names))
        print("\n".join(table(workload, found)), flush=True)
        results[names.pop(0)] = {
            "name": workload.name,
            "tools": {tool: vars(each) for tool, each in found.items()},
        }
        if arguments.json:
            arguments.json.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
