"""Scales a watermark to an output, and applies its opacity."""

from functools import lru_cache

from PIL import Image

from forkresize.errors import FieldError
from forkresize.image.geometry.region import Dimensions
from forkresize.image.watermark.font import missing_glyphs
from forkresize.image.watermark.logo import logo
from forkresize.image.watermark.text import Align, render_text
from forkresize.recipe import Watermark

_CACHED = 16
"""Cached marks; the outputs of most runs have few sizes."""

_PERCENT = 100
_SLANT = 30
"""The slope in degrees of a text that is tiled, so that it is not parallel to edges of the picture."""


def prepare(step: Watermark) -> None:
    """Load the picture or the font, so that workers forked afterwards share it.

    Raises:
        FieldError: it is missing, unusable or too large, or the font lacks a character of the text.
    """
    if step.image is not None:
        logo(step.image)
        return
    render_text(step.text or "", step.font, 16, (1000, 1000), "center")
    missing = missing_glyphs(step)
    if missing:
        raise FieldError("watermark_text", f"the font has nothing for {missing!r}: choose a watermark font that has it")


@lru_cache(maxsize=_CACHED)
def mark(step: Watermark, size: Dimensions) -> Image.Image:
    """Return the mark as mode LA if it is gray and RGBA if it has colors.

    Args:
        step: what to show, how large and how opaque.
        size: width and height of the output in pixels.

    Returns:
        The mark, no larger than fits between the margins, though no smaller than one pixel.

    Raises:
        FieldError: the picture or the font can't be used.
    """
    extent = min(size) * step.scale / _PERCENT
    room = max(1, size[0] - 2 * margin(step, size)), max(1, size[1] - 2 * margin(step, size))
    if step.image is not None:
        image = _scale(logo(step.image), extent, room)
    else:
        image = render_text(step.text or "", step.font, extent, room, _align(step))
        if step.gravity is None:
            image = image.rotate(_SLANT, Image.Resampling.BICUBIC, expand=True)
    return _with_opacity(image, step.opacity)


def margin(step: Watermark, size: Dimensions) -> int:
    """Return the distance of a mark from the edges of an output, and from other marks, in pixels."""
    return round(min(size) * step.margin / _PERCENT)


def _align(step: Watermark) -> Align:
    if step.gravity is None:
        return "center"
    return "left" if "west" in step.gravity else "right" if "east" in step.gravity else "center"


def _scale(image: Image.Image, extent: float, room: Dimensions) -> Image.Image:
    width, height = image.size
    scale = min(extent / max(width, height), room[0] / width, room[1] / height)
    size = max(1, round(width * scale)), max(1, round(height * scale))
    return image.resize(size, Image.Resampling.LANCZOS, reducing_gap=3)


def _with_opacity(image: Image.Image, opacity: float) -> Image.Image:
    faded = image.copy()
    faded.putalpha(image.getchannel("A").point([round(level * opacity) for level in range(256)]))
    return faded
