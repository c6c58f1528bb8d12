"""Sizes and areas that depend on the size of a source, as imgproxy computes them."""

from typing import NamedTuple

from forkresize.gateway.imgproxy.arguments import FOCUS, GravityArgument
from forkresize.gateway.imgproxy.options import CropArguments
from forkresize.recipe import Crop


class SourceSize(NamedTuple):
    """Width and height of a source in pixels, upright."""

    width: int
    height: int

    def rotate(self, degrees: int) -> "SourceSize":
        """Return the size after a rotation by a multiple of 90 degrees."""
        return SourceSize(self.height, self.width) if degrees % 180 else self


def crop_area(crop: CropArguments, gravity: GravityArgument, source: SourceSize) -> Crop:
    """Return the area of a source that is used; it lies within the source.

    Args:
        crop: its size.
        gravity: where it lies.
        source: the size of the source as it is cropped, after its rotation.
    """
    width, height = _side(crop.width, source.width), _side(crop.height, source.height)
    left = _place(gravity, 0, width, source.width)
    top = _place(gravity, 1, height, source.height)
    return Crop(width=width, height=height, left=left, top=top)


def is_landscape(width: int, height: int) -> bool:
    """Return whether a size counts as landscape; a square does."""
    return width >= height


def _side(wanted: float, whole: int) -> int:
    """Return a side in pixels: a share if it is below 1, and all of it for 0."""
    if wanted == 0:
        return whole
    return min(int(wanted) if wanted >= 1 else max(1, round(whole * wanted)), whole)


_BEFORE = ({"we", "nowe", "sowe"}, {"no", "noea", "nowe"})
_BEHIND = ({"ea", "noea", "soea"}, {"so", "soea", "sowe"})
"""The gravities at the start and at the end of each axis."""


def _place(gravity: GravityArgument, axis: int, part: int, whole: int) -> int:
    """Return the distance of a part from the left or from the top. Halves are rounded to even numbers."""
    offset = (gravity.x, gravity.y)[axis]
    if gravity.kind == FOCUS:
        place = round(whole * offset) - part // 2
    else:
        shift = round(offset) if abs(offset) >= 1 else round(whole * offset)
        if gravity.kind in _BEFORE[axis]:
            place = shift
        elif gravity.kind in _BEHIND[axis]:
            place = whole - part - shift
        else:
            place = round((whole - part + 1) / 2) + shift
    return max(0, min(place, whole - part))
