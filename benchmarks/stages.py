"""Measure the time of each stage, compared with the minimum: decoding at the same scale and encoding.

    python -m benchmarks.stages --corpus PHOTOS --width 800

All times are CPU milliseconds per picture in one process, the lowest of several rounds. The last line is for the whole
command with one worker per processor: CPU time of all its processes, relative to the minimum of all pictures, which is
measured before each run; the median of the ratios.
"""

import argparse
import io
import os
import shutil
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from statistics import fmean, median
from typing import Any

from PIL import Image

from benchmarks.loop import saved
from benchmarks.tools import Task, forkresize
from benchmarks.workloads import photographs
from forkresize.batch.render_job import preload, render_job
from forkresize.image import transform
from forkresize.image.diagnostics import Diagnostics
from forkresize.image.plan import choose_shrink
from forkresize.image.source_image import SourceImage
from forkresize.job import Job, Output, Source
from forkresize.outcome import Outcome, Written
from forkresize.recipe import Recipe
from forkresize.store import LocalStore

COLUMNS = "decode", "resize", "encode", "rest", "all", "minimum"


def least(rounds: int, action: Callable[[], Any]) -> tuple[float, Any]:
    """Return the lowest CPU time of a call in milliseconds, and its result."""
    found = []
    for _ in range(rounds):
        started = time.process_time()
        result = action()
        found.append((1000 * (time.process_time() - started), result))
    return min(found, key=lambda each: each[0])


def minimum(path: Path, recipe: Recipe, rounds: int) -> float:
    """Return the milliseconds for decoding a picture at the scale that is used, and for encoding its output."""
    with path.open("rb") as file:
        original = SourceImage.open(file, recipe, Diagnostics(), path.name)
        original.load()
        by = choose_shrink(original, recipe, recipe.renditions)
        upright = original.view.size

    def decode() -> Image.Image:
        with Image.open(path) as image:
            if by > 1:
                image.draft(None, (image.width // by, image.height // by))
            image.load()
            return image

    decoding, image = least(rounds, decode)
    width = recipe.renditions[0].size.width or upright[0]
    small = image.convert("RGB").resize((width, max(1, round(upright[1] * width / upright[0]))), Image.Resampling.BOX)
    task = {"format": recipe.renditions[0].format or "jpeg", "quality": 80}
    encoding, _ = least(rounds, lambda: saved(small, task, io.BytesIO()))
    return decoding + encoding


def stages(path: Path, recipe: Recipe, rounds: int, folder: str) -> dict[str, float]:
    """Return the milliseconds of each stage of one picture."""
    job = Job(Source(str(path), path.name, path.stat().st_size), (Output(f"{folder}/output"),))

    def make() -> Outcome:
        (outcome,) = render_job(job, recipe, LocalStore("", "stages"))
        return outcome

    total, outcome = least(rounds, make)
    if not isinstance(outcome.detail, Written):
        raise SystemExit(f"{path}: {outcome}")
    times = {
        "decode": outcome.detail.decode_seconds * 1000,
        "resize": outcome.detail.resize_seconds * 1000,
        "encode": outcome.detail.encode_seconds * 1000,
        "all": total,
    }
    rest = total - times["decode"] - times["resize"] - times["encode"]
    return {**times, "rest": max(0.0, rest), "minimum": minimum(path, recipe, rounds)}


def kind(path: Path) -> str:
    """Return the kind of picture, a row in the table."""
    with Image.open(path) as image:
        return f"{image.format}, progressive" if image.info.get("progressive") else str(image.format)


def command(sources: list[Path], folder: Path, scratch: str, width: int) -> float:
    """Return the CPU seconds of a run of the command."""
    task = Task(
        tuple(map(str, sources)), str(folder), tempfile.mkdtemp(dir=scratch), (width,), workers=os.cpu_count() or 1
    )
    before = os.times()
    forkresize(task)
    after = os.times()
    return after.children_user + after.children_system - before.children_user - before.children_system


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--corpus", type=Path, help="folder of photographs [drawn ones]")
    parser.add_argument("--width", type=int, default=800, help="width of the outputs [800]")
    parser.add_argument("--copies", type=int, default=3, help="copies of each picture that the command gets [3]")
    parser.add_argument("--rounds", type=int, default=3, help="rounds of each picture [3]")
    arguments = parser.parse_args()
    recipe = Recipe.of(width=arguments.width, format="jpeg", quality=80)
    preload(recipe)
    # The stages are measured by CPU time as well.
    vars(transform)["perf_counter"] = time.process_time
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch, "in")
        folder.mkdir()
        photographs(folder, arguments.corpus)
        sources = sorted(folder.iterdir())
        found = defaultdict(list)
        for path in sources:
            found[kind(path)].append(stages(path, recipe, arguments.rounds, scratch))
        print(f"{'':<20} {'n':>4}" + "".join(f"{name:>9}" for name in COLUMNS) + "  all / minimum")
        everything = [each for rows in found.values() for each in rows]
        for name, rows in {**found, "all": everything}.items():
            means = [fmean(row[column] for row in rows) for column in COLUMNS]
            cells = "".join(f"{mean:9.1f}" for mean in means)
            print(f"{name:<20} {len(rows):>4}{cells}  {means[-2] / means[-1]:13.2f}")
        many = Path(scratch, "copies")
        for copy in range(arguments.copies):
            shutil.copytree(folder, many / str(copy))
        seconds, ratios = [], []
        for _ in range(arguments.rounds):
            total = arguments.copies * sum(minimum(path, recipe, 1) for path in sources) / 1000
            seconds.append(command([*many.rglob("*.*")], many, scratch, arguments.width))
            ratios.append(seconds[-1] / total)
        print(
            f"\nthe command, {arguments.copies * len(sources)} pictures: {median(seconds):.2f} CPU s, "
            f"{median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f}) times the minimum"
        )


if __name__ == "__main__":
    main()
