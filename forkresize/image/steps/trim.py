"""Finds what lies within borders of one color. Cuts nothing off."""

from collections.abc import Iterable
from fractions import Fraction

from msgspec.structs import replace
from PIL.Image import Image

from forkresize.image.geometry.region import Region
from forkresize.image.picture import Picture
from forkresize.image.steps.alpha import premultiplied
from forkresize.image.steps.modes import to_8_bit_gray
from forkresize.recipe import Crop, Trim

Box = tuple[int, int, int, int]
"""Left, top, right and bottom, in pixels."""

_WHITE = 255


def content_box(image: Image, step: Trim) -> Box | None:
    """Return the smallest box around all that differs from the pixel in the left upper corner; None if nothing does.

    A pixel differs if any of its channels does by more than the tolerance. Colors count as much as they are opaque, so
    within a transparent border only the alpha does. Pixels deeper than 8 bits are looked at in 8.
    """
    pixels = premultiplied(_seen(image))
    corner = pixels.crop((0, 0, 1, 1)).tobytes()
    table = [_WHITE if abs(level - border) > step.tolerance else 0 for border in corner for level in range(256)]
    return pixels.point(table).getbbox(alpha_only=False)


def trim(picture: Picture, step: Trim) -> Picture:
    """Show only what lies within the border; all of it if there is nothing.

    Args:
        picture: shown whole and upright.
        step: what counts as border.
    """
    box = content_box(picture.image, step)
    if box is None:
        return picture
    left, top, right, bottom = map(Fraction, box)
    return replace(picture, view=replace(picture.view, area=Region(left, top, right - left, bottom - top)))


def common_crop(images: Iterable[Image], step: Trim) -> Crop | None:
    """Return the crop that trims all frames of an animation alike, and cuts nothing off any; None if all is border."""
    boxes = [box for image in images if (box := content_box(image, step))]
    if not boxes:
        return None
    left, top = min(box[0] for box in boxes), min(box[1] for box in boxes)
    right, bottom = max(box[2] for box in boxes), max(box[3] for box in boxes)
    return Crop(width=right - left, height=bottom - top, left=left, top=top)


def _seen(image: Image) -> Image:
    if image.mode == "I;16":
        return to_8_bit_gray(image)
    if image.mode in {"I", "F"}:
        least, most = image.getextrema()
        by = _WHITE / ((most - least) or 1)  # type: ignore[operator] # these modes have one channel
        return image.convert("F").point(lambda level: level * by + -least * by).convert("L")  # type: ignore[operator]
    return image.convert("RGB") if image.mode == "CMYK" else image
