"""Turns by any angle, onto a canvas with room for all corners. Quarter turns are better left to transposing."""

from math import ceil, cos, floor, radians, sin

from PIL import Image

from forkresize.image.geometry.region import Dimensions
from forkresize.image.steps.alpha import has_alpha, premultiplied, straight
from forkresize.recipe import RGBA

_OPAQUE = 255
_TRANSPARENT = (0, 0, 0, 0)
_QUARTERS = (1, 0), (0, 1), (-1, 0), (0, -1)


def rotated_size(size: Dimensions, degrees: float) -> Dimensions:
    """Return the size of the canvas that holds a picture turned by an angle.

    It is ``w |cos| + h |sin|`` by ``w |sin| + h |cos|``, rounded half up, and at least one pixel each; exact for
    multiples of 90 degrees.
    """
    cosine, sine = (abs(part) for part in _cosine_sine(degrees))
    width, height = size
    across, down = width * cosine + height * sine, width * sine + height * cosine
    return max(1, floor(across + 0.5)), max(1, floor(down + 0.5))


def rotate_any_angle(
    image: Image.Image, degrees: float, nominal: Dimensions, background: RGBA, reduction: int
) -> Image.Image:
    """Return an image turned clockwise around its center, bicubically resampled, its edges antialiased.

    The corners show the background; those of an image with an alpha channel stay transparent if it is opaque.

    Args:
        image: an image of mode L, LA, RGB or RGBA.
        degrees: the angle.
        nominal: the size that the image stands for, in pixels at full scale.
        background: red, green, blue and alpha, 0 to 255 each.
        reduction: how many pixels at full scale went into one of the image along each axis; the last of a row or
            column may stand for fewer.

    Returns:
        What stands for ``bounding(nominal, degrees)`` in the same way; of the image's mode, plus color or alpha if the
        background takes it.
    """
    backdrop = _TRANSPARENT if has_alpha(image) and background[3] == _OPAQUE else background
    image = image.convert(_mode(image, backdrop))
    canvas = rotated_size(nominal, degrees)
    size = -(-canvas[0] // reduction), -(-canvas[1] // reduction)
    exact = nominal[0] / reduction, nominal[1] / reduction
    matrix = _matrix(exact, (canvas[0] / reduction, canvas[1] / reduction), degrees)
    affine, resampling = Image.Transform.AFFINE, Image.Resampling
    turned = premultiplied(_framed(image)).transform(size, affine, matrix, resampling.BICUBIC)
    covered = _coverage(image.size, exact).transform(size, affine, matrix, resampling.BILINEAR)
    behind = premultiplied(Image.new("RGBA", (1, 1), backdrop).convert(image.mode))
    return straight(Image.composite(turned, behind.resize(size), covered))


def _cosine_sine(degrees: float) -> tuple[float, float]:
    quarters = degrees / 90
    if quarters.is_integer():
        return _QUARTERS[int(quarters) % 4]
    return cos(radians(degrees)), sin(radians(degrees))


def _mode(image: Image.Image, backdrop: RGBA) -> str:
    """Return the mode that can show both the image and what is behind it."""
    red, green, blue, alpha = backdrop
    colors = "L" if image.mode in {"L", "LA"} and red == green == blue else "RGB"
    return colors if alpha == _OPAQUE else f"{colors}A"


def _matrix(
    exact: tuple[float, float], canvas: tuple[float, float], degrees: float
) -> tuple[float, float, float, float, float, float]:
    """Return where points of the canvas come from in the framed image, for Pillow's affine transform."""
    cosine, sine = _cosine_sine(degrees)
    across, down = canvas[0] / 2, canvas[1] / 2
    left = exact[0] / 2 + 1 - cosine * across - sine * down
    top = exact[1] / 2 + 1 + sine * across - cosine * down
    return cosine, sine, left, -sine, cosine, top


def _framed(image: Image.Image) -> Image.Image:
    """Return the image with a frame of one pixel that goes on with its edges, for the kernel to reach into."""
    framed = image.resize((image.width + 2, image.height + 2), Image.Resampling.NEAREST)
    framed.paste(image, (1, 1))
    return framed


def _coverage(size: Dimensions, exact: tuple[float, float]) -> Image.Image:
    """Return how much of each pixel of the framed image is picture; the last ones may be so in part only."""
    width, height = size
    mask = Image.new("L", (width + 2, height + 2))
    mask.paste(_OPAQUE, (1, 1, width + 1, height + 1))
    part_across, part_down = exact[0] - ceil(exact[0]) + 1, exact[1] - ceil(exact[1]) + 1
    mask.paste(round(_OPAQUE * part_across), (width, 1, width + 1, height + 1))
    mask.paste(round(_OPAQUE * part_across * part_down), (width, height, width + 1, height + 1))
    mask.paste(round(_OPAQUE * part_down), (1, height, width, height + 1))
    return mask
