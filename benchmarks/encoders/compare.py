"""How forkresize and independent decoders see a picture, and how far apart they are."""

import io
import subprocess
import tempfile
from collections.abc import Collection, Mapping
from pathlib import Path

from msgspec import Struct
from PIL import Image, ImageChops, ImageStat

from forkresize.image.errors import PictureError
from forkresize.image.transform import transform
from forkresize.recipe import Recipe

TIMEOUT = 60
"""Seconds for one call of a program."""

DECODERS: Mapping[str, tuple[str, ...]] = {
    "magick": ("convert {file}[0] -auto-orient -depth 8 -colorspace sRGB PNG32:{out}.png",),
    "vips": ("vips autorot {file} {out}.v", "vips colourspace {out}.v {out}.png srgb"),
    "djxl": ("djxl {file} {out}.png",),
    "ffmpeg": ("ffmpeg -v error -i {file} -frames:v 1 -pix_fmt rgba -y {out}.png",),
    "gm": ("gm convert {file}[0] -auto-orient -depth 8 -colorspace RGB PNG32:{out}.png",),
    "libavif": ("avifdec {file} {out}.png",),
    "libheif": ("heif-convert {file} {out}.png",),
    "openjpeg": ("opj_decompress -i {file} -o {out}.png",),
}
"""The commands of each decoder that write the picture as a PNG; the first of them are preferred."""

_BY_MAGICK = frozenset({".psd", ".xpm", ".dds"})
"""Formats that libvips reads by ImageMagick."""

WITHIN = 2.0
"""Levels by which two decoders may differ in the mean."""


class Verdict(Struct, frozen=True):
    """The result of comparing one file.

    Attributes:
        word: equal; refused by forkresize; unread by all, forkresize included; differs from all decoders; or alone, if
            no independent decoder reads it.
        detail: the error, or the differences.
    """

    word: str
    detail: str = ""


def judge(path: Path, family: str, decoders: Collection[str] = tuple(DECODERS)) -> Verdict:
    """Compare what forkresize makes of a file with independent decoders.

    Args:
        path: the file.
        family: the decoder that shares code with its encoder.
        decoders: those to compare with, except the family.
    """
    is_by_magick = path.suffix in _BY_MAGICK and family in {"magick", "vips"}
    independent = [name for name in decoders if name != family and not (is_by_magick and name in {"magick", "vips"})]
    try:
        own = see(path)
    except PictureError as error:
        is_read = any(decode(path, name) for name in independent)
        return Verdict("refused" if is_read else "unread", str(error))
    differences = {}
    for name in independent:
        other = decode(path, name)
        if other is None:
            continue
        differences[name] = difference(own, other)
        if differences[name] <= WITHIN:
            return Verdict("equal", name)
    if not differences:
        return Verdict("alone")
    return Verdict("differs", ", ".join(f"{name} {value:.1f}" for name, value in differences.items()))


def see(path: Path) -> Image.Image:
    """Return the picture as forkresize makes a PNG of it."""
    recipe = Recipe.of(format="png", effort=1, color="keep", depth="8", animation="first", metadata="none")
    [made] = transform(path.read_bytes(), recipe, name=path.name)
    return _flat(Image.open(io.BytesIO(made.data)))


def decode(path: Path, name: str) -> Image.Image | None:
    """Return the picture as an independent decoder reads it; None if it does not."""
    with tempfile.TemporaryDirectory() as folder:
        out = f"{folder}/out"
        for command in DECODERS[name]:
            words = [word.format(file=path, out=out) for word in command.split()]
            if not run(words):
                return None
        try:
            with Image.open(f"{out}.png") as image:
                return _flat(image)
        except OSError:
            return None


def run(words: list[str], stdout: Path | None = None) -> bool:
    """Run a program; return whether it succeeded. One that is not installed does not."""
    try:
        done = subprocess.run(words, capture_output=True, timeout=TIMEOUT, check=False, stdin=subprocess.DEVNULL)
    except (OSError, subprocess.TimeoutExpired):
        return False
    if stdout is not None and done.returncode == 0:
        stdout.write_bytes(done.stdout)
    return done.returncode == 0


def difference(one: Image.Image, other: Image.Image) -> float:
    """Return the mean difference of the channel that differs most, in levels; 255 for other sizes."""
    if one.size != other.size:
        return 255.0
    return max(ImageStat.Stat(ImageChops.difference(one, other)).mean)


def _flat(image: Image.Image) -> Image.Image:
    """Return red, green and blue before black, and alpha: the color of transparent pixels does not count."""
    if image.mode.startswith("I"):
        # 16-bit gray: Pillow's own conversion cuts off.
        image = image.convert("I").point(lambda level: level * (1 / 256) + 0).convert("L")
    rgba = image.convert("RGBA")
    black = Image.new("RGBA", rgba.size, (0, 0, 0, 255))
    flat = Image.alpha_composite(black, rgba)
    flat.putalpha(rgba.getchannel("A"))
    return flat
