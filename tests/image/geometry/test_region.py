"""Turning, mirroring and cropping by arithmetic, against Pillow doing it to pixels."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from forkresize.image.geometry.region import Dimensions, Region, compose, crop, is_sideways, stored_area, transform

TO_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
SIZE = 6, 4

orientations = st.integers(1, 8)
lefts, tops = st.integers(0, SIZE[0] - 1), st.integers(0, SIZE[1] - 1)
areas = st.builds(
    lambda left, top, width, height: Region(
        Fraction(left), Fraction(top), Fraction(min(width, SIZE[0] - left)), Fraction(min(height, SIZE[1] - top))
    ),
    lefts,
    tops,
    st.integers(1, SIZE[0]),
    st.integers(1, SIZE[1]),
)


def numbered(size: Dimensions = SIZE) -> Image.Image:
    """Return an image in which no two pixels are alike."""
    return Image.frombytes("L", size, bytes(range(size[0] * size[1])))


def upright(image: Image.Image, orientation: int) -> Image.Image:
    return image.transpose(TO_UPRIGHT[orientation]) if orientation in TO_UPRIGHT else image


def part(image: Image.Image, area: Region) -> Image.Image:
    left, top = int(area.left), int(area.top)
    return image.crop((left, top, left + int(area.width), top + int(area.height)))


def same(one: Image.Image, other: Image.Image) -> bool:
    return one.size == other.size and one.tobytes() == other.tobytes()


@pytest.mark.parametrize("then", range(1, 9))
@pytest.mark.parametrize("orientation", range(1, 9))
def test_two_orientations_combine_to_one(orientation: int, then: int) -> None:
    twice = upright(upright(numbered(), orientation), then)
    assert same(upright(numbered(), compose(orientation, then)), twice)


@given(areas, orientations)
def test_an_area_moves_with_the_picture(area: Region, then: int) -> None:
    image = numbered()
    assert same(part(upright(image, then), transform(area, SIZE, then)), upright(part(image, area), then))


@given(areas, orientations)
def test_an_area_maps_to_the_stored_picture(area: Region, orientation: int) -> None:
    stored = numbered((SIZE[1], SIZE[0]) if is_sideways(orientation) else SIZE)
    shown = upright(stored, orientation)
    assert shown.size == SIZE
    assert same(upright(part(stored, stored_area(area, SIZE, orientation)), orientation), part(shown, area))


@given(areas, orientations, orientations)
def test_a_rotated_part_maps_to_the_stored_picture(area: Region, orientation: int, then: int) -> None:
    size = (SIZE[1], SIZE[0]) if is_sideways(then) else SIZE
    before = stored_area(area, SIZE, orientation)
    assert stored_area(transform(area, SIZE, then), size, compose(orientation, then)) == before


@given(areas, st.integers(-8, 8), st.integers(-8, 8), st.integers(1, 9), st.integers(1, 9))
def test_a_crop_of_a_crop_is_their_overlap(area: Region, left: int, top: int, width: int, height: int) -> None:
    image = numbered()
    found = crop(area, left, top, width, height)
    within = [
        (x, y)
        for x in range(max(left, 0), min(left + width, int(area.width)))
        for y in range(max(top, 0), min(top + height, int(area.height)))
    ]
    if found is None:
        assert not within
    else:
        shown = part(image, area)
        assert sorted(part(image, found).tobytes()) == sorted(shown.getpixel(pixel) for pixel in within)  # type: ignore[type-var]


def test_the_whole_picture_is_an_area() -> None:
    assert Region.whole((6, 4)) == Region(Fraction(0), Fraction(0), Fraction(6), Fraction(4))
