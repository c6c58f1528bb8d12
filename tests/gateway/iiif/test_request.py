"""Image requests: what is accepted, its canonical form, and that the answer has the size that was computed."""

import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from forkresize.gateway.iiif.request import FORMATS, ImageRequest, Quality, parse_request
from forkresize.gateway.iiif.size import SizeLimits
from forkresize.gateway.imgproxy.path import parse_path
from forkresize.gateway.imgproxy.recipe import Recipes
from forkresize.gateway.problem import Problem
from forkresize.image.steps.rotate import rotated_size
from forkresize.image.transform import transform

LIMITS = SizeLimits(1000, 800, 500_000)

numbers = st.one_of(st.integers(0, 130).map(str), st.decimals(0, 130, places=3).map(str), st.just(".5"))
sides = st.integers(0, 1200).map(str)
regions = st.one_of(
    st.sampled_from(["full", "square"]),
    st.tuples(sides, sides, sides, sides).map(",".join),
    st.tuples(numbers, numbers, numbers, numbers).map(lambda parts: f"pct:{','.join(parts)}"),
)
sizes = st.builds(
    lambda up, form: up + form,
    st.sampled_from(["", "^"]),
    st.one_of(
        st.just("max"),
        numbers.map(lambda number: f"pct:{number}"),
        sides.map(lambda side: f"{side},"),
        sides.map(lambda side: f",{side}"),
        st.builds(lambda bang, width, height: f"{bang}{width},{height}", st.sampled_from(["", "!"]), sides, sides),
    ),
)
rotations = st.builds(
    lambda mirror, degrees: mirror + degrees,
    st.sampled_from(["", "!"]),
    st.one_of(st.sampled_from(["0", "90", "180", "270", "360"]), st.decimals(0, 360, places=2).map(str)),
)
qualities = st.builds(
    lambda quality, suffix: f"{quality}.{suffix}", st.sampled_from(Quality), st.sampled_from([*FORMATS])
)
sources = st.tuples(st.integers(1, 1500), st.integers(1, 1500))


def parse(text: str, source: tuple[int, int] = (300, 200), limits: SizeLimits = LIMITS) -> ImageRequest:
    region, size, rotation, quality = text.split("/")
    return parse_request((region, size, rotation, quality), source, limits)


def try_to_parse(
    parts: tuple[str, str, str, str], source: tuple[int, int], limits: SizeLimits = LIMITS
) -> ImageRequest | Problem:
    try:
        return parse_request(parts, source, limits)
    except Problem as problem:
        return problem


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("full/max/0/default.jpg", "full/max/0/default.jpg"),
        ("0,0,300,200/max/0/color.jpg", "full/max/0/default.jpg"),
        ("0,0,999,999/300,/360/default.jpg", "full/max/0/default.jpg"),
        ("square/max/0/gray.png", "50,0,200,200/max/0/gray.png"),
        ("pct:41.6,7.5,66.6,100/max/0/default.jpg", "125,15,175,185/max/0/default.jpg"),
        ("125,15,200,200/max/0/default.jpg", "125,15,175,185/max/0/default.jpg"),
        ("full/150,/0/default.jpg", "full/150,100/0/default.jpg"),
        ("full/,150/0/default.jpg", "full/225,150/0/default.jpg"),
        ("full/pct:50/0/default.jpg", "full/150,100/0/default.jpg"),
        ("full/225,100/0/default.jpg", "full/225,100/0/default.jpg"),
        ("full/!225,100/0/default.jpg", "full/150,100/0/default.jpg"),
        ("full/^360,/0/default.jpg", "full/^360,240/0/default.jpg"),
        ("full/^150,/0/default.jpg", "full/150,100/0/default.jpg"),
        ("full/^!360,360/0/default.jpg", "full/^360,240/0/default.jpg"),
        ("full/^360,360/0/default.jpg", "full/^360,360/0/default.jpg"),
        ("full/^max/0/default.jpg", "full/^max/0/default.jpg"),
        ("full/^866,577/0/default.jpg", "full/^max/0/default.jpg"),
        ("full/max/!022.50/default.webp", "full/max/!22.5/default.webp"),
        ("full/max/.5/default.webp", "full/max/0.5/default.webp"),
        ("full/max/90.0/default.tif", "full/max/90/default.tif"),
        ("full/max/100/default.gif", "full/max/100/default.gif"),
    ],
)
def test_canonical_form(text: str, canonical: str) -> None:
    assert parse(text).canonical == canonical


