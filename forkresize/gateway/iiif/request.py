"""An image request (Image API 3.0, 4), for a picture of a known size: ImageRequest."""

from collections.abc import Mapping
from decimal import Decimal
from enum import StrEnum

from msgspec import Struct

from forkresize.formats import Format
from forkresize.gateway.iiif.region import Region, parse_region
from forkresize.gateway.iiif.size import SizeLimits, canonical_size, parse_size
from forkresize.gateway.iiif.values import DECIMAL, PixelSize, invalid, match
from forkresize.image.geometry.layout import layout
from forkresize.recipe import (
    Animation,
    Axis,
    Crop,
    Fit,
    Flip,
    Grayscale,
    Metadata,
    Recipe,
    Rendition,
    Resize,
    Rotate,
    Size,
    Step,
    Threshold,
)

FORMATS: Mapping[str, Format] = {
    "jpg": Format.JPEG,
    "png": Format.PNG,
    "gif": Format.GIF,
    "tif": Format.TIFF,
    "webp": Format.WEBP,
}
"""The formats of answers that the specification has a name for, and forkresize writes."""

_TURN = 360
_MIDDLE = 128
"""The darkest gray that is white in black and white."""

_PAPER = (255, 255, 255, 0)
"""Fills the corners of a turned picture: transparent in formats that can be, and white in others."""


class Quality(StrEnum):
    """The colors of an answer."""

    DEFAULT = "default"
    COLOR = "color"
    GRAY = "gray"
    BITONAL = "bitonal"


class ImageRequest(Struct, frozen=True, kw_only=True):
    """A valid request for an image; different texts may be the same request.

    Attributes:
        source: width and height of the upright picture.
        limits: of the size.
        region: what is shown of the picture.
        size: width and height of the region after it was scaled, before it is rotated.
        mirrored: whether left and right are exchanged before it is rotated.
        degrees: clockwise, from 0 to less than 360.
        quality: black and white, gray, or all colors.
        format: the name of the format in the URI.
    """

    source: PixelSize
    limits: SizeLimits
    region: Region
    size: PixelSize
    mirrored: bool
    degrees: Decimal
    quality: Quality
    format: str

    @property
    def canonical(self) -> str:
        """The last four parts of the canonical URI (4.8)."""
        size = canonical_size(self.size, self.region.size, self.limits)
        rotation = f"{'!' if self.mirrored else ''}{format_decimal(self.degrees)}"
        quality = Quality.DEFAULT if self.quality is Quality.COLOR else self.quality
        return f"{self.region.canonical(self.source)}/{size}/{rotation}/{quality}.{self.format}"

    @property
    def is_plain(self) -> bool:
        """Whether it is the whole picture, neither mirrored nor rotated, in its colors."""
        is_whole = self.region.size == self.source and not self.mirrored and not self.degrees
        return is_whole and self.quality in {Quality.DEFAULT, Quality.COLOR}

    @property
    def recipe(self) -> Recipe:
        """What to make of the picture. Its metadata is reduced to the credit: a viewer asks for many tiles."""
        width, height = self.size
        if self.is_plain and layout(self.source, Size(width=width), Resize()).canvas == self.size:
            return _by_width(width, FORMATS[self.format])
        rendition = Rendition(size=Size(width=width, height=height), format=FORMATS[self.format])
        return Recipe(
            steps=tuple(self._steps()),
            renditions=(rendition,),
            animation=Animation.FIRST,
            metadata=Metadata.COPYRIGHT,
            background=_PAPER,
        )

    def _steps(self) -> list[Step]:
        """Return the steps in the order of the specification (4.6)."""
        region, steps = self.region, list[Step]()
        if region.size != self.source:
            steps.append(Crop(width=region.width, height=region.height, left=region.left, top=region.top))
        steps.append(Resize(fit=Fit.FILL, enlarge=True))
        if self.mirrored:
            steps.append(Flip(axis=Axis.HORIZONTAL))
        if self.degrees:
            steps.append(Rotate(degrees=float(self.degrees)))
        if self.quality is Quality.GRAY:
            steps.append(Grayscale())
        if self.quality is Quality.BITONAL:
            steps.append(Threshold(level=_MIDDLE))
        return steps


def _by_width(width: int, format_: Format) -> Recipe:
    """Return the recipe of a whole picture in its proportions, which pictures of all proportions share.

    It is the same as of ``/i/SIGNATURE/rs:fit:WIDTH:0/da:1/plain/ROOT/KEY@FORMAT``.
    """
    rendition = Rendition(size=Size(width=width), format=format_)
    return Recipe(steps=(Resize(),), renditions=(rendition,), animation=Animation.FIRST, metadata=Metadata.COPYRIGHT)


def parse_request(parts: tuple[str, str, str, str], source: PixelSize, limits: SizeLimits) -> ImageRequest:
    """Return the request that the last four parts of a URI specify.

    Args:
        parts: region, size, rotation, and quality with format; decoded.
        source: width and height of the upright picture.
        limits: of the size.

    Raises:
        Problem: 400: a part is not valid; its field is the part, and its detail says what is accepted.
    """
    region = parse_region(parts[0], source)
    mirrored, degrees = _parse_rotation(parts[2])
    quality, dot, suffix = parts[3].rpartition(".")
    if not dot or suffix not in FORMATS:
        raise invalid("format", suffix, f"end with .{', .'.join(FORMATS)}")
    if quality not in set(Quality):
        raise invalid("quality", quality, f"use {', '.join(Quality)}")
    return ImageRequest(
        source=source,
        limits=limits,
        region=region,
        size=parse_size(parts[1], region.size, limits),
        mirrored=mirrored,
        degrees=degrees,
        quality=Quality(quality),
        format=suffix,
    )


def format_decimal(number: Decimal) -> str:
    """Return a number as the specification writes it (4.7): an integer if it is one, and no trailing zeros."""
    text = f"{number:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _parse_rotation(text: str) -> tuple[bool, Decimal]:
    found = match(rf"(!?)({DECIMAL})", text)
    degrees = Decimal(found[2]) if found else Decimal(-1)
    if found is None or degrees > _TURN:
        raise invalid("rotation", text, "use degrees from 0 to 360, with ! before them to mirror first")
    return bool(found[1]), degrees % _TURN
