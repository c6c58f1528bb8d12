"""The canvas around a picture: of a box that it does not fill, or of a border. Scales nothing."""

from PIL import Image

from forkresize.image.errors import PictureError
from forkresize.image.geometry.region import Dimensions
from forkresize.image.picture import Picture
from forkresize.image.steps.modes import to_8_bit_gray
from forkresize.outcome import Reason
from forkresize.recipe import RGBA, Border

_OPAQUE = 255
_LEVELS_16_BIT = 257
"""What a level of 8 bits is worth in 16."""


def pad(picture: Picture, canvas: Dimensions, offset: Dimensions, background: RGBA) -> Picture:
    """Put the picture onto a canvas that is filled with the background.

    Args:
        picture: upright, in any mode.
        canvas: width and height of the canvas in pixels.
        offset: where the picture lies on it, from the left and from the top.
        background: its alpha must be 255 where the output holds none.

    Raises:
        PictureError: the picture's values have no agreed range, in which the background could be said.
    """
    if canvas == picture.image.size:
        return picture
    image = _roomy(_shallow(picture, background), background)
    whole = Image.new(image.mode, canvas, _paint(image.mode, background))
    whole.paste(image, offset)
    return picture.showing(whole)


def add_border(picture: Picture, step: Border, background: RGBA) -> Picture:
    """Put a border of the background around the picture."""
    width, height = picture.image.size
    canvas = width + 2 * step.width, height + 2 * step.width
    return pad(picture, canvas, (step.width, step.width), background)


def _shallow(picture: Picture, background: RGBA) -> Image.Image:
    """Return the picture at 8 bits if it is deeper and the background is a color or translucent, which no depth holds.

    Raises:
        PictureError: its values have no agreed range.
    """
    image, (red, green, blue, alpha) = picture.image, background
    if image.mode not in {"I;16", "I", "F"} or (red == green == blue and alpha == _OPAQUE):
        return image
    if image.mode != "I;16":
        raise PictureError(Reason.UNSUPPORTED, f"pixels of mode {image.mode} can't lie on a background in color")
    picture.diagnostics.warn("16 bits a pixel became 8, for a background that 16-bit gray can't show")
    return to_8_bit_gray(image)


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
