"""The size of an image request (Image API 3.0, 4.2), and the limits on it."""

from fractions import Fraction
from math import isqrt

from msgspec import Struct

from forkresize.gateway.iiif.values import DECIMAL, INTEGER, PERCENT, PixelSize, invalid, match, round_half_up

_EXPECTED = "use max, W, or ,H or W,H or !W,H in pixels, or pct:N; with ^ before it, a picture may be enlarged"
_FORMS = rf"(\^?)(?:(max)|pct:({DECIMAL})|(!?)(?:({INTEGER}),({INTEGER})|({INTEGER}),|,({INTEGER})))"


class SizeLimits(Struct, frozen=True):
    """The largest size of an answer, before it is rotated.

    Attributes:
        width: in pixels.
        height: in pixels.
        area: in pixels.
    """

    width: int
    height: int
    area: int

    def allow(self, size: PixelSize) -> bool:
        """Return whether a size is within the limits."""
        return size[0] <= self.width and size[1] <= self.height and size[0] * size[1] <= self.area

    def largest(self, region: PixelSize, *, enlarge: bool = False) -> PixelSize:
        """Return the largest size of a region within the limits, in its proportions."""
        scale = min(Fraction(self.width, region[0]), Fraction(self.height, region[1]))
        scale = scale if enlarge else min(scale, Fraction(1))
        size = max(1, int(region[0] * scale)), max(1, int(region[1] * scale))
        if size[0] * size[1] <= self.area:
            return size
        width, height = (isqrt(self.area * side // other) for side, other in (region, region[::-1]))
        return max(1, min(width, size[0], self.area)), max(1, min(height, size[1], self.area))


class _Form(Struct, frozen=True):
    """A size as it is written: ``max``, a percentage, one side, or a box."""

    text: str
    enlarge: bool
    is_max: bool
    percent: Fraction | None
    keeps_ratio: bool
    width: int | None
    height: int | None


def parse_size(text: str, region: PixelSize, limits: SizeLimits) -> PixelSize:
    """Return the width and height that a request asks for.

    Args:
        text: the part of the URI, decoded.
        region: size of the region.
        limits: of the answer.

    Raises:
        Problem: 400: it is not a size, is empty, exceeds the limits, or the region unless it may be enlarged.
    """
    form = _parse(text)
    if form.is_max:
        return limits.largest(region, enlarge=form.enlarge)
    size = _fit(form, region, limits) if form.keeps_ratio else _scale(form, region)
    if not all(size):
        raise invalid("size", text, f"width and height must be at least 1, not {size[0]} x {size[1]}")
    if not form.enlarge and (size[0] > region[0] or size[1] > region[1]):
        raise invalid("size", text, f"the region has {region[0]} x {region[1]} pixels; use ^{text} to enlarge it")
    if not limits.allow(size):
        bounds = f"{limits.width} x {limits.height} and {limits.area} pixels"
        raise invalid("size", text, f"{size[0]} x {size[1]} is larger than the limits of {bounds}")
    return size


def canonical_size(size: PixelSize, region: PixelSize, limits: SizeLimits) -> str:
    """Return a size as it is written in the canonical URI (4.8)."""
    if size == limits.largest(region):
        return "max"
    if size[0] <= region[0] and size[1] <= region[1]:
        return f"{size[0]},{size[1]}"
    return "^max" if size == limits.largest(region, enlarge=True) else f"^{size[0]},{size[1]}"


def _parse(text: str) -> _Form:
    found = match(_FORMS, text)
    if found is None or (found[4] and found[5] is None):
        raise invalid("size", text, _EXPECTED)
    width, height = found[5] or found[7], found[6] or found[8]
    return _Form(
        text=text,
        enlarge=bool(found[1]),
        is_max=bool(found[2]),
        percent=Fraction(found[3]) if found[3] else None,
        keeps_ratio=bool(found[4]),
        width=int(width) if width else None,
        height=int(height) if height else None,
    )


def _scale(form: _Form, region: PixelSize) -> PixelSize:
    """Return the size by a percentage, one side, or both."""
    if form.percent is not None:
        return round_half_up(form.percent * PERCENT * region[0]), round_half_up(form.percent * PERCENT * region[1])
    if form.height is None:
        return form.width or 0, round_half_up(Fraction(region[1] * (form.width or 0), region[0]))
    if form.width is None:
        return round_half_up(Fraction(region[0] * form.height, region[1])), form.height
    return form.width, form.height


def _fit(form: _Form, region: PixelSize, limits: SizeLimits) -> PixelSize:
    """Return the largest size in a box and within the limits, in the proportions of the region."""
    width, height = form.width or 0, form.height or 0
    scale = min(Fraction(width, region[0]), Fraction(height, region[1]))
    if not scale or (scale > 1 and not form.enlarge):
        return width, height
    size = max(1, round_half_up(region[0] * scale)), max(1, round_half_up(region[1] * scale))
    box = SizeLimits(min(width, limits.width), min(height, limits.height), limits.area)
    return size if box.allow(size) else box.largest(region, enlarge=True)
