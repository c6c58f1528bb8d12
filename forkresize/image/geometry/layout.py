"""The size of an output, and the part of the source that it shows: exact arithmetic.

Sizes are width and height in pixels, upright. Fractions keep results independent of float rounding. Halves are rounded
up, and no side is less than one pixel.
"""

from fractions import Fraction
from functools import lru_cache
from math import floor, isqrt

from msgspec import Struct
from msgspec.structs import replace

from forkresize.image.geometry.region import Dimensions, Region
from forkresize.recipe import Fit, Gravity, Resize, Size

Point = tuple[Fraction, Fraction]
"""Distances from the left and from the top, as fractions of the picture's width and height."""

_HALF = Fraction(1, 2)
_MEGA = 1_000_000
_PERCENT = 100

_CACHED = 1024
"""Layouts to cache: the pictures of a directory have few different sizes."""

# The fractions of the free space to the left and above; other gravities are centered.
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
        source: size of the source.
        area: the visible part of it.
        scaled: the size that this part is resampled to.
        canvas: size of the output; larger than ``scaled`` only with ``contain``.
        offset: position of the scaled part on the canvas, from the upper left corner.
    """

    source: Dimensions
    area: Region
    scaled: Dimensions
    canvas: Dimensions
    offset: tuple[int, int] = (0, 0)

    @property
    def is_unscaled(self) -> bool:
        """Whether the visible pixels are not resampled."""
        return self.area.width == self.scaled[0] and self.area.height == self.scaled[1]

    @property
    def share(self) -> Point:
        """The visible fractions of the source's width and height."""
        return self.area.width / self.source[0], self.area.height / self.source[1]


@lru_cache(maxsize=_CACHED)
def layout(source: Dimensions, size: Size, resize: Resize, focus: Point | None = None) -> Layout:
    """Return the layout of an output of the requested size.

    With ``W`` x ``H`` the source and ``w`` x ``h`` the box, the scale is

    - inside and contain: ``min(w / W, h / H)``
    - outside and cover: ``max(w / W, h / H)``
    - fill: ``w / W`` across and ``h / H`` down
    - one side given: that side's ratio; with fill, the other side stays
    - a long or short edge: its ratio to the source's
    - a scale in percent: that, across and down
    - an area: ``sqrt(area / (W * H))``
    - nothing given: 1

    Cover then shows the part of ``w / scale`` x ``h / scale`` around the focus, or at the gravity. Contain puts the
    scaled picture onto a canvas of ``w`` x ``h``. Percentages and areas count as the decimals they are written in.

    Whole pixels meet an area if ``(w - 1/2) * (h - 1/2) <= area < (w + 1/2) * (h + 1/2)``. A picture
    that meets it is not changed. If it is so slim that a side would vanish, that side is one pixel.

    Without enlarging, no scale exceeds 1; cover then shows the largest part of the source with the box's ratio, rounded
    to whole pixels. Without shrinking, no scale is below 1, as with mogrify's ``<``: inside a box, a picture grows only
    if both its sides are smaller. Fill and percentages are limited across and down independently.

    Args:
        source: size of the picture.
        size: the requested size; its own fit and enlarge override those of ``resize``.
        resize: fit, gravity, focus and whether to enlarge.
        focus: the point that cover centers, within the picture's borders; by default that of ``resize``, or else its
            gravity decides. A content-aware gravity counts as the center here.
    """
    rule = _Rule.of(size, resize, focus)
    if size.width is not None and size.height is not None:
        return _TWO_SIDED[rule.fit](source, (size.width, size.height), rule)
    if rule.fit is Fit.FILL and (size.width or size.height):
        return _fill(source, (size.width or source[0], size.height or source[1]), rule)
    if size.scale is not None:
        return _whole(source, _stretch(source, tuple(_decimal(side) / _PERCENT for side in size.scale), rule))
    if size.megapixels is not None:
        return _whole(source, _with_area(source, _decimal(size.megapixels) * _MEGA, rule))
    return _whole(source, _scale(source, rule.limit(_one_sided(source, size))))


