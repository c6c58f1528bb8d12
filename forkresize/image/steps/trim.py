"""Removes borders of one color. Touches no pixel: the rest is cut out when the picture is resized."""

from collections.abc import Iterable
from fractions import Fraction

from msgspec.structs import replace
from PIL.Image import Image

from forkresize.image.color.alpha import premultiply
from forkresize.image.geometry.region import Region
from forkresize.image.picture import Picture

# The steps that replace a trim in animations: a worker in a sandbox cannot load them any more.
from forkresize.image.steps import crop as _crop  # noqa: F401
from forkresize.image.steps import rotate as _rotate  # noqa: F401
from forkresize.image.steps.modes import round_to_8_bit, stretch
from forkresize.image.steps.operation import Operation
from forkresize.recipe import RGBA, Crop, Rotate, Trim

Box = tuple[int, int, int, int]
"""Left, top, right and bottom, in pixels."""

_WHITE = 255


def content_box(image: Image, step: Trim) -> Box | None:
    """Return the smallest box around all pixels that differ from the one in the left upper corner; None for none.

    A pixel differs if any of its channels does by more than the tolerance. Colors are premultiplied, so within a
    transparent border only the alpha counts. Pixels deeper than 8 bits are compared in 8.
    """
    pixels = premultiply(_in_8_bits(image))
    corner = pixels.crop((0, 0, 1, 1)).tobytes()
    table = [_WHITE if abs(level - border) > step.tolerance else 0 for border in corner for level in range(256)]
    return pixels.point(table).getbbox(alpha_only=False)


def trim(picture: Picture, step: Trim, _background: RGBA) -> Picture:
    """Return the picture without its border; unchanged if there is nothing else.

    Args:
        picture: whole and upright.
        step: what counts as border.
    """
    box = content_box(picture.image, step)
    if box is None:
        return picture
    left, top, right, bottom = map(Fraction, box)
    return replace(picture, view=replace(picture.view, area=Region(left, top, right - left, bottom - top)))


def common_crop(images: Iterable[Image], step: Trim) -> Crop | Rotate:
    """Return the crop that trims all frames of an animation alike; a turn by 0 degrees if all of them are border."""
    boxes = [box for image in images if (box := content_box(image, step))]
    if not boxes:
        return Rotate(degrees=0)
    left, top = min(box[0] for box in boxes), min(box[1] for box in boxes)
    right, bottom = max(box[2] for box in boxes), max(box[3] for box in boxes)
    return Crop(width=right - left, height=bottom - top, left=left, top=top)


def _in_8_bits(image: Image) -> Image:
    if image.mode in {"I", "F"}:
        return stretch(image)
    return image.convert("RGB") if image.mode == "CMYK" else round_to_8_bit(image)


OPERATION = Operation(apply=trim, is_deep=True, for_all_frames=common_crop)
