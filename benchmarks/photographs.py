"""Draw photographs and cut-outs from a seed."""

from pathlib import Path
from random import Random
from typing import Any

from PIL import Image, ImageDraw, ImageFilter

from benchmarks.colors import ADOBE_RGB


def draw(folder: Path, random: Random) -> None:
    """Draw photographs with detail at all scales and sharp edges, stored as cameras and editors do."""
    folder.mkdir()
    turned = Image.Exif()
    turned[0x0112] = 6
    stored: dict[str, tuple[tuple[int, int], dict[str, Any]]] = {
        "camera.jpg": ((3264, 2448), {"quality": 92}),
        "upright.jpg": ((3072, 2048), {"quality": 88, "subsampling": "4:4:4", "exif": turned}),
        "editor.jpg": (
            (2560, 1707),
            {"quality": 95, "progressive": True, "icc_profile": ADOBE_RGB},
        ),
        "screen.png": ((1920, 1280), {"compress_level": 1}),
    }
    for name, (size, options) in stored.items():
        scene(size, random).save(folder / name, **options)


def scene(size: tuple[int, int], random: Random) -> Image.Image:
    """Draw one photograph."""
    image = Image.new("RGB", size, "gray")
    for octave in range(2, 12):
        across = 2**octave
        down = across * 2 // 3
        noise = Image.frombytes("RGB", (across, down), random.randbytes(across * down * 3))
        image = Image.blend(image, noise.resize(size, Image.Resampling.BICUBIC), 1 / octave)
        for _ in range(3):
            left, top, reach = random.randrange(size[0]), random.randrange(size[1]), 2 * size[0] // across
            ImageDraw.Draw(image).ellipse((left, top, left + reach, top + reach), tuple(random.randbytes(3)))
    return image.filter(ImageFilter.GaussianBlur(1))


def cutout(random: Random) -> Image.Image:
    """Draw smooth patches cut out along an ellipse, its edge one pixel wide."""
    image = Image.frombytes("RGB", (5, 4), random.randbytes(60)).resize((90, 70), Image.Resampling.BICUBIC)
    mask = Image.new("L", (360, 280))
    left, top = random.randrange(150), random.randrange(120)
    ImageDraw.Draw(mask).ellipse((left, top, left + random.randrange(50, 210), top + random.randrange(50, 160)), 255)
    image.putalpha(mask.resize((90, 70), Image.Resampling.BOX))
    return image
