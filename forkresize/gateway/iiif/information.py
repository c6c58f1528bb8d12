"""The image information document, ``info.json`` (Image API 3.0, 5)."""

from msgspec import Struct, field

from forkresize.gateway.accept import parse_accept
from forkresize.gateway.iiif.request import FORMATS, Quality
from forkresize.gateway.iiif.size import SizeLimits
from forkresize.gateway.iiif.values import PixelSize

CONTEXT = "http://iiif.io/api/image/3/context.json"
PROFILE = "http://iiif.io/api/image/3/level2.json"

_TILE = 512
_LARGE_TILE = 1024
"""Sides of a tile in pixels. Each tile of a large picture takes a decoding of its own, so there should be few."""

_LARGE = 16_000_000
"""Pixels from which a picture is large."""

_SMALLEST = 64
"""Pixels of the longer side of the smallest size that is proposed."""

_OF_LEVEL_2 = frozenset({"jpg", "png"})

_EXTRA_FEATURES = ("canonicalLinkHeader", "mirroring", "profileLinkHeader", "rotationArbitrary", "sizeUpscaling")


class ProposedSize(Struct, frozen=True):
    """A size of the whole picture that a client may ask for."""

    width: int
    height: int


class Tiles(Struct, frozen=True, rename="camel"):
    """Tiles of one size, at several scales."""

    width: int
    scale_factors: list[int]


class Information(Struct, frozen=True, kw_only=True, rename="camel"):
    """The document. Its fields are the properties of the specification, in its order."""

    context: str = field(default=CONTEXT, name="@context")
    id: str
    type: str = "ImageService3"
    protocol: str = "http://iiif.io/api/image"
    profile: str = "level2"
    width: int
    height: int
    max_width: int
    max_height: int
    max_area: int
    sizes: list[ProposedSize]
    tiles: list[Tiles]
    extra_formats: list[str]
    extra_qualities: list[str]
    extra_features: list[str]


def describe_picture(base_uri: str, source: PixelSize, limits: SizeLimits) -> Information:
    """Return the document of a picture.

    Args:
        base_uri: of the picture.
        source: its width and height, upright.
        limits: of the size of an answer.
    """
    tile = _LARGE_TILE if source[0] * source[1] >= _LARGE else _TILE
    return Information(
        id=base_uri,
        width=source[0],
        height=source[1],
        max_width=limits.width,
        max_height=limits.height,
        max_area=limits.area,
        sizes=[ProposedSize(*size) for size in proposed_sizes(source, limits)],
        tiles=[Tiles(tile, _scale_factors(source, tile))],
        extra_formats=[name for name in FORMATS if name not in _OF_LEVEL_2],
        extra_qualities=[each for each in Quality if each is not Quality.DEFAULT],
        extra_features=[*_EXTRA_FEATURES],
    )


def proposed_sizes(source: PixelSize, limits: SizeLimits) -> list[PixelSize]:
    """Return the sizes of the whole picture that clients had better ask for, the smallest first."""
    sizes = (reduce(source, factor) for factor in reversed(_size_factors(source)))
    return [size for size in sizes if limits.allow(size)]


def reduce(source: PixelSize, factor: int) -> PixelSize:
    """Return the size of a picture at a scale factor, rounded up as viewers do."""
    return -(-source[0] // factor), -(-source[1] // factor)


def _scale_factors(source: PixelSize, tile: int) -> list[int]:
    """Return the powers of two by which a picture is reduced, until it fits into one tile."""
    factors = [1]
    while max(reduce(source, factors[-1])) > tile:
        factors.append(2 * factors[-1])
    return factors


def _size_factors(source: PixelSize) -> list[int]:
    factors = [1]
    while max(reduce(source, 2 * factors[-1])) >= _SMALLEST:
        factors.append(2 * factors[-1])
    return factors


def accepts_linked_data(accept: str | None) -> bool:
    """Return whether the document is sent as JSON-LD; otherwise, as JSON.

    It is JSON-LD unless a client prefers JSON, or is a browser in which a person opens the document.

    Args:
        accept: the header of the request; None if there is none.
    """
    if not accept:
        return True
    weights = parse_accept(accept)
    linked = weights.get("application/ld+json", -1.0)
    plain = max(weights.get("application/json", -1.0), weights.get("text/html", -1.0))
    return (linked > 0 and linked >= plain) or plain < 0
