"""The canvas around a picture that does not fill its box. Scales nothing."""

import warnings
from dataclasses import replace

from PIL import Image

from forkresize.image.formats import WRITERS
from forkresize.image.picture import Picture, PictureError
from forkresize.image.unpack import eight_bit
from forkresize.outcome import Reason
from forkresize.recipe import RGBA, Recipe

_OPAQUE = 255
_LEVELS_16_BIT = 257
"""What a level of 8 bits is worth in 16."""


def pad(picture: Picture, recipe: Recipe) -> Picture:
    """Put the picture onto its canvas, filled with the background; its alpha counts where the output holds alpha."""
    plan = picture.layout
    if plan.canvas == plan.scaled:
        return picture
    red, green, blue, alpha = recipe.background
    if "RGBA" not in WRITERS[picture.output].modes:
        alpha = _OPAQUE
    image = _roomy(_shallow(picture.image, (red, green, blue, alpha)), (red, green, blue, alpha))
    canvas = Image.new(image.mode, plan.canvas, _paint(image.mode, (red, green, blue, alpha)))
    canvas.paste(image, plan.offset)
    return replace(picture, image=canvas)


def _shallow(image: Image.Image, background: RGBA) -> Image.Image:
    """Return the picture at 8 bits if it is deeper and the background is a color or translucent, which no depth holds.

    Raises:
        PictureError: its values have no agreed range.
    """
    red, green, blue, alpha = background
    if image.mode not in {"I;16", "I", "F"} or (red == green == blue and alpha == _OPAQUE):
        return image
    if image.mode != "I;16":
        raise PictureError(Reason.UNSUPPORTED, f"pixels of mode {image.mode} can't lie on a background in color")
    warnings.warn("16 bits a pixel became 8, for a background that 16-bit gray can't show", stacklevel=1)
    return eight_bit(image)


def _roomy(image: Image.Image, background: RGBA) -> Image.Image:
    """Return the picture in a mode that can show the background as well."""
    red, green, blue, alpha = background
    if image.mode in {"L", "LA"} and not red == green == blue:
        image = image.convert("RGBA" if image.mode == "LA" else "RGB")
    if image.mode in {"L", "RGB"} and alpha != _OPAQUE:
        image = image.convert("LA" if image.mode == "L" else "RGBA")
    return image


def _paint(mode: str, background: RGBA) -> float | tuple[int, ...]:
    red, green, blue, alpha = background
    luma = (299 * red + 587 * green + 114 * blue + 500) // 1000
    paints: dict[str, float | tuple[int, ...]] = {
        "LA": (red, alpha),
        "RGB": (red, green, blue),
        "RGBA": background,
        "F": luma / _OPAQUE,
        "I;16": luma * _LEVELS_16_BIT,
        "I": luma * _LEVELS_16_BIT,
    }
    return paints.get(mode, red)
