"""The region of an image request (Image API 3.0, 4.1)."""

from fractions import Fraction

from msgspec import Struct

from forkresize.gateway.iiif.values import DECIMAL, INTEGER, PERCENT, PixelSize, invalid, match, round_half_up

_EXPECTED = "use full, square, X,Y,W,H in pixels, or pct:X,Y,W,H in percent"
_PIXELS = ",".join([f"({INTEGER})"] * 4)
_SHARES = "pct:" + ",".join([f"({DECIMAL})"] * 4)


class Region(Struct, frozen=True):
    """A part of a picture, in pixels of the upright picture; it lies within the picture."""

    left: int
    top: int
    width: int
    height: int

    @property
    def size(self) -> PixelSize:
        """Width and height."""
        return self.width, self.height

    def canonical(self, source: PixelSize) -> str:
        """Return it as it is written in the canonical URI of a picture of this size."""
        if self.size == source:
            return "full"
        return f"{self.left},{self.top},{self.width},{self.height}"


def parse_region(text: str, source: PixelSize) -> Region:
    """Return the region that a request asks for; the part of it outside of the picture is left out.

    Args:
        text: the part of the URI, decoded.
        source: size of the upright picture.

    Raises:
        Problem: 400: it is not a region, is empty, or lies outside of the picture.
    """
    if text == "full":
        return Region(0, 0, *source)
    if text == "square":
        side = min(source)
        return Region((source[0] - side) // 2, (source[1] - side) // 2, side, side)
    if found := match(_PIXELS, text):
        left, top, width, height = map(int, found.groups())
    elif found := match(_SHARES, text):
        left, top, width, height = _to_pixels([Fraction(each) for each in found.groups()], source)
    else:
        raise invalid("region", text, _EXPECTED)
    if not (width and height):
        raise invalid("region", text, "width and height must be greater than 0")
    if left >= source[0] or top >= source[1]:
        raise invalid("region", text, f"it is outside of the picture, which has {source[0]} x {source[1]} pixels")
    return Region(left, top, min(width, source[0] - left), min(height, source[1] - top))


def _to_pixels(shares: list[Fraction], source: PixelSize) -> tuple[int, int, int, int]:
    """Return percentages in whole pixels; a side that is not zero has at least one."""
    left, top = (round_half_up(share * PERCENT * side) for share, side in zip(shares[:2], source, strict=True))
    width, height = (
        max(1, round_half_up(share * PERCENT * side)) if share else 0
        for share, side in zip(shares[2:], source, strict=True)
    )
    return left, top, width, height
