"""The arithmetic of sizes, against the formulas it promises, written once more in other arithmetic."""

from decimal import ROUND_HALF_UP, Decimal, localcontext
from fractions import Fraction

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from forkresize.image.geometry.layout import layout
from forkresize.image.geometry.region import Dimensions, Region
from forkresize.recipe import Fit, Gravity, Resize, Size

Scale = tuple[int, int]
"""A scale as numerator and denominator."""

sides = st.integers(1, 20_000)
pairs = st.tuples(sides, sides)
shares = st.integers(0, 1000).map(lambda thousandths: thousandths / 1000)
percents = st.integers(1, 1_000_000).map(lambda thousandths: thousandths / 1000)
plain_hows = st.builds(Resize, fit=st.sampled_from(Fit), enlarge=st.booleans())
hows = st.builds(
    Resize,
    fit=st.sampled_from(Fit),
    gravity=st.sampled_from(Gravity),
    focus=st.none() | st.tuples(shares, shares),
    enlarge=st.booleans(),
)
boxes = st.builds(Size, width=sides, height=sides, shrink=st.booleans())
targets = st.one_of(
    boxes,
    st.builds(Size, width=sides, enlarge=st.none() | st.booleans(), shrink=st.booleans()),
    st.builds(Size, height=sides, fit=st.none() | st.sampled_from(Fit)),
    st.builds(Size, long_edge=sides, shrink=st.booleans()),
    st.builds(Size, short_edge=sides),
    st.builds(Size, megapixels=st.integers(1, 10**9).map(lambda pixels: pixels / 1e6), shrink=st.booleans()),
    st.just(Size()),
)
scales = st.builds(Size, scale=st.tuples(percents, percents), shrink=st.booleans())


