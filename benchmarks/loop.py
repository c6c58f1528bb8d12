"""What a plain script does: one process, Pillow, a loop; and the floor below it, which only decodes and encodes.

    python benchmarks/loop.py task.json [floor]

The task is JSON: sources, destination, widths, format, quality, suffix.
"""

import io
import json
import sys
import time
from pathlib import Path
from typing import Any

from PIL import Image, ImageOps

OPTIONS: dict[str, dict[str, Any]] = {"jpeg": {"optimize": True}, "webp": {"method": 4}}

OVERSAMPLING = 2.5
"""Decoded pixels for each of the output along each axis."""


def saved(image: Image.Image, task: dict[str, Any], file: str | io.BytesIO) -> None:
    """Encode as the task says."""
    image.save(file, task["format"].upper(), quality=task["quality"], **OPTIONS.get(task["format"], {}))


def loop(task: dict[str, Any]) -> None:
    """Make every output as a script of ten lines would."""
    for source in task["sources"]:
        for width in task["widths"]:
            with Image.open(source) as image:
                image.thumbnail((width, 1 << 20), Image.Resampling.LANCZOS)
                output = f"{task['destination']}/{Path(source).stem}-{width}.{task['suffix']}"
                saved(ImageOps.exif_transpose(image), task, output)


def floor(task: dict[str, Any]) -> float:
    """Return the CPU seconds of decoding as small as leaves enough to resample, and of encoding alone."""
    total = 0.0
    (width,) = task["widths"]
    for source in task["sources"]:
        started = time.process_time()
        with Image.open(source) as image:
            by = next((by for by in (8, 4, 2) if image.width >= OVERSAMPLING * by * width), 1)
            image.draft(None, (image.width // by, image.height // by))
            image.load()
            total += time.process_time() - started
            small = image.resize((width, max(1, image.height * width // image.width)), Image.Resampling.BOX)
        started = time.process_time()
        saved(small, task, io.BytesIO())
        total += time.process_time() - started
    return total


def main() -> None:
    """Run the loop, or print the floor."""
    with open(sys.argv[1], encoding="utf-8") as file:
        task = json.load(file)
    if sys.argv[2:] == ["floor"]:
        print(floor(task))
    else:
        loop(task)


if __name__ == "__main__":
    main()
