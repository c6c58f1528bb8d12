"""What the header of a picture says about it as a recipe sees it: upright, with all its frames."""

from collections.abc import Callable
from typing import Annotated, BinaryIO

from msgspec import Meta, Struct
from msgspec.structs import replace

from forkresize.formats import Format, source_name
from forkresize.image import metadata
from forkresize.image.decode.png import read_metadata
from forkresize.image.diagnostics import Diagnostics
from forkresize.image.errors import catching_panics, decoding
from forkresize.image.geometry.region import Dimensions, is_sideways
from forkresize.image.memory import estimate_memory, opening_memory
from forkresize.image.source_image import SourceImage
from forkresize.recipe import Recipe, Rendition

_WITH_UPRIGHT_SIZE = frozenset({"JPEG", "MPO", "TIFF"})
"""Formats whose reader says the upright size: of a TIFF, Pillow has exchanged the sides."""

_WITH_ORIENTATION = frozenset({"AVIF", "BMP", "GIF", "JPEG2000", "PNG", "WEBP"})
"""Formats whose size, and metadata with the orientation, are known without the pixels."""


_Positive = Annotated[int, Meta(ge=1, lt=1 << 31)]


class Inspected(Struct, frozen=True, forbid_unknown_fields=True):
    """A picture as a recipe sees it.

    Attributes:
        width: in pixels, upright.
        height: in pixels, upright.
        format: name of its format, Pillow's in lower case.
        frames: how many frames, pages or other visible pictures it has.
    """

    width: _Positive
    height: _Positive
    format: str
    frames: _Positive


def inspect_picture(
    file: BinaryIO, recipe: Recipe, *, name: str = "", reserve: Callable[[int], object] = lambda _: None
) -> Inspected:
    """Return what a picture is, from its header; the first frame is decoded in rare formats that need that.

    Args:
        file: seekable.
        recipe: limits its size, and says whether it is turned upright.
        name: identifies the picture in messages; its suffix is a hint for formats without a signature.
        reserve: called before memory is allocated for pixels; see ``transform.render_each``.

    Raises:
        PictureError: it cannot be read, is not a picture, is damaged, or exceeds a limit.
        MemoryError: it needs more memory than there is.
    """
    diagnostics = Diagnostics()
    with catching_panics():
        with decoding(name, diagnostics):
            opening = opening_memory(file, recipe.max_pixels)
        if opening:
            reserve(opening)
        file.seek(0)
        source = SourceImage.open(file, recipe, diagnostics, name)
        width, height = _upright_size(source, file, recipe, reserve)
        return Inspected(width, height, source_name(source.image.format), source.frame_count)


def _upright_size(source: SourceImage, file: BinaryIO, recipe: Recipe, reserve: Callable[[int], object]) -> Dimensions:
    image = source.image
    if image.format in _WITH_UPRIGHT_SIZE:
        return source.size
    if image.format not in _WITH_ORIENTATION:
        reserve(estimate_memory(source, replace(recipe, renditions=(Rendition(),)), (Rendition(format=Format.PNG),)))
        source.load()
        return source.size
    if not recipe.auto_orient:
        return image.size
    # Pillow's reader of PNG would decode the pixels to find what comes after them.
    known = read_metadata(file) if image.format == "PNG" else image
    width, height = image.size
    return (height, width) if known and is_sideways(metadata.orientation(known)) else (width, height)
