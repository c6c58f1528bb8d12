"""Where a picture's time goes, next to the floor: decoding at the same scale and encoding, and nothing else.

    python -m benchmarks.stages --corpus PHOTOS --width 800

All times are CPU milliseconds a picture in one process, the least of some rounds. The last lines are the whole command
with as many workers as there are processors: all of its processes' CPU time against the floor of all pictures.
"""

import argparse
import io
import os
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from statistics import fmean
from typing import Any

from PIL import Image

from benchmarks.loop import saved
from benchmarks.peers import photographs
from benchmarks.tools import Task, forkresize
from forkresize.image.diagnostics import Diagnostics
from forkresize.image.plan import choose_shrink
from forkresize.image.render import preload, render
from forkresize.image.source_image import open_source_image
from forkresize.job import Job, Output, Source
from forkresize.outcome import Outcome, Written
from forkresize.recipe import Recipe

COLUMNS = "decode", "resize", "encode", "rest", "all", "floor"


def least(rounds: int, action: Callable[[], Any]) -> tuple[float, Any]:
    """Return the least CPU milliseconds that something took, and what it returned then."""
    found = []
    for _ in range(rounds):
        started = time.process_time()
        result = action()
        found.append((1000 * (time.process_time() - started), result))
    return min(found, key=lambda each: each[0])


def floor(path: Path, recipe: Recipe, rounds: int) -> float:
    """Return the milliseconds of decoding a picture at the scale it is decoded at, and of encoding its output."""
    with open_source_image(str(path), recipe, Diagnostics()) as original:
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
        (outcome,) = render(job, recipe, "stages")
        return outcome

    total, outcome = least(rounds, make)
    if not isinstance(outcome.detail, Written):
        raise SystemExit(f"{path}: {outcome}")
    told = {
        "decode": outcome.decode_seconds * 1000,
        "resize": outcome.resize_seconds * 1000,
        "encode": outcome.encode_seconds * 1000,
        "all": total,
    }
    rest = total - told["decode"] - told["resize"] - told["encode"]
    return {**told, "rest": max(0.0, rest), "floor": floor(path, recipe, rounds)}


def kind(path: Path) -> str:
    """Return what is told apart in the table."""
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
    parser.add_argument("--width", type=int, default=800, help="of the outputs [800]")
    parser.add_argument("--rounds", type=int, default=3, help="of each picture [3]")
    arguments = parser.parse_args()
    recipe = Recipe.of(width=arguments.width, format="jpeg", quality=80)
    preload(recipe)
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch, "in")
        folder.mkdir()
        photographs(folder, arguments.corpus)
        sources = sorted(folder.iterdir())
        found = defaultdict(list)
        for path in sources:
            found[kind(path)].append(stages(path, recipe, arguments.rounds, scratch))
        print(f"{'':<20} {'n':>4}" + "".join(f"{name:>9}" for name in COLUMNS) + "  all / floor")
        everything = [each for rows in found.values() for each in rows]
        for name, rows in {**found, "all": everything}.items():
            means = [fmean(row[column] for row in rows) for column in COLUMNS]
            cells = "".join(f"{mean:9.1f}" for mean in means)
            print(f"{name:<20} {len(rows):>4}{cells}  {means[-2] / means[-1]:11.2f}")
        total = sum(row["floor"] for row in everything) / 1000
        seconds = min(command(sources, folder, scratch, arguments.width) for _ in range(arguments.rounds))
        print(f"\nthe command, {len(sources)} pictures: {seconds:.2f} CPU s, {seconds / total:.2f} times the floor")


if __name__ == "__main__":
    main()
