"""The operations that the contact sheets show, and their source pictures."""

import io
import itertools
import shlex
import shutil
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

PATTERN = 960, 640

MOST_EXAMPLES = 6
"""Examples that show one option."""

_PICTURE = "picture.jpg"
_PORTRAIT = "portrait.jpg"
_LINES = "pattern.png"
_FRAMED = "framed.png"
_BADGE = "badge.png"

SHEETS = {
    "sizes": (
        (_PICTURE, "--width 200"),
        (_PICTURE, "--height 100"),
        (_PICTURE, "--size 160x160"),
        (_PICTURE, "--size 120x120!"),
        (_PICTURE, "--size 140x140^"),
        (_PICTURE, "--size 10%"),
        (_PICTURE, "--size 20000@"),
        (_PICTURE, "--long-edge 180"),
        (_PICTURE, "--short-edge 90"),
        (_PICTURE, "--scale 12.5"),
        (_PICTURE, "--megapixels 0.02"),
        (_PICTURE, "--crop 120x80+1172+392 --width 240"),
        (_PICTURE, "--crop 120x80+1172+392 --width 240 --enlarge"),
        (_LINES, "--resample lanczos"),
        (_LINES, "--resample nearest"),
        (_LINES, "--resample box"),
        (_LINES, "--linear"),
    ),
    "fits": (
        (_PICTURE, "--width 150 --height 150 --fit inside"),
        (_PICTURE, "--width 150 --height 150 --fit cover"),
        (_PICTURE, "--width 150 --height 150 --fit contain --background navy"),
        (_PICTURE, "--width 140 --height 140 --fit outside"),
        (_PICTURE, "--width 150 --height 150 --fit fill"),
        (_PICTURE, "--size 90x150 --fit cover --gravity west"),
        (_PICTURE, "--size 90x150 --fit cover --gravity center"),
        (_PICTURE, "--size 90x150 --fit cover --gravity entropy"),
        (_PICTURE, "--size 90x150 --fit cover --gravity attention"),
        (_PICTURE, "--size 90x150 --fit cover --focus 0.9,0.5"),
        (_PICTURE, "--size 150x150 --fit contain --gravity north --background navy"),
    ),
    "operations": (
        (_PORTRAIT, "--auto-orient"),
        (_PORTRAIT, "--no-auto-orient"),
        (_PICTURE, "--rotate 90"),
        (_PICTURE, "--rotate 15"),
        (_PICTURE, "--rotate 15 --background transparent"),
        (_PICTURE, "--flip h"),
        (_PICTURE, "--flip v"),
        (_PICTURE, "--crop 600x400+900+250"),
        (_FRAMED, ""),
        (_FRAMED, "--trim"),
        (_PICTURE, "--grayscale"),
        (_PICTURE, "--threshold 128"),
        (_PICTURE, "--blur 3"),
        (_PICTURE, "--sharpen auto"),
        (_PICTURE, "--sharpen 1.5,150,3"),
        (_PICTURE, "--border 8 --background navy"),
        (_BADGE, ""),
        (_BADGE, "--format jpeg --background '#ffc'"),
    ),
    "watermarks": (
        (_PICTURE, "--watermark logo.png"),
        (_PICTURE, "--watermark logo.png --watermark-scale 50 --watermark-opacity 0.9"),
        (_PICTURE, "--watermark logo.png --watermark-gravity north-west --watermark-margin 10"),
        (_PICTURE, "--watermark logo.png --watermark-gravity tile --watermark-margin 8"),
        (_PICTURE, "--watermark-text '© Jane Doe'"),
        (_PICTURE, "--watermark-text '© Jane Doe' --watermark-font font.ttf"),
        (_PICTURE, "--watermark-text PROOF --watermark-gravity tile --watermark-margin 5"),
    ),
    "formats": (
        (_PICTURE, "--format jpeg --quality 10"),
        (_PICTURE, "--format jpeg --max-bytes 2K"),
        (_PICTURE, "--format webp --ssim 0.9"),
        (_PICTURE, "--palette 8"),
    ),
}
"""By the name of the sheet: source pictures with their flags."""


def examples_by_option() -> dict[str, list[tuple[str, str]]]:
    """Return examples in the contact sheets that show an option, by its key; those with fewer options come first."""
    examples: dict[str, list[tuple[str, str]]] = {}
    for source, flags in sorted(itertools.chain.from_iterable(SHEETS.values()), key=lambda each: each[1].count("--")):
        for word in shlex.split(flags):
            if word.startswith("--"):
                examples.setdefault(word.removeprefix("--").removeprefix("no-"), []).append((source, flags))
    return {key: shown[:MOST_EXAMPLES] for key, shown in examples.items()}


def draw_inputs(pictures: Path, folder: Path) -> None:
    """Draw the source pictures of the operations, and the logo and font that they need.

    Args:
        pictures: the example pictures.
        folder: where to write them.
    """
    shutil.copy(pictures / "noon.jpg", folder / _PICTURE)
    shutil.copy(next(pictures.glob("portrait*.jpg")), folder / _PORTRAIT)
    shutil.copy(pictures / "by-format/transparent.png", folder / _BADGE)
    pattern().save(folder / _LINES)
    with Image.open(pictures / "noon.jpg") as image:
        framed = Image.new("RGB", (image.width + 400, image.height + 250), "gold")
        framed.paste(image, (300, 100))
    framed.save(folder / _FRAMED)
    logo().save(folder / "logo.png")
    (folder / "font.ttf").write_bytes(font())


def font() -> bytes:
    """Return the font that is bundled with Pillow."""
    pillow = ImageFont.load_default(12)
    assert isinstance(pillow, ImageFont.FreeTypeFont)  # noqa: S101 -- Pillow has FreeType where watermarks have text.
    assert isinstance(pillow.path, io.BytesIO)  # noqa: S101 -- it is bundled data.
    return pillow.path.getvalue()


def logo() -> Image.Image:
    """Return a logo with colors and transparency."""
    mark = Image.new("RGBA", (300, 120))
    drawing = ImageDraw.Draw(mark)
    drawing.ellipse((0, 0, 119, 119), fill=(220, 30, 30, 255))
    drawing.rectangle((140, 20, 299, 100), fill=(30, 60, 220, 160))
    return mark


def pattern() -> Image.Image:
    """Return rings that get finer outwards, for kernels, and stripes of single pixels, for linear light."""
    width, height = PATTERN
    rings = Image.radial_gradient("L").resize((height, height)).point(lambda level: level * 7 % 256)
    fine = Image.frombytes("L", PATTERN, (b"\0\xff" * (width // 2) + b"\xff\0" * (width // 2)) * (height // 2))
    fine.paste(rings, ((width - height) // 2, 0))
    return fine
