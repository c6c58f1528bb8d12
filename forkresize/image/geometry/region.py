"""Parts of a picture, and their positions when it is cropped, turned or mirrored: exact arithmetic."""

from fractions import Fraction

from msgspec import Struct

Dimensions = tuple[int, int]
"""Width and height in pixels."""

# The transformation from stored to upright (Exif 3.0, tag 0x0112): the images of a step to the right and a step down.
_STEPS = {
    1: ((1, 0), (0, 1)),
    2: ((-1, 0), (0, 1)),
    3: ((-1, 0), (0, -1)),
    4: ((1, 0), (0, -1)),
    5: ((0, 1), (1, 0)),
    6: ((0, 1), (-1, 0)),
    7: ((0, -1), (-1, 0)),
    8: ((0, -1), (1, 0)),
}

_ORIENTATIONS = {steps: orientation for orientation, steps in _STEPS.items()}

_OPPOSITES = {6: 8, 8: 6}
"""The inverses of orientations that are not their own inverses."""


class Region(Struct, frozen=True):
    """A part of a picture, in pixels from its upper left corner; it may cut through pixels."""

    left: Fraction
    top: Fraction
    width: Fraction
    height: Fraction

    @classmethod
    def whole(cls, size: Dimensions) -> "Region":
        """Return the whole of a picture of this size."""
        return cls(Fraction(0), Fraction(0), Fraction(size[0]), Fraction(size[1]))


def crop(area: Region, left: int, top: int, width: int, height: int) -> Region | None:
    """Return the overlap of an area and a part given relative to its upper left corner; None if there is none."""
    right, bottom = min(area.width, Fraction(left + width)), min(area.height, Fraction(top + height))
    left, top = max(left, 0), max(top, 0)
    if right <= left or bottom <= top:
        return None
    return Region(area.left + left, area.top + top, right - left, bottom - top)


def compose(orientation: int, then: int) -> int:
    """Return the orientation that combines two.

    Args:
        orientation: the one of the stored picture, 1 to 8 (Exif 3.0, tag 0x0112).
        then: applied to the upright picture: 2 mirrors left and right, 3 is half a turn, 4 mirrors top and bottom, 6 is
            a quarter turn clockwise.
    """
    right, down = _STEPS[orientation]
    return _ORIENTATIONS[_rotate_step(right, then), _rotate_step(down, then)]


def transform(area: Region, size: Dimensions, then: int) -> Region:
    """Return a part of a picture after the picture is turned or mirrored.

    Args:
        area: the part.
        size: the size of the picture before.
        then: what is applied, as an EXIF orientation, 1 to 8.
    """
    (across, across_down), (down_across, down) = _STEPS[then]
    left, top = area.left, area.top
    if across + across_down < 0:
        left = size[0] - left - area.width
    if down + down_across < 0:
        top = size[1] - top - area.height
    if is_sideways(then):
        return Region(top, left, area.height, area.width)
    return Region(left, top, area.width, area.height)


def stored_area(area: Region, size: Dimensions, orientation: int) -> Region:
    """Return a part of the upright picture as a part of the stored picture.

    Args:
        area: the part, in the upright picture.
        size: the size of the upright picture.
        orientation: EXIF's, of the stored picture, 1 to 8.
    """
    return transform(area, size, _OPPOSITES.get(orientation, orientation))


def is_sideways(orientation: int) -> bool:
    """Return whether an orientation swaps width and height."""
    return orientation in {5, 6, 7, 8}


def _rotate_step(step: tuple[int, int], then: int) -> tuple[int, int]:
    right, down = _STEPS[then]
    return step[0] * right[0] + step[1] * down[0], step[0] * right[1] + step[1] * down[1]
