"""Compare the time of forkresize and other tools for the same outputs: alternating rounds, the median of ratios.

    python -m benchmarks.peers --corpus PHOTOS --rounds 5 --chart peers.svg

Runs the tools that are installed; see benchmarks/README.md. Without a corpus, photographs are drawn.
"""

import argparse
import json
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from math import log10
from pathlib import Path
from random import Random
from statistics import fmean, median
from typing import Any, TypeVar

from PIL import Image, ImageChops, ImageOps, ImageStat

from benchmarks.chart import chart
from benchmarks.photographs import draw, scene
from benchmarks.tools import TOOLS, Task, Tool

Result = TypeVar("Result")

PSNR_ON = 4
"""Number of outputs that are compared with a reference."""


@dataclass(frozen=True)
class Workload:
    """Sources and the requested outputs.

    Attributes:
        name: title in the table.
        plant: creates the sources in an empty folder.
        widths: widths of the outputs in pixels.
        peers: tools that can do it.
        format: format of the outputs.
        bars: targets: how many times as long each peer should take.
    """

    name: str
    plant: Callable[[Path, Path | None], None]
    widths: tuple[int, ...]
    peers: tuple[str, ...]
    format: str = "jpeg"
    bars: dict[str, float] = field(default_factory=dict)


@dataclass
class Measured:
    """Measurements of a tool, one value per round.

    Attributes:
        wall: wall times in seconds.
        cpu: CPU times of all its processes in seconds.
        memory: peak memory of one of its processes in bytes; divided by the lanes that share a process.
        bytes: total size of all outputs.
        psnr: PSNR of some outputs relative to a full decode and Lanczos in decibels; None if they are not comparable.
    """

    wall: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)
    memory: int = 0
    bytes: int = 0
    psnr: float | None = None


def photographs(folder: Path, corpus: Path | None) -> None:
    """Copy the corpus into a folder, or draw photographs there."""
    if corpus is None:
        for number in range(6):
            draw(folder / str(number), Random(number))
        for path in [*folder.rglob("*.*")]:
            path.rename(folder / f"{path.parent.name}-{path.name}")
        for number in range(6):
            (folder / str(number)).rmdir()
        return
    for path in corpus.iterdir():
        if path.suffix.lower() in {".jpg", ".jpeg"}:
            shutil.copy(path, folder)


def tiny(folder: Path, _corpus: Path | None) -> None:
    """Draw 4,000 pictures of 160 x 120 pixels."""
    random = Random(7)
    drawn = [scene((160, 120), random) for _ in range(40)]
    for number in range(4000):
        drawn[number % len(drawn)].save(folder / f"{number:04}.jpg", quality=85)


def large_pngs(folder: Path, corpus: Path | None) -> None:
    """Convert the photographs to PNG."""
    with tempfile.TemporaryDirectory() as scratch:
        photographs(Path(scratch), corpus)
        for path in sorted(Path(scratch).iterdir()):
            with Image.open(path) as image:
                ImageOps.exif_transpose(image).convert("RGB").save(folder / f"{path.stem}.png", compress_level=6)


WORKLOADS = {
    "photographs": Workload(
        "photographs to 800 pixels, JPEG q80",
        photographs,
        (800,),
        ("sharp", "sharp, careful", "vipsthumbnail", "imgp", "mogrify", "gm", "caesiumclt", "plain Pillow loop"),
        bars={"sharp": 1.2, "vipsthumbnail": 1.4, "imgp": 2.5, "mogrify": 3, "caesiumclt": 3},
    ),
    "tiny": Workload(
        "4,000 JPEGs of 160 x 120 to half",
        tiny,
        (80,),
        ("sharp", "plain Pillow loop", "vipsthumbnail", "mogrify", "gm"),
        bars={"sharp": 5, "plain Pillow loop": 1.7},
    ),
    "webp": Workload(
        "photographs to 800 pixels, WebP q80",
        photographs,
        (800,),
        ("sharp", "sharp, careful", "vipsthumbnail", "plain Pillow loop"),
        format="webp",
        bars={"sharp": 1.1},
    ),
    "png": Workload(
        "large PNGs to 800 pixels, PNG",
        large_pngs,
        (800,),
        ("sharp", "vipsthumbnail", "plain Pillow loop"),
        format="png",
        bars={"sharp": 1.0},
    ),
    "widths": Workload(
        "photographs to five widths",
        photographs,
        (320, 640, 960, 1280, 1600),
        ("sharp", "sharp, one run per width", "plain Pillow loop"),
        bars={"sharp": 1.2, "sharp, one run per width": 3},
    ),
}


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
        if len(measured.wall) == 1:
            outputs = sorted(path for path in folder.rglob("*") if path.is_file() and path.name != "lock")
            outputs = [path for path in outputs if ".forkresize" not in path.parts]
            if len(outputs) != len(task.sources) * len(task.widths):
                raise SystemExit(f"{len(outputs)} outputs for {len(task.sources)} sources")
            measured.bytes = sum(path.stat().st_size for path in outputs)
            measured.psnr = apart(fidelity, outputs, task)


