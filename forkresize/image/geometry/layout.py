"""How large the output is and which part of the source it shows: exact arithmetic. Touches no pixel.

Sizes are width and height in pixels, upright. All of it is rational arithmetic, so that a result never depends on how a
float was rounded; halves are rounded up, and no side is ever less than one pixel.
"""

from fractions import Fraction
from functools import lru_cache
from math import floor, isqrt

from msgspec import Struct
from msgspec.structs import replace

from forkresize.image.geometry.region import Dimensions, Region
from forkresize.recipe import Fit, Gravity, Resize, Size

Point = tuple[Fraction, Fraction]
"""Distances from the left and from the top, as shares of the picture's width and height."""

_HALF = Fraction(1, 2)
_MEGA = 1_000_000
_PERCENT = 100

_CACHED = 1024
"""Layouts kept; the pictures of a folder have few sizes."""

# How much of the slack is left on the left of and above what is placed; in the middle where nothing else is said.
_ANCHORS: dict[Gravity, Point] = {
    Gravity.NORTH: (_HALF, Fraction(0)),
    Gravity.NORTH_EAST: (Fraction(1), Fraction(0)),
    Gravity.EAST: (Fraction(1), _HALF),
    Gravity.SOUTH_EAST: (Fraction(1), Fraction(1)),
    Gravity.SOUTH: (_HALF, Fraction(1)),
    Gravity.SOUTH_WEST: (Fraction(0), Fraction(1)),
    Gravity.WEST: (Fraction(0), _HALF),
    Gravity.NORTH_WEST: (Fraction(0), Fraction(0)),
}


class Layout(Struct, frozen=True):
    """How a source becomes an output.

    Attributes:
        source: the size of the source.
        area: the part of it that is shown.
        scaled: the size it is resampled to.
        canvas: the size of the output; larger than ``scaled`` only with ``contain``.
        offset: where the scaled part lies on the canvas, from its left upper corner.
    """

    source: Dimensions
    area: Region
    scaled: Dimensions
    canvas: Dimensions
    offset: tuple[int, int] = (0, 0)

    @property
    def is_unscaled(self) -> bool:
        """Whether every pixel that is shown is shown as it is."""
        return self.area.width == self.scaled[0] and self.area.height == self.scaled[1]

    @property
    def share(self) -> Point:
        """How much of the source's width and height is shown."""
        return self.area.width / self.source[0], self.area.height / self.source[1]


@lru_cache(maxsize=_CACHED)
def layout(source: Dimensions, size: Size, how: Resize, focus: Point | None = None) -> Layout:
    """Return how a source becomes an output of the size asked for.

    With ``W`` x ``H`` the source and ``w`` x ``h`` the box, the scale is

    - inside and contain: ``min(w / W, h / H)``
    - outside and cover: ``max(w / W, h / H)``
    - fill: ``w / W`` across and ``h / H`` down
    - any other fit with one side given: that side's ratio; with fill, the other side stays
    - a long or short edge: its ratio to the source's
    - a scale in per cent: that, across and down
    - an area: ``sqrt(area / (W * H))``
    - nothing given: 1

    Cover then shows the part of ``w / scale`` x ``h / scale`` around the focus, or where gravity says, and contain puts
    the scaled picture onto a canvas of ``w`` x ``h``. Per cents and areas count as the decimals they are written in.

    An area is met as well as whole pixels can: ``(w - 1/2) * (h - 1/2) <= area < (w + 1/2) * (h + 1/2)``. A picture of
    which this is true is left as it is, and of one so slim that a side would vanish, that side stays one pixel.

    Without enlarging no scale exceeds 1; cover then shows the largest part of the source that has the box's ratio,
    rounded to whole pixels. Without shrinking no scale is below 1, as behind mogrify's ``<``: inside a box,
    a picture grows only if both its sides are smaller, and one that would shrink is left as it is. Fill and per cents
    are limited so across and down each on its own.

    Args:
        source: the size of the picture.
        size: the size asked for; its own fit and its own word on enlarging go before those of ``how``.
        how: fit, gravity, focus and whether to enlarge.
        focus: the point that cover keeps in the middle, as far as the picture's borders allow; without, that of ``how``
            and, failing that, its gravity decide. A gravity that looks at the picture counts as the center here.
    """
    rule = _Rule.of(size, how, focus)
    if size.width is not None and size.height is not None:
        return _TWO_SIDED[rule.fit](source, (size.width, size.height), rule)
    if rule.fit is Fit.FILL and (size.width or size.height):
        return _fill(source, (size.width or source[0], size.height or source[1]), rule)
    if size.scale is not None:
        return _whole(source, _stretched(source, tuple(_decimal(side) / _PERCENT for side in size.scale), rule))
    if size.megapixels is not None:
        return _whole(source, _with_area(source, _decimal(size.megapixels) * _MEGA, rule))
    return _whole(source, _scaled(source, rule.limited(_one_sided(source, size))))


