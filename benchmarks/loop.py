"""Do the task with a simple script: one process, Pillow, a loop.

    python benchmarks/loop.py task.json

The task is JSON: sources, destination, widths, format, quality, suffix.
"""

import io
import json
import sys
from pathlib import Path
from typing import Any

from PIL import Image, ImageOps

OPTIONS: dict[str, dict[str, Any]] = {"jpeg": {"optimize": True}, "webp": {"method": 4}}


def saved(image: Image.Image, task: dict[str, Any], file: str | io.BytesIO) -> None:
    """Encode with the options of the task."""
    image.save(file, task["format"].upper(), quality=task["quality"], **OPTIONS.get(task["format"], {}))


def loop(task: dict[str, Any]) -> None:
    """Create every output in the simplest way."""
    for source in task["sources"]:
        for width in task["widths"]:
            with Image.open(source) as image:
                image.thumbnail((width, 1 << 20), Image.Resampling.LANCZOS)
                output = f"{task['destination']}/{Path(source).stem}-{width}.{task['suffix']}"
                saved(ImageOps.exif_transpose(image), task, output)


def main() -> None:
    """Run the loop."""
    with open(sys.argv[1], encoding="utf-8") as file:
        task = json.load(file)
    if any(source.endswith(".heic") for source in task["sources"]):
        import pillow_heif

        pillow_heif.register_heif_opener()
    loop(task)


if __name__ == "__main__":
    main()
