"""Draw the contact sheets: every operation with its flags, each option alone, and the results of unusual inputs.

    python -m docs.generate.contact_sheet examples/pictures docs/images

Transparency is shown as a checkerboard. The installed command runs with the flags in the labels.
"""

import argparse
import itertools
import shlex
import subprocess
import sys
import tempfile
import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont, ImageSequence

from docs.generate.odd_inputs import ODD
from docs.generate.operations import SHEETS, draw_inputs, examples_by_option
from forkresize import Recipe, Written, render

CELL = 240, 160
LOW_CELL = 240, 84
LABEL = 68
COLUMNS = 3
"""So that a label can be read where a page is 750 pixels wide."""

GAP = 12
CHECK = 8
CHARACTERS = 42
PAPER = 236, 236, 236

BOX = ("--width", str(CELL[0]), "--height", str(CELL[1]))
SIZES = {"--width", "--height", "--size", "--long-edge", "--short-edge", "--scale", "--megapixels"}
COMMAND = Path(sys.executable).with_name("forkresize")


@dataclass(frozen=True, slots=True)
class Tile:
    """One or more pictures with a caption."""

    title: str
    images: Sequence[Image.Image]


def operations(pictures: Path) -> dict[tuple[str, str], Tile]:
    """Return the tiles of all operations, by source picture and flags."""
    with tempfile.TemporaryDirectory() as folder:
        draw_inputs(pictures, Path(folder))
        examples = itertools.chain.from_iterable(SHEETS.values())
        return {(source, flags): run_command(Path(folder), source, flags) for source, flags in examples}


def run_command(folder: Path, source: str, flags: str) -> Tile:
    """Run the command on a picture; without a size in the flags, the output fits a cell."""
    given = shlex.split(flags)
    box = () if SIZES & set(given) else BOX
    kind = () if "--format" in given else ("--format", "png")
    with tempfile.TemporaryDirectory(dir=folder) as output:
        subprocess.run([COMMAND, source, output, *given, *box, *kind], cwd=folder, check=True)
        [made] = (path for path in Path(output).iterdir() if path.is_file())
        with Image.open(made) as image:
            facts = f"{image.width} x {image.height}, {made.stat().st_size:,} bytes"
            return Tile(f"{flags or 'unchanged'}\n{facts}", [as_seen(image)])


def inputs() -> Iterator[Tile]:
    """Yield each unusual input converted to JPEG and to PNG, frame by frame."""
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "source"
        for title, draw in ODD.items():
            source.write_bytes(draw())
            jpeg, png = (convert(source, kind) for kind in ("jpeg", "png"))
            yield Tile(f"{title}\nJPEG {jpeg.title}\nPNG {png.title}", [*jpeg.images, *png.images])


def convert(source: Path, kind: str) -> Tile:
    """Convert a picture; return its frames with their mode and the warnings."""
    made = source.with_suffix(f".{kind}")
    outcome = render(source, made, Recipe.of(width=200, format=kind, on_truncated="salvage"))
    if not isinstance(outcome.detail, Written):
        raise SystemExit(f"{source}: {outcome}")
    with Image.open(made) as image:
        facts = "; ".join([image.mode, *(warning.partition(":")[0] for warning in outcome.warnings)])
        return Tile(facts, [as_seen(frame) for frame in ImageSequence.Iterator(image)])


def as_seen(image: Image.Image) -> Image.Image:
    """Return a picture as a viewer shows it, on a checkerboard."""
    if image.mode.startswith("I;16"):
        image = image.convert("I").point(lambda value: value / 257 + 0).convert("L")
    picture = image.convert("RGBA")
    return Image.alpha_composite(checkerboard(picture.size), picture).convert("RGB")


def checkerboard(size: tuple[int, int]) -> Image.Image:
    """Return a checkerboard of a size."""
    board = Image.new("RGBA", (-(-size[0] // CHECK), -(-size[1] // CHECK)), "white")
    for x in range(board.width):
        for y in range(x % 2, board.height, 2):
            board.putpixel((x, y), (205, 205, 205, 255))
    return board.resize((board.width * CHECK, board.height * CHECK), Image.Resampling.NEAREST).crop((0, 0, *size))


def sheet(tiles: Sequence[Tile], cell: tuple[int, int]) -> Image.Image:
    """Return all tiles in rows."""
    pitch = cell[0] + GAP, cell[1] + LABEL + GAP
    columns = min(COLUMNS, len(tiles))
    rows = -(-len(tiles) // columns)
    canvas = Image.new("RGB", (columns * pitch[0] + GAP, rows * pitch[1] + GAP), PAPER)
    for number, tile in enumerate(tiles):
        left, top = GAP + number % columns * pitch[0], GAP + number // columns * pitch[1]
        canvas.paste(draw_tile(tile, cell), (left, top))
    return canvas


def draw_tile(tile: Tile, cell: tuple[int, int]) -> Image.Image:
    """Return the pictures of a tile side by side, above its title."""
    canvas = Image.new("RGB", (cell[0], cell[1] + LABEL), PAPER)
    room = (cell[0] - (len(tile.images) - 1) * CHECK) // len(tile.images)
    for image in tile.images:
        image.thumbnail((room, cell[1]))
    left = (cell[0] - sum(image.width + CHECK for image in tile.images) + CHECK) // 2
    for image in tile.images:
        canvas.paste(image, (left, cell[1] - image.height))
        left += image.width + CHECK
    wrapped = (textwrap.wrap(line, CHARACTERS, break_on_hyphens=False) for line in tile.title.splitlines())
    lines = "\n".join(itertools.chain.from_iterable(wrapped))
    drawing, font = ImageDraw.Draw(canvas), ImageFont.load_default(11)
    drawing.multiline_text((cell[0] / 2, cell[1] + 3), lines, "black", font, anchor="ma", align="center", spacing=1)
    return canvas


def main() -> None:
    """Draw all sheets."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pictures", type=Path)
    parser.add_argument("folder", type=Path)
    arguments = parser.parse_args()
    tiles = operations(arguments.pictures.resolve())
    sheets = {f"sheets/{name}": sheet([tiles[each] for each in examples], CELL) for name, examples in SHEETS.items()}
    sheets["sheets/inputs"] = sheet(list(inputs()), LOW_CELL)
    for key, examples in examples_by_option().items():
        sheets[f"options/{key}"] = sheet([tiles[each] for each in examples], CELL)
    for name, image in sheets.items():
        image.save(arguments.folder / f"{name}.webp", quality=80, method=6)


if __name__ == "__main__":
    main()