class _Rule(Struct, frozen=True):
    """The combination of a size and a resize."""

    fit: Fit
    enlarge: bool
    shrink: bool
    anchor: Point
    focus: Point | None

    @classmethod
    def of(cls, size: Size, resize: Resize, focus: Point | None) -> "_Rule":
        return cls(
            fit=resize.fit if size.fit is None else size.fit,
            enlarge=resize.enlarge if size.enlarge is None else size.enlarge,
            shrink=size.shrink,
            anchor=_ANCHORS.get(resize.gravity, (_HALF, _HALF)),
            focus=_exact(resize.focus) if focus is None and resize.focus is not None else focus,
        )

    def limit(self, scale: Fraction) -> Fraction:
        """Return the scale, or 1 if it is not allowed."""
        return scale if self.allows(scale) else Fraction(1)

    def allows(self, scale: Fraction) -> bool:
        """Whether a picture may be scaled by this factor."""
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
    return _whole(source, _scale(source, rule.limit(min(_ratios(source, box)))))


def _outside(source: Dimensions, box: Dimensions, rule: _Rule) -> Layout:
    return _whole(source, _scale(source, rule.limit(max(_ratios(source, box)))))


def _contain(source: Dimensions, box: Dimensions, rule: _Rule) -> Layout:
    inside = _inside(source, box, rule)
    if inside.scaled[0] > box[0] or inside.scaled[1] > box[1]:
        # Shrinking is not allowed.
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
    left, top = _place(source, (width, height), rule)
    if scale == 1:
        # Nothing is resampled, so the part must not cut through pixels.
        left, top = Fraction(floor(left)), Fraction(floor(top))
    return Layout(source, Region(left, top, width, height), box, box)


def _largest_part(source: Dimensions, ratio: Dimensions) -> Dimensions:
    """Return the size of the largest part that has a ratio, as closely as whole pixels allow."""
    as_wide = source[0], _round(Fraction(source[0] * ratio[1], ratio[0]))
    as_high = _round(Fraction(source[1] * ratio[0], ratio[1])), source[1]
    fitting = [part for part in (as_wide, as_high) if part[0] <= source[0] and part[1] <= source[1]]
    return max(fitting, key=lambda part: part[0] * part[1])


def _place(source: Dimensions, part: tuple[Fraction, Fraction], rule: _Rule) -> tuple[Fraction, Fraction]:
    """Return the distances of a part from the left and from the top."""
    free = source[0] - part[0], source[1] - part[1]
    if rule.focus is None:
        return free[0] * rule.anchor[0], free[1] * rule.anchor[1]
    left, top = (rule.focus[axis] * source[axis] - part[axis] / 2 for axis in (0, 1))
    return min(max(left, Fraction(0)), free[0]), min(max(top, Fraction(0)), free[1])


def _fill(source: Dimensions, box: Dimensions, rule: _Rule) -> Layout:
    return _whole(source, _stretch(source, _ratios(source, box), rule))


_TWO_SIDED = {
    Fit.INSIDE: _inside,
    Fit.OUTSIDE: _outside,
    Fit.CONTAIN: _contain,
    Fit.COVER: _cover,
    Fit.FILL: _fill,
}


def _ratios(source: Dimensions, box: Dimensions) -> tuple[Fraction, Fraction]:
    return Fraction(box[0], source[0]), Fraction(box[1], source[1])


def _stretch(size: Dimensions, scales: tuple[Fraction, ...], rule: _Rule) -> Dimensions:
    across, down = scales
    return _round(size[0] * rule.limit(across)), _round(size[1] * rule.limit(down))


def _scale(size: Dimensions, scale: Fraction) -> Dimensions:
    return _round(size[0] * scale), _round(size[1] * scale)


def _round(length: Fraction) -> int:
    return max(1, floor(length + _HALF))


def _whole(source: Dimensions, scaled: Dimensions) -> Layout:
    return Layout(source, Region.whole(source), scaled, scaled)


def _exact(point: tuple[float, float]) -> Point:
    return _decimal(point[0]), _decimal(point[1])


def _decimal(number: float) -> Fraction:
    return Fraction(str(number))