def nearest(numerator: int, denominator: int) -> int:
    return max(1, (2 * numerator + denominator) // (2 * denominator))


def limited(scale: Scale, size: Size, how: Resize) -> Scale:
    enlarge = how.enlarge if size.enlarge is None else size.enlarge
    is_barred = (scale[0] > scale[1] and not enlarge) or (scale[0] < scale[1] and not size.shrink)
    return (1, 1) if is_barred else scale


def scaled(source: Dimensions, scale: Scale) -> Dimensions:
    return nearest(source[0] * scale[0], scale[1]), nearest(source[1] * scale[0], scale[1])


def with_area(source: Dimensions, size: Size, how: Resize) -> Dimensions:
    half = Decimal("0.5")
    with localcontext(prec=60, rounding=ROUND_HALF_UP):
        area, width, height = Decimal(repr(size.megapixels)) * 1_000_000, Decimal(source[0]), Decimal(source[1])
        is_met = (width - half) * (height - half) <= area < (width + half) * (height + half)
        if is_met or limited((int(area * 10**6), int(width * height) * 10**6), size, how) == (1, 1):
            return source
        across, down = (int((area * ratio).sqrt().to_integral_value()) for ratio in (width / height, height / width))
    if not across or not down:
        return (int(area), 1) if across else (1, int(area))
    return across, down


def covering(source: Dimensions, box: Dimensions, size: Size, how: Resize) -> Dimensions:
    (width, height), (across, down) = source, box
    scale = (across, width) if across * height >= down * width else (down, height)
    if limited(scale, size, how) == scale:
        return box
    if scale[0] < scale[1]:
        return source
    if across * height >= down * width:
        return source if nearest(height * across, down) == width else (width, nearest(width * down, across))
    return source if nearest(width * down, across) == height else (nearest(height * across, down), height)


def boxed(source: Dimensions, box: Dimensions, size: Size, how: Resize) -> Dimensions:
    fit = size.fit or how.fit
    ratios = (box[0], source[0]), (box[1], source[1])
    if fit is Fit.COVER:
        return covering(source, box, size, how)
    if fit is Fit.FILL:
        return stretched(source, ratios, size, how)
    is_wide_box = box[0] * source[1] > box[1] * source[0]
    return scaled(source, limited(ratios[is_wide_box != (fit is Fit.OUTSIDE)], size, how))


def stretched(source: Dimensions, ratios: tuple[Scale, Scale], size: Size, how: Resize) -> Dimensions:
    (one, by), (other, down_by) = (limited(ratio, size, how) for ratio in ratios)
    return nearest(source[0] * one, by), nearest(source[1] * other, down_by)


def expected(source: Dimensions, size: Size, how: Resize) -> Dimensions:
    if size.width and size.height:
        return boxed(source, (size.width, size.height), size, how)
    if size.scale:
        thousandths = (round(size.scale[0] * 1000), 100_000), (round(size.scale[1] * 1000), 100_000)
        return stretched(source, thousandths, size, how)
    if size.megapixels:
        return with_area(source, size, how)
    if (size.width or size.height) and (size.fit or how.fit) is Fit.FILL:
        return boxed(source, (size.width or source[0], size.height or source[1]), size, how)
    given_side = size.width or size.height or size.long_edge or size.short_edge
    of = source[0] if size.width else source[1] if size.height else max(source) if size.long_edge else min(source)
    return scaled(source, limited((given_side or of, of), size, how))


@pytest.mark.slow
@pytest.mark.parametrize("fit", Fit)
@settings(max_examples=500, deadline=None)
@given(source=pairs, size=targets | scales, enlarge=st.booleans())
@example(source=(3000, 1), size=Size(width=100, height=100), enlarge=False)
@example(source=(10_000, 1), size=Size(megapixels=0.0001), enlarge=False)
@example(source=(1, 10_000), size=Size(megapixels=0.0001), enlarge=False)
@example(source=(500, 3), size=Size(scale=(0.3, 50.0)), enlarge=False)
@example(source=(54, 100), size=Size(width=100, height=10), enlarge=False)
def test_the_size_follows_the_formula(fit: Fit, source: Dimensions, size: Size, enlarge: bool) -> None:
    how = Resize(fit=fit, enlarge=enlarge)
    plan = layout(source, size, how)
    assert plan.source == source
    assert plan.scaled == expected(source, size, how)


@pytest.mark.slow
@settings(max_examples=500, deadline=None)
@given(pairs, targets, plain_hows)
@example((54, 100), Size(width=100, height=10), Resize(fit=Fit.COVER))
@example((1000, 100), Size(megapixels=0.0011025), Resize())
def test_applying_a_layout_twice_changes_nothing(source: Dimensions, size: Size, how: Resize) -> None:
    once = layout(source, size, how)
    again = layout(once.canvas, size, how)
    assert again.is_unscaled
    assert again.canvas == once.canvas


@given(pairs, targets | scales, hows)
def test_areas_lie_within_their_bounds(source: Dimensions, size: Size, how: Resize) -> None:
    plan = layout(source, size, how)
    for start, length, side in zip(
        (plan.area.left, plan.area.top), (plan.area.width, plan.area.height), source, strict=True
    ):
        assert 0 <= start <= start + length <= side
    for offset, inner, outer in zip(plan.offset, plan.scaled, plan.canvas, strict=True):
        assert 0 <= offset <= outer - inner
        assert inner >= 1
    assert plan.share == (plan.area.width / source[0], plan.area.height / source[1])


@given(pairs, pairs, hows)
def test_fit_invariants(source: Dimensions, box: Dimensions, how: Resize) -> None:
    plan = layout(source, Size(width=box[0], height=box[1]), how)
    is_larger = [have > want for have, want in zip(plan.scaled, box, strict=True)]
    if how.fit in {Fit.INSIDE, Fit.CONTAIN, Fit.COVER, Fit.FILL}:
        assert not any(is_larger)
    if how.fit is Fit.CONTAIN:
        assert plan.canvas == box
    if how.fit is Fit.OUTSIDE and how.enlarge:
        assert all(have >= want for have, want in zip(plan.scaled, box, strict=True))
    if how.fit in {Fit.COVER, Fit.FILL} and how.enlarge:
        assert plan.scaled == box
    if not how.enlarge:
        assert plan.scaled[0] <= plan.area.width
        assert plan.scaled[1] <= plan.area.height


@given(pairs, boxes, hows.filter(lambda how: how.fit in {Fit.INSIDE, Fit.OUTSIDE, Fit.CONTAIN}))
def test_the_aspect_ratio_is_kept_to_half_a_pixel(source: Dimensions, size: Size, how: Resize) -> None:
    (width, height), plan = source, layout(source, size, how)
    off = min(
        abs(plan.scaled[1] - Fraction(plan.scaled[0] * height, width)),
        abs(plan.scaled[0] - Fraction(plan.scaled[1] * width, height)),
    )
    assert off <= Fraction(1, 2) or 1 in plan.scaled


@pytest.mark.slow
@given(pairs, pairs, hows)
def test_cover_does_not_stretch(source: Dimensions, box: Dimensions, how: Resize) -> None:
    plan = layout(source, Size(width=box[0], height=box[1], fit=Fit.COVER), how)
    assert plan.area.width / plan.scaled[0] == plan.area.height / plan.scaled[1]
    assert plan.area.width == source[0] or plan.area.height == source[1]
    if plan.is_unscaled:
        assert plan.area.left.denominator == plan.area.top.denominator == 1


@pytest.mark.parametrize(
    ("gravity", "left"), [("center", 250), ("west", 0), ("north-west", 0), ("east", 500), ("attention", 250)]
)
def test_cover_follows_gravity(gravity: str, left: int) -> None:
    plan = layout((1000, 500), Size(width=800, height=800), Resize(fit=Fit.COVER, gravity=Gravity(gravity)))
    assert plan.scaled == (500, 500)
    assert plan.area == Region(Fraction(left), Fraction(0), Fraction(500), Fraction(500))


@pytest.mark.parametrize(("across", "left"), [(0, 0), (0.1, 0), (0.3, 50), (0.5, 250), (0.75, 500), (1, 500)])
def test_cover_centers_the_focus_within_the_borders(across: float, left: int) -> None:
    size, how = Size(width=100, height=100), Resize(fit=Fit.COVER, gravity=Gravity.EAST, focus=(across, 0.9))
    plan = layout((1000, 500), size, how)
    assert plan.area == Region(Fraction(left), Fraction(0), Fraction(500), Fraction(500))
    assert plan == layout((1000, 500), size, replace(how, focus=None), (Fraction(str(across)), Fraction(9, 10)))


@pytest.mark.parametrize(
    ("gravity", "offset"),
    [("center", (0, 15)), ("south", (0, 30)), ("north-east", (0, 0)), ("entropy", (0, 15)), ("attention", (0, 15))],
)
def test_contain_follows_gravity(gravity: str, offset: Dimensions) -> None:
    how = Resize(fit=Fit.CONTAIN, gravity=Gravity(gravity), focus=(1.0, 1.0))
    assert layout((100, 50), Size(width=60, height=60), how).offset == offset


@pytest.mark.parametrize(
    ("geometry", "source", "result"),
    [
        ("200x200<", (100, 50), (200, 100)),
        ("200x200<", (100, 500), (100, 500)),
        ("200x200<", (400, 300), (400, 300)),
        ("200x200^<", (100, 500), (200, 1000)),
        ("200x200!<", (100, 500), (200, 500)),
        ("200x200!>", (100, 500), (100, 200)),
        ("200x200^>", (100, 500), (100, 500)),
        ("150%", (101, 51), (152, 77)),
        ("30000@", (400, 300), (200, 150)),
    ],
)
def test_mogrify_notation_matches_mogrify(geometry: str, source: Dimensions, result: Dimensions) -> None:
    assert layout(source, Size.parse(geometry), Resize()).canvas == result


def test_a_picture_that_may_only_grow_is_not_cropped_or_padded() -> None:
    for fit in (Fit.COVER, Fit.CONTAIN):
        plan = layout((400, 300), Size(width=200, height=200, shrink=False), Resize(fit=fit))
        assert plan.is_unscaled
        assert plan.canvas == (400, 300)


@pytest.mark.parametrize(
    ("source", "size", "result"),
    [
        # Peers come out a pixel short here: a JPEG's decoder shrinks first and rounds down.
        ((500, 399), Size(width=100), (100, 80)),
        ((3279, 6016), Size(width=1800, height=1200), (654, 1200)),
        ((1500, 735), Size(width=300), (300, 147)),
        # These by cutting off what a float lacks of a whole number.
        ((165, 220), Size(width=300, enlarge=True), (300, 400)),
        ((2560, 1707), Size(width=1024), (1024, 683)),
        # Halves.
        ((2, 1001), Size(height=500), (1, 500)),
        ((1000, 3), Size(width=500), (500, 2)),
    ],
)
def test_no_side_is_off_by_one(source: Dimensions, size: Size, result: Dimensions) -> None:
    assert layout(source, size, Resize()).scaled == result