class _Rule(Struct, frozen=True):
    """What a size and a resize come to together."""

    fit: Fit
    enlarge: bool
    shrink: bool
    anchor: Point
    focus: Point | None

    @classmethod
    def of(cls, size: Size, how: Resize, focus: Point | None) -> "_Rule":
        return cls(
            fit=how.fit if size.fit is None else size.fit,
            enlarge=how.enlarge if size.enlarge is None else size.enlarge,
            shrink=size.shrink,
            anchor=_ANCHORS.get(how.gravity, (_HALF, _HALF)),
            focus=_exact(how.focus) if focus is None and how.focus is not None else focus,
        )

    def limited(self, scale: Fraction) -> Fraction:
        """Return the scale, or 1 if it would enlarge or shrink unasked."""
        return scale if self.allows(scale) else Fraction(1)

    def allows(self, scale: Fraction) -> bool:
        """Whether a picture may be scaled so."""
        return (self.enlarge or scale <= 1) and (self.shrink or scale >= 1)


def _one_sided(source: Dimensions, size: Size) -> Fraction:
    given = (
        (size.width, source[0]),
        (size.height, source[1]),
        (size.long_edge, max(source)),
        (size.short_edge, min(source)),
    )
    return next((Fraction(side, of) for side, of in given if side is not None), Fraction(1))


def _with_area(source: Dimensions, area: Fraction, rule: _Rule) -> Dimensions:
    width, height = source
    if (2 * width - 1) * (2 * height - 1) <= 4 * area < (2 * width + 1) * (2 * height + 1):
        return source
    if not rule.allows(area / (width * height)):
        return source
    across, down = _root(area * width / height), _root(area * height / width)
    if down == 0:
        return floor(area), 1
    return (across, down) if across else (1, floor(area))


def _root(square: Fraction) -> int:
    """Return the square root, rounded; halves up."""
    return (isqrt(floor(4 * square)) + 1) // 2


def _inside(source: Dimensions, box: Dimensions, rule: _Rule) -> Layout:
    return _whole(source, _scaled(source, rule.limited(min(_ratios(source, box)))))


def _outside(source: Dimensions, box: Dimensions, rule: _Rule) -> Layout:
    return _whole(source, _scaled(source, rule.limited(max(_ratios(source, box)))))


def _contain(source: Dimensions, box: Dimensions, rule: _Rule) -> Layout:
    inside = _inside(source, box, rule)
    if inside.scaled[0] > box[0] or inside.scaled[1] > box[1]:
        # It may not be made smaller.
        return inside
    across, down = rule.anchor
    offset = floor((box[0] - inside.scaled[0]) * across), floor((box[1] - inside.scaled[1]) * down)
    return replace(inside, canvas=box, offset=offset)


def _cover(source: Dimensions, box: Dimensions, rule: _Rule) -> Layout:
    scale = max(_ratios(source, box))
    if scale < 1 and not rule.shrink:
        return _whole(source, source)
    if scale > 1 and not rule.enlarge:
        box, scale = _largest_part(source, box), Fraction(1)
    width, height = box[0] / scale, box[1] / scale
    left, top = _placed(source, (width, height), rule)
    if scale == 1:
        # Nothing is resampled, so the part has to lie on pixel borders.
        left, top = Fraction(floor(left)), Fraction(floor(top))
    return Layout(source, Region(left, top, width, height), box, box)


def _largest_part(source: Dimensions, ratio: Dimensions) -> Dimensions:
    """Return the size of the largest part that has a ratio as nearly as whole pixels can."""
    as_wide = source[0], _rounded(Fraction(source[0] * ratio[1], ratio[0]))
    as_high = _rounded(Fraction(source[1] * ratio[0], ratio[1])), source[1]
    fitting = [part for part in (as_wide, as_high) if part[0] <= source[0] and part[1] <= source[1]]
    return max(fitting, key=lambda part: part[0] * part[1])


def _placed(source: Dimensions, part: tuple[Fraction, Fraction], rule: _Rule) -> tuple[Fraction, Fraction]:
    """Return how far from the left and from the top a part lies."""
    slack = source[0] - part[0], source[1] - part[1]
    if rule.focus is None:
        return slack[0] * rule.anchor[0], slack[1] * rule.anchor[1]
    left, top = (rule.focus[axis] * source[axis] - part[axis] / 2 for axis in (0, 1))
    return min(max(left, Fraction(0)), slack[0]), min(max(top, Fraction(0)), slack[1])


def _fill(source: Dimensions, box: Dimensions, rule: _Rule) -> Layout:
    return _whole(source, _stretched(source, _ratios(source, box), rule))


_TWO_SIDED = {
    Fit.INSIDE: _inside,
    Fit.OUTSIDE: _outside,
    Fit.CONTAIN: _contain,
    Fit.COVER: _cover,
    Fit.FILL: _fill,
}


def _ratios(source: Dimensions, box: Dimensions) -> tuple[Fraction, Fraction]:
    return Fraction(box[0], source[0]), Fraction(box[1], source[1])


def _stretched(size: Dimensions, scales: tuple[Fraction, ...], rule: _Rule) -> Dimensions:
    across, down = scales
    return _rounded(size[0] * rule.limited(across)), _rounded(size[1] * rule.limited(down))


def _scaled(size: Dimensions, scale: Fraction) -> Dimensions:
    return _rounded(size[0] * scale), _rounded(size[1] * scale)


def _rounded(length: Fraction) -> int:
    return max(1, floor(length + _HALF))


def _whole(source: Dimensions, scaled: Dimensions) -> Layout:
    return Layout(source, Region.whole(source), scaled, scaled)


def _exact(point: tuple[float, float]) -> Point:
    return _decimal(point[0]), _decimal(point[1])


def _decimal(number: float) -> Fraction:
    return Fraction(str(number))