@pytest.mark.parametrize(
    ("text", "field", "message"),
    [
        ("part/max/0/default.jpg", "region", "use full, square,"),
        ("1,2,3/max/0/default.jpg", "region", "use full, square,"),
        ("-1,0,5,5/max/0/default.jpg", "region", "use full, square,"),
        ("1.5,0,5,5/max/0/default.jpg", "region", "use full, square,"),
        ("pct:1e1,0,5,5/max/0/default.jpg", "region", "use full, square,"),
        ("٣,0,5,5/max/0/default.jpg", "region", "use full, square,"),
        ("0,0,0,5/max/0/default.jpg", "region", "greater than 0"),
        ("pct:0,0,5,0/max/0/default.jpg", "region", "greater than 0"),
        ("300,0,5,5/max/0/default.jpg", "region", "outside of the picture, which has 300 x 200 pixels"),
        ("pct:0,100,5,5/max/0/default.jpg", "region", "outside of the picture"),
        ("full/full/0/default.jpg", "size", "use max, W, or"),
        ("full/,/0/default.jpg", "size", "use max, W, or"),
        ("full/!100,/0/default.jpg", "size", "use max, W, or"),
        ("full/100/0/default.jpg", "size", "use max, W, or"),
        ("full/!^100,100/0/default.jpg", "size", "use max, W, or"),
        ("full/0,/0/default.jpg", "size", "at least 1"),
        ("full/!0,100/0/default.jpg", "size", "at least 1"),
        ("full/pct:0.1/0/default.jpg", "size", "at least 1"),
        ("0,0,300,1/100,/0/default.jpg", "size", "at least 1"),
        ("full/301,/0/default.jpg", "size", r"300 x 200 pixels; use \^301, to enlarge it"),
        ("full/pct:101/0/default.jpg", "size", "to enlarge it"),
        ("full/!600,600/0/default.jpg", "size", r"use \^!600,600 to enlarge it"),
        ("full/^1001,100/0/default.jpg", "size", "larger than the limits of 1000 x 800 and 500000 pixels"),
        ("full/^900,700/0/default.jpg", "size", "larger than the limits"),
        ("full/max/-90/default.jpg", "rotation", "degrees from 0 to 360"),
        ("full/max/360.5/default.jpg", "rotation", "degrees from 0 to 360"),
        ("full/max/!/default.jpg", "rotation", "degrees from 0 to 360"),
        ("full/max/0/sepia.jpg", "quality", "use default, color, gray, bitonal"),
        ("full/max/0/.jpg", "quality", "use default, color, gray"),
        ("full/max/0/default.bmp", "format", r"end with \.jpg, \.png"),
        ("full/max/0/default", "format", r"end with \.jpg, \.png"),
    ],
)
def test_what_is_not_valid_is_refused_by_part(text: str, field: str, message: str) -> None:
    with pytest.raises(Problem, match=message) as caught:
        parse(text)
    assert (caught.value.status, caught.value.field) == (400, field)


def test_largest_size_is_limited_by_each_limit() -> None:
    sizes = [
        (SizeLimits(1000, 1000, 10**6), (4000, 2000), (1000, 500)),
        (SizeLimits(1000, 300, 10**6), (4000, 2000), (600, 300)),
        (SizeLimits(1000, 1000, 80_000), (4000, 2000), (400, 200)),
        (SizeLimits(1000, 1000, 10**6), (100_000, 1), (1000, 1)),
        (SizeLimits(1000, 1000, 500), (1, 100_000), (1, 500)),
    ]
    assert [limits.largest(region) for limits, region, _ in sizes] == [expected for *_, expected in sizes]


@given(parts=st.tuples(st.text(), st.text(), st.text(), st.text()), source=sources)
def test_any_text_is_a_request_or_a_problem(parts: tuple[str, str, str, str], source: tuple[int, int]) -> None:
    with pytest.raises(Problem) as caught:
        parse_request(parts, source, LIMITS)
    assert caught.value.status == 400


