"""Draws a contact sheet of every operation, each under the options that ask for it.

    python docs/contact_sheet.py examples/pictures/noon.jpg docs/operations.webp

Transparency shows as a checkerboard.
"""

import argparse
import tempfile
import textwrap
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from PIL import Image, ImageDraw, ImageFont

from forkresize import Recipe, Written, render

CELL = 240, 180
LABEL = 36
GAP = 12
COLUMNS = 4

CLEAR = 0, 0, 0, 0
NAVY = 20, 40, 90, 255

BOX: Mapping[str, Any] = {"width": CELL[0], "height": CELL[1]}

OPERATIONS: tuple[Mapping[str, Any], ...] = (
    {},
    {"fit": "cover", "width": 180, "height": 180},
    {"fit": "contain", "width": 240, "height": 120, "background": NAVY},
    {"fit": "fill", "width": 240, "height": 100},
    {"rotate": 90},
    {"rotate": 15},
    {"rotate": 15, "background": CLEAR},
    {"flip": "h"},
    {"crop": "600x400+950+300"},
    {"grayscale": True},
    {"blur": 3},
    {"sharpen": "auto"},
    {"sharpen": "1.5,150,3"},
    {"border": 8, "background": NAVY},
    {"watermark_text": "© Jane Doe"},
    {"watermark_text": "PROOF", "watermark_gravity": "tile", "watermark_margin": 5},
    {"watermark": "logo.png", "watermark_scale": 30, "watermark_opacity": 0.8},
    {"watermark": "logo.png", "watermark_gravity": "tile", "watermark_margin": 6},
    {"grayscale": True, "watermark": "logo.png", "watermark_gravity": "center", "watermark_scale": 60},
)


def title(options: Mapping[str, Any]) -> str:
    """Return options as flags."""
    told = ((name.replace("_", "-"), value) for name, value in options.items() if name not in BOX)
    flags = (f"--{name}" if value is True else f"--{name} {said(value)}" for name, value in told)
    return " ".join(flags) or "as it is"


def said(value: Any) -> str:
    """Return a value as it is written on a command line."""
    return {CLEAR: "transparent", NAVY: "navy"}.get(value, f'"{value}"' if " " in str(value) else str(value))


def draw_logo(path: Path) -> None:
    """Draw a mark with colors and transparency."""
    logo = Image.new("RGBA", (300, 120))
    drawing = ImageDraw.Draw(logo)
    drawing.ellipse((0, 0, 119, 119), fill=(220, 30, 30, 255))
    drawing.rectangle((140, 20, 299, 100), fill=(30, 60, 220, 160))
    logo.save(path)


def made(source: Path, folder: Path, options: Mapping[str, Any]) -> Image.Image:
    """Return a picture that an operation was done to."""
    output = folder / "output.png"
    mark = {"watermark": str(folder / options["watermark"])} if "watermark" in options else {}
    outcome = render(source, output, Recipe.of(**{**BOX, **options, **mark, "format": "png"}))
    if not isinstance(outcome, Written):
        raise SystemExit(f"{title(options)}: {outcome}")
    with Image.open(output) as image:
        return image.convert("RGBA")


def checkerboard(size: tuple[int, int]) -> Image.Image:
    """Return what lies behind transparency."""
    board = Image.new("RGBA", (-(-size[0] // 8), -(-size[1] // 8)), "white")
    for x in range(board.width):
        for y in range(x % 2, board.height, 2):
            board.putpixel((x, y), (205, 205, 205, 255))
    return board.resize((board.width * 8, board.height * 8), Image.Resampling.NEAREST).crop((0, 0, *size))


def sheet(pictures: Mapping[str, Image.Image]) -> Image.Image:
    """Return all pictures with their titles below."""
    pitch = CELL[0] + GAP, CELL[1] + LABEL + GAP
    rows = -(-len(pictures) // COLUMNS)
    canvas = Image.new("RGB", (COLUMNS * pitch[0] + GAP, rows * pitch[1] + GAP), "white")
    drawing, font = ImageDraw.Draw(canvas), ImageFont.load_default(12)
    for number, (told, picture) in enumerate(pictures.items()):
        left, top = GAP + number % COLUMNS * pitch[0], GAP + number // COLUMNS * pitch[1]
        picture.thumbnail(CELL)
        shown = Image.alpha_composite(checkerboard(picture.size), picture)
        canvas.paste(shown, (left + (CELL[0] - shown.width) // 2, top + (CELL[1] - shown.height) // 2))
        lines, middle = (
            "\n".join(textwrap.wrap(told, 38, break_on_hyphens=False)),
            (left + CELL[0] / 2, top + CELL[1] + LABEL / 2),
        )
        drawing.multiline_text(middle, lines, "black", font, anchor="mm", align="center")
    return canvas


def main() -> None:
    """Render and draw."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("picture", type=Path)
    parser.add_argument("sheet", type=Path)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        draw_logo(folder / "logo.png")
        pictures = {title(options): made(arguments.picture, folder, options) for options in OPERATIONS}
        made(arguments.picture, folder, {"border": 30}).save(folder / "framed.png")
        pictures[title({"trim": True})] = made(folder / "framed.png", folder, {"trim": True})
    sheet(pictures).save(arguments.sheet)


if __name__ == "__main__":
    main()
