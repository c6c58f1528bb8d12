"""The arithmetic of sizes, against the formula it promises."""

from dataclasses import replace
from fractions import Fraction
from math import floor

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from forkresize.image.geometry import Area, layout, stored_area
from forkresize.recipe import Fit, Gravity, Recipe

sides = st.integers(1, 20_000)
sizes = st.tuples(sides, sides)
recipes = st.builds(
    Recipe,
    width=st.none() | sides,
    height=st.none() | sides,
    fit=st.sampled_from(Fit),
    gravity=st.sampled_from(Gravity),
    enlarge=st.booleans(),
)
boxed = st.builds(
    Recipe,
    width=sides,
    height=sides,
    fit=st.sampled_from(Fit),
    gravity=st.sampled_from(Gravity),
    enlarge=st.booleans(),
)
thoroughly = settings(max_examples=10_000, deadline=None)


def rounded(value: Fraction) -> int:
    return max(1, floor(value + Fraction(1, 2)))


@thoroughly
@given(sizes, recipes)
def test_what_is_shown_lies_within_the_source_and_what_is_scaled_within_the_canvas(
    source: tuple[int, int], recipe: Recipe
) -> None:
    plan = layout(source, recipe)
    assert plan.source == source
    assert plan.area.left >= 0
    assert plan.area.top >= 0
    assert plan.area.left + plan.area.width <= source[0]
    assert plan.area.top + plan.area.height <= source[1]
    for axis in (0, 1):
        assert 0 <= plan.offset[axis] <= plan.canvas[axis] - plan.scaled[axis]
        assert plan.scaled[axis] >= 1


@thoroughly
@given(sizes, boxed)
@example((3000, 1), Recipe(width=100, height=100))
def test_two_sides_give_the_scale_that_the_fit_names(source: tuple[int, int], recipe: Recipe) -> None:
    assert recipe.width
    assert recipe.height
    box = recipe.width, recipe.height
    across, down = Fraction(box[0], source[0]), Fraction(box[1], source[1])
    most = Fraction(10**9) if recipe.enlarge else Fraction(1)
    plan = layout(source, recipe)
    if recipe.fit in {Fit.INSIDE, Fit.CONTAIN}:
        scale = min(across, down, most)
        assert plan.scaled == (rounded(source[0] * scale), rounded(source[1] * scale))
    elif recipe.fit is Fit.OUTSIDE:
        scale = min(max(across, down), most)
        assert plan.scaled == (rounded(source[0] * scale), rounded(source[1] * scale))
    elif recipe.fit is Fit.FILL:
        assert plan.scaled == (floor(source[0] * min(across, most)), floor(source[1] * min(down, most)))
    else:
        shrunk = max(Fraction(1), max(across, down) / most)
        assert plan.scaled == (rounded(box[0] / shrunk), rounded(box[1] / shrunk))
    assert plan.canvas == (box if recipe.fit is Fit.CONTAIN else plan.scaled)


@given(sizes, sides, st.booleans(), recipes)
def test_one_side_gives_that_side_and_the_ratio_whatever_the_fit(
    source: tuple[int, int], side: int, is_width: bool, recipe: Recipe
) -> None:
    one = replace(recipe, width=side if is_width else None, height=None if is_width else side)
    scale = Fraction(side, source[0] if is_width else source[1])
    if not recipe.enlarge:
        scale = min(scale, Fraction(1))
    plan = layout(source, one)
    assert plan.scaled == plan.canvas == (rounded(source[0] * scale), rounded(source[1] * scale))


@given(sizes, st.sampled_from(Fit))
def test_no_side_keeps_the_size(source: tuple[int, int], fit: Fit) -> None:
    plan = layout(source, Recipe(fit=fit))
    assert plan.is_unscaled
    assert plan.canvas == source


@given(sizes, boxed)
def test_cover_keeps_the_ratio_of_the_box_and_never_enlarges_unasked(source: tuple[int, int], recipe: Recipe) -> None:
    plan = layout(source, replace(recipe, fit=Fit.COVER))
    assert plan.area.width / plan.scaled[0] == plan.area.height / plan.scaled[1]
    assert plan.area.width == source[0] or plan.area.height == source[1]
    if not recipe.enlarge:
        assert plan.area.width >= plan.scaled[0]


@pytest.mark.parametrize(
    ("gravity", "left", "top"),
    [("center", 250, 0), ("west", 0, 0), ("north-west", 0, 0), ("east", 500, 0), ("south-east", 500, 0)],
)
def test_cover_that_would_enlarge_shrinks_its_box_and_keeps_what_gravity_says(
    gravity: str, left: int, top: int
) -> None:
    plan = layout((1000, 500), Recipe(width=800, height=800, fit=Fit.COVER, gravity=Gravity(gravity)))
    assert plan.scaled == (500, 500)
    assert plan.area == Area(Fraction(left), Fraction(top), Fraction(500), Fraction(500))


@given(sizes, boxed)
def test_a_part_that_is_not_scaled_lies_on_pixel_borders(source: tuple[int, int], recipe: Recipe) -> None:
    plan = layout(source, replace(recipe, enlarge=False))
    if plan.is_unscaled:
        assert plan.area.left.denominator == plan.area.top.denominator == 1


def test_contain_places_by_gravity() -> None:
    assert layout((100, 50), Recipe(width=60, height=60, fit=Fit.CONTAIN)).offset == (0, 15)
    assert layout((100, 50), Recipe(width=60, height=60, fit=Fit.CONTAIN, gravity=Gravity.SOUTH)).offset == (0, 30)


def test_halves_are_rounded_up() -> None:
    assert layout((2, 1001), Recipe(height=500, width=None)).scaled == (1, 500)
    assert layout((1000, 3), Recipe(width=500)).scaled == (500, 2)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_an_area_is_found_where_the_picture_is_stored(orientation: int) -> None:
    from PIL import Image, ImageOps

    stored = Image.new("L", (4, 6) if orientation >= 5 else (6, 4))
    stored.putdata(range(24))
    stored.getexif()[0x0112] = orientation
    upright = ImageOps.exif_transpose(stored)
    area = stored_area(Area(Fraction(1), Fraction(2), Fraction(3), Fraction(1)), (6, 4), orientation)
    box = int(area.left), int(area.top), int(area.left + area.width), int(area.top + area.height)
    shown = upright.crop((1, 2, 4, 3))
    assert sorted(stored.crop(box).tobytes()) == sorted(shown.tobytes())
