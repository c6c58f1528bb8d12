"""The image information document."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import json

from forkresize.gateway.iiif.information import accepts_linked_data, describe_picture, reduce
from forkresize.gateway.iiif.request import parse_request
from forkresize.gateway.iiif.size import SizeLimits

LIMITS = SizeLimits(3000, 3000, 4_000_000)


def test_document_has_the_properties_of_the_specification() -> None:
    document = json.decode(json.encode(describe_picture("https://example.org/iiif/3/a%2Fb.jpg", (6000, 4000), LIMITS)))
    assert next(iter(document)) == "@context"
    assert document == {
        "@context": "http://iiif.io/api/image/3/context.json",
        "id": "https://example.org/iiif/3/a%2Fb.jpg",
        "type": "ImageService3",
        "protocol": "http://iiif.io/api/image",
        "profile": "level2",
        "width": 6000,
        "height": 4000,
        "maxWidth": 3000,
        "maxHeight": 3000,
        "maxArea": 4_000_000,
        "sizes": [
            {"width": width, "height": height}
            for width, height in ((94, 63), (188, 125), (375, 250), (750, 500), (1500, 1000))
        ],
        "tiles": [{"width": 1024, "scaleFactors": [1, 2, 4, 8]}],
        "extraFormats": ["gif", "tif", "webp"],
        "extraQualities": ["color", "gray", "bitonal"],
        "extraFeatures": [
            "canonicalLinkHeader",
            "mirroring",
            "profileLinkHeader",
            "rotationArbitrary",
            "sizeUpscaling",
        ],
    }


def test_smaller_pictures_have_smaller_tiles() -> None:
    (tiles,) = describe_picture("x", (4000, 3000), LIMITS).tiles
    assert (tiles.width, tiles.scale_factors) == (512, [1, 2, 4, 8])


@given(source=st.tuples(st.integers(1, 60_000), st.integers(1, 60_000)))
def test_everything_that_is_proposed_can_be_asked_for(source: tuple[int, int]) -> None:
    document = describe_picture("x", source, LIMITS)
    for size in document.sizes:
        parse_request(("full", f"{size.width},{size.height}", "0", "default.jpg"), source, LIMITS)
    (tiles,) = document.tiles
    assert max(reduce(source, tiles.scale_factors[-1])) <= tiles.width
    for factor in tiles.scale_factors:
        # The last tile of the last row: the implementation notes of the specification compute it so.
        span = tiles.width * factor
        left, top = ((side - 1) // span * span for side in source)
        width, height = source[0] - left, source[1] - top
        wide, high = reduce((width, height), factor)
        parse_request((f"{left},{top},{width},{height}", f"{wide},{high}", "0", "default.jpg"), source, LIMITS)


@pytest.mark.parametrize(
    ("accept", "is_linked"),
    [
        (None, True),
        ("", True),
        ("*/*", True),
        ("application/ld+json", True),
        ('application/ld+json;profile="http://iiif.io/api/image/3/context.json"', True),
        ("application/json, application/ld+json", True),
        ("application/json", False),
        ("application/ld+json;q=0.5, application/json", False),
        ("application/ld+json;q=0, application/json;q=0.1", False),
        ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", False),
        ("application/ld+json;q=x, application/json;q=0.1", True),
        ("image/png", True),
    ],
)
def test_media_type_follows_the_accept_header(accept: str | None, *, is_linked: bool) -> None:
    assert accepts_linked_data(accept) is is_linked


@given(st.text())
def test_any_accept_header_is_read(accept: str) -> None:
    accepts_linked_data(accept)
