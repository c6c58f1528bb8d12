"""The pictures that load on a gateway asks for."""

import os
import random
from pathlib import Path

from PIL import Image

PICTURES = 8
LARGE = (4746, 3164)
SMALL = (160, 120)


def link(folder: str, names: list[str], count: int) -> list[str]:
    """Give pictures more names, so that requests for them differ; return the names."""
    found = [f"link-{number}.jpg" for number in range(count)]
    for number, name in enumerate(found):
        os.link(os.path.join(folder, names[number % len(names)]), os.path.join(folder, name))
    return found


def draw(folder: str, corpus: str | None, size: tuple[int, int]) -> list[str]:
    """Write baseline JPEGs of a size, from photographs if there are any, and return their names."""
    photographs = sorted(path for path in Path(corpus).iterdir() if path.suffix == ".jpg") if corpus else []
    names = []
    for number in range(PICTURES):
        if photographs:
            with Image.open(photographs[number % len(photographs)]) as image:
                picture = image.convert("RGB").resize(size, Image.Resampling.LANCZOS)
        else:
            noise = random.Random(number).randbytes(3 * 64 * 48)
            picture = Image.frombytes("RGB", (64, 48), noise).resize(size, Image.Resampling.BICUBIC)
        names.append(f"{number}.jpg")
        picture.save(os.path.join(folder, names[-1]), quality=90)
    return names