@given(parts=st.tuples(regions, sizes, rotations, qualities), source=sources)
@settings(max_examples=400)
def test_canonical_form_is_the_same_request(parts: tuple[str, str, str, str], source: tuple[int, int]) -> None:
    request = try_to_parse(parts, source)
    if isinstance(request, Problem):
        assert (request.status, request.field in {"region", "size"}) == (400, True)
        return
    again = parse(request.canonical, source)
    assert again.canonical == request.canonical
    assert again.recipe == request.recipe
    region = request.region
    assert 0 <= region.left < region.left + region.width <= source[0]
    assert 0 <= region.top < region.top + region.height <= source[1]
    assert LIMITS.allow(request.size)
    assert min(request.size) >= 1
    assert "^" in parts[1] or all(side <= most for side, most in zip(request.size, region.size, strict=True))


def draw(size: tuple[int, int]) -> bytes:
    file = io.BytesIO()
    Image.linear_gradient("L").convert("RGB").resize(size).save(file, "PNG")
    return file.getvalue()


@given(
    parts=st.tuples(regions, sizes, rotations, qualities),
    source=st.tuples(st.integers(1, 120), st.integers(1, 120)),
)
@settings(max_examples=80, deadline=None)
def test_answer_has_the_size_that_was_computed(parts: tuple[str, str, str, str], source: tuple[int, int]) -> None:
    request = try_to_parse(parts, source, SizeLimits(150, 150, 15_000))
    if isinstance(request, Problem):
        return
    (rendered,) = transform(draw(source), request.recipe)
    assert rendered.size == rotated_size(request.size, float(request.degrees))
    assert rendered.format == FORMATS[request.format]


@pytest.mark.parametrize(
    ("text", "is_shared"),
    [("full/150,/0/default.jpg", True), ("full/150,100/0/color.webp", True), ("full/max/0/default.png", True),
     ("full/150,90/0/default.jpg", False), ("full/^600,/0/default.jpg", False), ("full/150,/!0/default.jpg", False),
     ("full/150,/90/default.jpg", False), ("0,0,150,100/150,/0/default.jpg", False),
     ("full/150,/0/gray.jpg", False)],
)  # fmt: skip
def test_a_whole_picture_in_its_proportions_is_that_of_another_url(text: str, *, is_shared: bool) -> None:
    request = parse(text)
    path = f"/rs:fit:{request.size[0]}:0/da:1/plain/photos/a.jpg@{request.format}"
    assert (Recipes().make(parse_path(path, {}).options, None) == request.recipe) is is_shared


def pixels(text: str, image: Image.Image) -> Image.Image:
    file = io.BytesIO()
    image.save(file, "PNG")
    (rendered,) = transform(file.getvalue(), parse(text, image.size).recipe)
    return Image.open(io.BytesIO(rendered.data))


def is_red(image: Image.Image, place: tuple[int, int]) -> bool:
    _, green, blue = image.convert("RGB").getpixel(place)  # type: ignore[misc]
    return green < 128 and blue < 128


def test_region_then_size_then_mirror_then_rotation_then_quality() -> None:
    source = Image.new("RGB", (40, 20), "white")
    source.paste((255, 0, 0), (20, 0, 30, 10))  # Upper left of the right half.
    found = pixels("20,0,20,20/10,10/!90/default.png", source)
    # Mirrored, it is at the upper right; a quarter turn clockwise brings it to the lower right.
    assert [is_red(found, place) for place in ((2, 2), (7, 2), (2, 7), (7, 7))] == [False, False, False, True]
    gray = pixels("20,0,20,20/10,10/!90/gray.png", source)
    assert gray.mode == "L"
    assert gray.getpixel((7, 7)) == pytest.approx(76, abs=5)
    bitonal = pixels("20,0,20,20/10,10/!90/bitonal.png", source)
    assert sorted(bitonal.convert("L").getcolors() or []) == [(25, 0), (75, 255)]


@pytest.mark.parametrize(("suffix", "is_transparent"), [("png", True), ("webp", True), ("gif", True), ("jpg", False)])
def test_corners_of_a_turned_picture_are_transparent_if_the_format_can(suffix: str, *, is_transparent: bool) -> None:
    found = pixels(f"full/max/45/default.{suffix}", Image.new("RGB", (40, 40), "red")).convert("RGBA")
    corner, middle = found.getpixel((0, 0)), found.getpixel((found.width // 2, found.height // 2))
    assert (corner[3], middle[3]) == (0 if is_transparent else 255, 255)  # type: ignore[index]
    assert is_transparent or min(corner[:3]) > 230  # type: ignore[index]