def fidelity(outputs: list[Path], task: Task) -> float | None:
    """Return the mean PSNR of some outputs, or None if the size of one differs from its reference."""
    found = []
    for source in task.sources[:: max(1, len(task.sources) // PSNR_ON)][:PSNR_ON]:
        for width in task.widths[:1]:
            output = next(path for path in outputs if path.stem in {f"{Path(source).stem}-{width}", Path(source).stem})
            with Image.open(source) as image, Image.open(output) as made:
                upright = ImageOps.exif_transpose(image).convert("RGB")
                size = width, max(1, int(upright.height * width / upright.width + 0.5))
                if made.size != size:
                    return None
                wanted = upright.resize(size, Image.Resampling.LANCZOS)
                apart = ImageStat.Stat(ImageChops.difference(wanted, made.convert("RGB")))
            error = fmean(apart.sum2) / (size[0] * size[1])
            found.append(10 * log10(255**2 / error) if error else 99.0)
    return fmean(found)


def compare(workload: Workload, arguments: argparse.Namespace, scratch: Path) -> dict[str, Measured]:
    """Run all tools alternately for the requested number of rounds."""
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
        workers=arguments.workers,
    )
    peers = [name for name in workload.peers if not arguments.peer or name in arguments.peer]
    names = [name for name in ("forkresize", *peers) if TOOLS[name].is_installed]
    found = {name: Measured() for name in names}
    for _ in range(arguments.rounds):
        for name in names:
            measure(TOOLS[name], task, found[name])
    return found


def ratios(found: dict[str, Measured], name: str) -> list[float]:
    """Return the wall time of a tool relative to forkresize, one value per round."""
    return [theirs / ours for ours, theirs in zip(found["forkresize"].wall, found[name].wall, strict=True)]


def table(workload: Workload, found: dict[str, Measured]) -> Iterator[str]:
    """Yield the lines of a workload's table."""
    yield f"\n{workload.name}"
    heads = f"{'wall s':>7} {'CPU s':>7} {'times':>6} {'(range)':>12} {'bar':>5} {'MB':>5} {'bytes':>7} {'PSNR':>6}"
    yield f"{'':<22} {heads}"
    for name, measured in found.items():
        times = ratios(found, name)
        bar = workload.bars.get(name)
        size = measured.bytes / found["forkresize"].bytes
        psnr = f"{measured.psnr:6.2f}" if measured.psnr is not None else "  size"
        yield (
            f"{name:<22} {median(measured.wall):7.2f} {median(measured.cpu):7.2f} {median(times):6.2f} "
            f"{f'{min(times):.2f}-{max(times):.2f}':>12} {bar or '':>5} {measured.memory / 1e6:5.0f} {size:7.2f} {psnr}"
        )


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--corpus", type=Path, help="folder of photographs [drawn ones]")
    parser.add_argument("--workload", choices=WORKLOADS, action="append", help="repeatable [all]")
    parser.add_argument("--peer", choices=TOOLS, action="append", help="repeatable [all suitable ones]")
    parser.add_argument("--rounds", type=int, default=5, help="rounds of each tool [5]")
    parser.add_argument("--workers", type=int, default=2, help="lanes of each tool [2]")
    parser.add_argument("--json", help="file for all figures")
    parser.add_argument("--chart", help="file for an SVG of the ratios; needs matplotlib")
    arguments = parser.parse_args()
    missing = [name for name, tool in TOOLS.items() if not tool.is_installed]
    if missing:
        print(f"not found, skipped: {', '.join(missing)}")
    results = {}
    for name in arguments.workload or WORKLOADS:
        with tempfile.TemporaryDirectory() as scratch:
            results[name] = compare(WORKLOADS[name], arguments, Path(scratch))
        print("\n".join(table(WORKLOADS[name], results[name])))
    if arguments.json:
        figures = {workload: {tool: vars(each) for tool, each in found.items()} for workload, found in results.items()}
        Path(arguments.json).write_text(json.dumps(figures, indent=1), encoding="utf-8")
    if arguments.chart:
        times = {
            WORKLOADS[workload].name: {name: median(ratios(found, name)) for name in found}
            for workload, found in results.items()
        }
        chart(times, arguments.chart)


if __name__ == "__main__":
    main()
