"""Finds what lies within borders of one color. Cuts nothing off."""

from dataclasses import replace
from fractions import Fraction

from PIL.Image import Image

from forkresize.image.area import Area
from forkresize.image.picture import Picture
from forkresize.image.steps.alpha import premultiplied
from forkresize.recipe import RGBA, Trim


def content_box(image: Image, step: Trim) -> tuple[int, int, int, int]:
    """Return the smallest box around all that differs from the pixel in the left upper corner.

    A pixel differs if any of its channels does by more than the tolerance. Colors count as much as they are opaque, so
    within a transparent border only the alpha does.

    Returns:
        Left, top, width and height in pixels; the whole image if nothing differs.
    """
    pixels = premultiplied(image)
    corner = pixels.crop((0, 0, 1, 1)).tobytes()
    table = [255 if abs(level - border) > step.tolerance else 0 for border in corner for level in range(256)]
    left, top, right, bottom = pixels.point(table).getbbox(alpha_only=False) or (0, 0, *image.size)
    return left, top, right - left, bottom - top


def trim(picture: Picture, step: Trim, _background: RGBA) -> Picture:
    """Show only what lies within the border.

    Args:
        picture: shown whole and upright, of mode L, LA, RGB or RGBA.
        step: what counts as border.
    """
    box = content_box(picture.image, step)
    return replace(picture, view=replace(picture.view, area=Area(*map(Fraction, box))))
