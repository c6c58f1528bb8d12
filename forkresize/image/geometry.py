"""How large the output is and which part of the source it shows: exact arithmetic. Touches no pixel.

Sizes are width and height in pixels, upright. All of it is rational arithmetic, so that a result never depends on how a
float was rounded; halves are rounded up, and no side is ever less than one pixel.
"""

from dataclasses import dataclass, replace
from fractions import Fraction
from math import floor

from forkresize.recipe import Fit, Gravity, Recipe

Size = tuple[int, int]

_HALF = Fraction(1, 2)

# How much of the slack is left on the left of and above what is placed.
_ANCHORS: dict[Gravity, tuple[Fraction, Fraction]] = {
    Gravity.CENTER: (_HALF, _HALF),
    Gravity.NORTH: (_HALF, Fraction(0)),
    Gravity.NORTH_EAST: (Fraction(1), Fraction(0)),
    Gravity.EAST: (Fraction(1), _HALF),
    Gravity.SOUTH_EAST: (Fraction(1), Fraction(1)),
    Gravity.SOUTH: (_HALF, Fraction(1)),
    Gravity.SOUTH_WEST: (Fraction(0), Fraction(1)),
    Gravity.WEST: (Fraction(0), _HALF),
    Gravity.NORTH_WEST: (Fraction(0), Fraction(0)),
}


@dataclass(frozen=True, slots=True)
class Area:
    """A part of a picture, in pixels from its left upper corner; need not lie on pixel borders."""

    left: Fraction
    top: Fraction
    width: Fraction
    height: Fraction


@dataclass(frozen=True, slots=True)
class Layout:
    """How a source becomes an output.

    Attributes:
        source: the size of the source.
        area: the part of it that is shown.
        scaled: the size it is resampled to.
        canvas: the size of the output; larger than ``scaled`` only with ``contain``.
        offset: where the scaled part lies on the canvas, from its left upper corner.
    """

    source: Size
    area: Area
    scaled: Size
    canvas: Size
    offset: tuple[int, int] = (0, 0)

    @property
    def is_unscaled(self) -> bool:
        """Whether every pixel that is shown is shown as it is."""
        return self.area.width == self.scaled[0] and self.area.height == self.scaled[1]


def layout(source: Size, recipe: Recipe) -> Layout:
    """Return how a source of this size becomes an output.

    With ``W`` x ``H`` the source and ``w`` x ``h`` the box, the scale is

    - inside and contain: ``min(w / W, h / H)``
    - outside and cover: ``max(w / W, h / H)``
    - fill: ``w / W`` across and ``h / H`` down
    - any fit with one side given: that side's ratio
    - no side given: 1

    Cover then shows the part of ``w / scale`` x ``h / scale`` that its gravity keeps, and contain puts the scaled
    picture onto a canvas of ``w`` x ``h``. Without enlarging no scale exceeds 1; cover's box shrinks with its own ratio
    until that holds.
    """
    box = recipe.width, recipe.height
    if box[0] is None or box[1] is None:
        return _whole(source, _scaled(source, _one_sided(source, recipe)))
    return _TWO_SIDED[recipe.fit](source, (box[0], box[1]), recipe)


def stored_area(area: Area, size: Size, orientation: int) -> Area:
    """Return where a part of the upright picture lies in the picture as stored.

    Args:
        area: the part, in the upright picture.
        size: the size of the upright picture.
        orientation: what EXIF says of the stored picture, 1 to 8 (Exif 3.0, tag 0x0112).
    """
    left, top = area.left, area.top
    if orientation in {2, 3, 6, 7}:
        left = size[0] - left - area.width
    if orientation in {3, 4, 7, 8}:
        top = size[1] - top - area.height
    if is_sideways(orientation):
        return Area(top, left, area.height, area.width)
    return Area(left, top, area.width, area.height)


def is_sideways(orientation: int) -> bool:
    """Whether width and height change places on the way to upright."""
    return orientation in {5, 6, 7, 8}


def _one_sided(source: Size, recipe: Recipe) -> Fraction:
    if recipe.width is not None:
        scale = Fraction(recipe.width, source[0])
    elif recipe.height is not None:
        scale = Fraction(recipe.height, source[1])
    else:
        scale = Fraction(1)
    return _limited(scale, recipe)


def _inside(source: Size, box: Size, recipe: Recipe) -> Layout:
    return _whole(source, _scaled(source, _limited(min(_ratios(source, box)), recipe)))


def _outside(source: Size, box: Size, recipe: Recipe) -> Layout:
    return _whole(source, _scaled(source, _limited(max(_ratios(source, box)), recipe)))


def _contain(source: Size, box: Size, recipe: Recipe) -> Layout:
    inside = _inside(source, box, recipe)
    across, down = _ANCHORS[recipe.gravity]
    offset = floor((box[0] - inside.scaled[0]) * across), floor((box[1] - inside.scaled[1]) * down)
    return replace(inside, canvas=box, offset=offset)


def _cover(source: Size, box: Size, recipe: Recipe) -> Layout:
    scale = max(_ratios(source, box))
    if scale > 1 and not recipe.enlarge:
        box = _scaled(box, 1 / scale)
        scale = Fraction(1)
    width, height = box[0] / scale, box[1] / scale
    across, down = _ANCHORS[recipe.gravity]
    left, top = (source[0] - width) * across, (source[1] - height) * down
    if scale == 1:
        # Nothing is resampled, so the part has to lie on pixel borders.
        left, top = Fraction(floor(left)), Fraction(floor(top))
    return Layout(source, Area(left, top, width, height), box, box)


def _fill(source: Size, box: Size, recipe: Recipe) -> Layout:
    if not recipe.enlarge:
        box = min(source[0], box[0]), min(source[1], box[1])
    return _whole(source, box)


_TWO_SIDED = {
    Fit.INSIDE: _inside,
    Fit.OUTSIDE: _outside,
    Fit.CONTAIN: _contain,
    Fit.COVER: _cover,
    Fit.FILL: _fill,
}


def _ratios(source: Size, box: Size) -> tuple[Fraction, Fraction]:
    return Fraction(box[0], source[0]), Fraction(box[1], source[1])


def _limited(scale: Fraction, recipe: Recipe) -> Fraction:
    return scale if recipe.enlarge else min(scale, Fraction(1))


def _scaled(size: Size, scale: Fraction) -> Size:
    return max(1, floor(size[0] * scale + _HALF)), max(1, floor(size[1] * scale + _HALF))


def _whole(source: Size, scaled: Size) -> Layout:
    return Layout(source, Area(Fraction(0), Fraction(0), Fraction(source[0]), Fraction(source[1])), scaled, scaled)
