"""Parts of a picture, and where they lie when it is cropped, turned or mirrored: exact arithmetic. Touches no pixel."""

from fractions import Fraction

from msgspec import Struct

Dimensions = tuple[int, int]
"""Width and height in pixels."""

# Exif 3.0, tag 0x0112: from how a picture is stored to upright. Where a step to the right and a step down lead, each as
# steps to the right and down.
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
"""What undoes an orientation, where that is not the orientation itself."""


class Region(Struct, frozen=True):
    """A part of a picture, in pixels from its left upper corner; need not lie on pixel borders."""

    left: Fraction
    top: Fraction
    width: Fraction
    height: Fraction

    @classmethod
    def whole(cls, size: Dimensions) -> "Region":
        """Return all of a picture of this size."""
        return cls(Fraction(0), Fraction(0), Fraction(size[0]), Fraction(size[1]))


def crop(area: Region, left: int, top: int, width: int, height: int) -> Region | None:
    """Return what an area has of a part that is given from the area's own left upper corner; None if nothing."""
    right, bottom = min(area.width, Fraction(left + width)), min(area.height, Fraction(top + height))
    left, top = max(left, 0), max(top, 0)
    if right <= left or bottom <= top:
        return None
    return Region(area.left + left, area.top + top, right - left, bottom - top)


def compose(orientation: int, then: int) -> int:
    """Return the orientation that does what two do, one after the other.

    Args:
        orientation: what brings a stored picture upright, as EXIF numbers it, 1 to 8 (Exif 3.0, tag 0x0112).
        then: what is done to the upright picture, numbered likewise: 2 mirrors left and right, 3 is half a turn, 4
            mirrors top and bottom, 6 is a quarter turn clockwise.
    """
    right, down = _STEPS[orientation]
    return _ORIENTATIONS[_rotate_step(right, then), _rotate_step(down, then)]


def transform(area: Region, size: Dimensions, then: int) -> Region:
    """Return where a part lies once the picture is turned or mirrored.

    Args:
        area: the part.
        size: the size of the picture before.
        then: what is done to it, as EXIF numbers orientations, 1 to 8.
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
    """Return where a part of the upright picture lies in the picture as stored.

    Args:
        area: the part, in the upright picture.
        size: the size of the upright picture.
        orientation: what EXIF says of the stored picture, 1 to 8.
    """
    return transform(area, size, _OPPOSITES.get(orientation, orientation))


def is_sideways(orientation: int) -> bool:
    """Whether width and height change places on the way to upright."""
    return orientation in {5, 6, 7, 8}


def _rotate_step(step: tuple[int, int], then: int) -> tuple[int, int]:
    right, down = _STEPS[then]
    return step[0] * right[0] + step[1] * down[0], step[0] * right[1] + step[1] * down[1]
