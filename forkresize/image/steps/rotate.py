"""Rotates: quarter turns by the view, other angles by resampling onto a canvas with room for all corners."""

from math import ceil, cos, floor, radians, sin

from msgspec.structs import replace
from PIL import Image

from forkresize.image.color.alpha import OPAQUE, has_alpha, premultiply, unpremultiply
from forkresize.image.geometry.region import Dimensions
from forkresize.image.picture import Picture, View
from forkresize.image.steps.operation import ColorNeed, Operation
from forkresize.image.steps.orient import transform_view
from forkresize.recipe import RGBA, Rotate

_TRANSPARENT = (0, 0, 0, 0)
_COSINE_SINE = (1, 0), (0, 1), (-1, 0), (0, -1)
"""Exact values for quarter turns."""

_QUARTERS: dict[float, int] = {0: 1, 90: 6, 180: 3, 270: 8}
"""Clockwise degrees to EXIF orientation."""


def rotate_view(view: View, step: Rotate) -> View:
    """Return the view after a rotation; for other angles than quarters, of the canvas that holds all corners."""
    quarter = _QUARTERS.get(step.degrees % 360)
    return transform_view(view, quarter) if quarter else View.whole(rotated_size(view.visible_size, step.degrees))


def rotate(picture: Picture, step: Rotate, background: RGBA) -> Picture:
    """Rotate clockwise; uncovered corners show the background.

    Args:
        picture: whole and upright, unless the angle is a quarter.
        step: the angle.
        background: for the corners.
    """
    if is_quarter(step):
        return replace(picture, view=rotate_view(picture.view, step))
    image = rotate_any_angle(picture.image, step.degrees, picture.view.visible_size, background, picture.shrink)
    return replace(picture, image=image, view=rotate_view(picture.view, step))


def is_quarter(step: Rotate) -> bool:
    """Whether a rotation only moves pixels."""
    return step.degrees % 360 in _QUARTERS


def rotated_size(size: Dimensions, degrees: float) -> Dimensions:
    """Return the size of the canvas that holds a rotated picture.

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
    """Return an image rotated clockwise around its center, bicubically resampled, with antialiased edges.

    The corners show the background; those of an image with an alpha channel stay transparent if it is opaque.

    Args:
        image: an image of mode L, LA, RGB or RGBA.
        degrees: the angle.
        nominal: the size that the image stands for, in pixels at full scale.
        background: red, green, blue and alpha, 0 to 255 each.
        reduction: how many pixels at full scale went into one of the image along each axis; the last of a row or
            column may stand for fewer.

    Returns:
        An image that stands for ``rotated_size(nominal, degrees)`` pixels in the same way; of the image's mode, plus
        color or alpha if the background needs it.
    """
    backdrop = _TRANSPARENT if has_alpha(image) and background[3] == OPAQUE else background
    image = image.convert(_mode(image, backdrop))
    canvas = rotated_size(nominal, degrees)
    size = -(-canvas[0] // reduction), -(-canvas[1] // reduction)
    exact = nominal[0] / reduction, nominal[1] / reduction
    matrix = _matrix(exact, (canvas[0] / reduction, canvas[1] / reduction), degrees)
    affine, resampling = Image.Transform.AFFINE, Image.Resampling
    turned = premultiply(_with_frame(image)).transform(size, affine, matrix, resampling.BICUBIC)
    covered = _coverage(image.size, exact).transform(size, affine, matrix, resampling.BILINEAR)
    behind = premultiply(Image.new("RGBA", (1, 1), backdrop).convert(image.mode))
    return unpremultiply(Image.composite(turned, behind.resize(size), covered))


def _cosine_sine(degrees: float) -> tuple[float, float]:
    quarters = degrees / 90
    if quarters.is_integer():
        return _COSINE_SINE[int(quarters) % 4]
    return cos(radians(degrees)), sin(radians(degrees))


def _mode(image: Image.Image, backdrop: RGBA) -> str:
    """Return the mode that holds both the image and the background."""
    red, green, blue, alpha = backdrop
    colors = "L" if image.mode in {"L", "LA"} and red == green == blue else "RGB"
    return colors if alpha == OPAQUE else f"{colors}A"


def _matrix(
    exact: tuple[float, float], canvas: tuple[float, float], degrees: float
) -> tuple[float, float, float, float, float, float]:
    """Return the affine transform, in Pillow's terms, from the canvas to the framed image."""
    cosine, sine = _cosine_sine(degrees)
    across, down = canvas[0] / 2, canvas[1] / 2
    left = exact[0] / 2 + 1 - cosine * across - sine * down
    top = exact[1] / 2 + 1 + sine * across - cosine * down
    return cosine, sine, left, -sine, cosine, top


def _with_frame(image: Image.Image) -> Image.Image:
    """Return the image with its edges repeated by one pixel, for the kernel to reach into."""
    framed = image.resize((image.width + 2, image.height + 2), Image.Resampling.NEAREST)
    framed.paste(image, (1, 1))
    return framed


def _coverage(size: Dimensions, exact: tuple[float, float]) -> Image.Image:
    """Return how much of each pixel of the framed image is covered by the picture; the last ones may be in part."""
    width, height = size
    mask = Image.new("L", (width + 2, height + 2))
    mask.paste(OPAQUE, (1, 1, width + 1, height + 1))
    part_across, part_down = exact[0] - ceil(exact[0]) + 1, exact[1] - ceil(exact[1]) + 1
    mask.paste(round(OPAQUE * part_across), (width, 1, width + 1, height + 1))
    mask.paste(round(OPAQUE * part_across * part_down), (width, height, width + 1, height + 1))
    mask.paste(round(OPAQUE * part_down), (1, height, width, height + 1))
    return mask


OPERATION = Operation(
    view=rotate_view,
    needs_pixels=lambda step: not is_quarter(step),
    apply=rotate,
    color=ColorNeed.SRGB_IF_COLORED,
    size=lambda size, step: rotated_size(size, step.degrees),
    size_note="turned, the picture would have",
    memory=26,
)
