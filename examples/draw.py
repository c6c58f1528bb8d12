"""Draw the example pictures from seeds: mountains by day and night, in formats that tools often handle wrongly.

To create them again: python examples/draw.py examples/pictures
"""

import math
import random
import sys
from collections.abc import Iterator
from pathlib import Path

from PIL import Image, ImageDraw, ImageFilter

Color = tuple[int, int, int]

DAWN = ((38, 44, 92), (247, 160, 114), (36, 30, 66))
NOON = ((60, 130, 210), (214, 234, 246), (24, 70, 60))
DUSK = ((30, 18, 60), (230, 88, 80), (22, 10, 34))
NIGHT = ((6, 10, 30), (44, 62, 110), (4, 6, 18))
SCALE = 2
"""Pictures are drawn larger by this factor and reduced, so that edges are smooth."""


def blend(a: Color, b: Color, share: float) -> Color:
    """Mix two colors; a share of 1 gives the second color."""
    red, green, blue = (round(x + (y - x) * share) for x, y in zip(a, b, strict=True))
    return red, green, blue


def ridge(width: int, base: float, height: float, source: random.Random) -> Iterator[tuple[float, float]]:
    """Yield the points of a mountain ridge: a sum of sines with decreasing amplitude."""
    waves = [(source.uniform(0.5, 1.5) * 2**octave, source.uniform(0, 6.3), 0.5**octave) for octave in range(7)]
    for x in range(0, width + 4, 4):
        yield x, base + height * sum(share * math.sin(pace * x / width * 4 + phase) for pace, phase, share in waves)


def landscape(size: tuple[int, int], palette: tuple[Color, Color, Color], seed: int) -> Image.Image:
    """Draw mountains in front of a sky."""
    source = random.Random(seed)
    width, height = size[0] * SCALE, size[1] * SCALE
    zenith, horizon, earth = palette
    sky = Image.new("RGB", (1, 256))
    sky.putdata([blend(zenith, horizon, (y / 255) ** 1.4) for y in range(256)])
    picture = sky.resize((width, height), Image.Resampling.BICUBIC)
    glow = Image.new("L", picture.size)
    x, y, radius = source.uniform(0.2, 0.8) * width, source.uniform(0.2, 0.45) * height, min(size) / 9
    ImageDraw.Draw(glow).ellipse((x - radius, y - radius, x + radius, y + radius), fill=255)
    halo = glow.resize((width // 16, height // 16)).filter(ImageFilter.GaussianBlur(radius / 12)).resize(glow.size)
    picture.paste((255, 240, 214), mask=halo.point(lambda value: value // 2))
    picture.paste((255, 248, 230), mask=glow)
    draw = ImageDraw.Draw(picture)
    for layer in range(6):
        near = (layer + 1) / 6
        points = ridge(width, height * (0.48 + 0.09 * layer), height * 0.07 * (1.3 - near / 2), source)
        draw.polygon([*points, (width, height), (0, height)], fill=blend(horizon, earth, near**0.8))
    return picture.resize(size, Image.Resampling.LANCZOS)


def badge(size: int) -> Image.Image:
    """Draw a round badge on a transparent background."""
    disc = Image.new("L", (size * SCALE, size * SCALE))
    ImageDraw.Draw(disc).ellipse((8, 8, size * SCALE - 8, size * SCALE - 8), fill=255)
    picture = landscape((size, size), DAWN, 11)
    picture.putalpha(disc.resize((size, size), Image.Resampling.LANCZOS))
    return picture


def main(folder: Path) -> None:
    """Draw all example pictures."""
    (folder / "by-format").mkdir(parents=True, exist_ok=True)
    landscape((1600, 1000), DAWN, 1).save(folder / "dawn.jpg", quality=88)
    landscape((1600, 1000), NOON, 2).save(folder / "noon.jpg", quality=88, progressive=True)
    landscape((1600, 1000), DUSK, 3).save(folder / "dusk.jpg", quality=88)
    landscape((1920, 640), NIGHT, 4).save(folder / "night panorama.jpg", quality=88)
    sideways = Image.Exif()
    sideways[0x0112] = 6
    landscape((800, 1200), NOON, 5).transpose(Image.Transpose.ROTATE_90).save(
        folder / "portrait, turned by its EXIF tag.jpg", quality=88, exif=sideways
    )
    landscape((1200, 800), DUSK, 6).convert("CMYK").save(folder / "by-format/cmyk.jpg", quality=85)
    landscape((1200, 800), DUSK, 7).save(folder / "by-format/lossy.webp", quality=80)
    landscape((1200, 800), DAWN, 8).save(folder / "by-format/modern.avif", quality=60)
    landscape((900, 600), NIGHT, 9).quantize(64).save(folder / "by-format/palette.gif")
    badge(400).save(folder / "by-format/transparent.png", optimize=True)
    (folder / "notes.txt").write_text("Not a picture: it is skipped, and counted.\n", encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
