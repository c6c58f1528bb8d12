import pickle
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forkresize.errors import FieldError
from forkresize.exit_policy import ExitCode, exit_code_for_error
from forkresize.recipe import (
    Blur,
    Border,
    Color,
    Crop,
    Drop,
    Fit,
    Format,
    Gravity,
    Grayscale,
    Metadata,
    Recipe,
    Rendition,
    Resize,
    Size,
    Step,
    Trim,
    Watermark,
)


def test_choices_may_be_strings() -> None:
    plain: dict[str, Any] = {"color": "keep", "metadata": "none"}
    recipe = Recipe(**plain)
    assert (recipe.color, recipe.metadata) == (Color.KEEP, Metadata.NONE)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("color", "red"),
        ("metadata", "some"),
        ("animation", "last"),
        ("on_truncated", "ignore"),
        ("if_larger", "no"),
        ("background", (0, 0, 256, 255)),
        ("background", (0, 0, -1, 255)),
        ("background", (0, 0, 0.5, 255)),
        ("background", (0, 0, 0)),
        ("max_pixels", 0),
        ("max_pixels", 1.5),
        ("max_frames", 0),
        ("max_file_size", 0),
        ("renditions", ()),
        ("steps", (Resize(), Resize(fit=Fit.COVER))),
    ],
)
def test_a_value_out_of_range_is_refused_with_its_field(field: str, value: object) -> None:
    with pytest.raises(FieldError, match=f"^{field}: ") as refusal:
        Recipe(**{field: value})  # type: ignore[arg-type]
    assert refusal.value.field == field
    assert exit_code_for_error(refusal.value) is ExitCode.USAGE


@pytest.mark.parametrize(
    ("steps", "before"),
    [
        ((), 0),
        ((Crop(width=1, height=1), Trim()), 2),
        ((Crop(width=1, height=1), Blur(radius=2)), 1),
        ((Border(width=3), Crop(width=1, height=1)), 0),
    ],
)
def test_an_implicit_resize_is_inserted_where_the_command_line_has_it(steps: tuple[Step, ...], before: int) -> None:
    recipe = Recipe(steps=steps)
    assert (recipe.steps_before_resize, recipe.resize, recipe.steps_after_resize) == (
        steps[:before],
        Resize(),
        steps[before:],
    )


def test_an_explicit_resize_stays_in_place() -> None:
    steps = (Grayscale(), Resize(fit=Fit.FILL), Crop(width=1, height=1))
    recipe = Recipe(steps=steps)
    assert (recipe.steps, recipe.steps_before_resize, recipe.steps_after_resize) == (steps, steps[:1], steps[2:])


def test_tuples_may_be_lists() -> None:
    given: dict[str, Any] = {"steps": [Trim()], "renditions": [Rendition()], "background": [0, 0, 0, 0]}
    assert Recipe(**given) == Recipe(steps=(Trim(),), background=(0, 0, 0, 0))


@pytest.mark.parametrize(
    "asked",
    [{"width": 1}, {"height": 1}, {"format": "png"}, {"quality": 50}, {"trim": True}, {"metadata": "none"}],
)
def test_a_size_a_format_a_step_or_metadata_is_not_a_noop(asked: dict[str, Any]) -> None:
    assert not Recipe.of(**asked).is_noop
    assert Recipe(steps=(Resize(enlarge=True),)).is_noop


@given(st.integers(1, 5000), st.integers(1, 5000), st.sampled_from(Fit), st.integers(1, 100))
def test_the_fingerprint_changes_if_the_outputs_change(width: int, other: int, fit: Fit, quality: int) -> None:
    box = {"height": 7, "fit": fit}
    recipe = Recipe.of(width=width, quality=quality, **box)
    limits: Any = {"max_pixels": 7777, "max_frames": 8, "max_file_size": 9}
    same = Recipe.of(width=width, **box, quality=dict.fromkeys(("webp", "jpeg", "avif"), quality), **limits)
    assert recipe.fingerprint() == same.fingerprint()
    assert (recipe.fingerprint() == Recipe.of(width=other, quality=quality, **box).fingerprint()) == (width == other)


RECIPES = [
    Recipe(),
    Recipe(steps=(Border(width=3),)),
    Recipe(steps=(Blur(radius=3),)),
    Recipe(steps=(Resize(), Trim())),
    Recipe(steps=(Trim(), Resize())),
    Recipe(steps=(Resize(enlarge=True),)),
    Recipe(steps=(Watermark(image="x"),)),
    Recipe(steps=(Watermark(text="x"),)),
    Recipe(steps=(Watermark(image="\udcff"),)),
    Recipe(renditions=(Rendition(size=Size(width=3)),)),
    Recipe(renditions=(Rendition(size=Size(width=3)), Rendition(size=Size(height=3)))),
    Recipe(color=Color.KEEP),
    Recipe(background=(0, 0, 0, 0)),
]


def test_different_recipes_have_different_fingerprints() -> None:
    assert len({recipe.fingerprint() for recipe in RECIPES}) == len(RECIPES)


def test_equal_recipes_have_the_same_fingerprint() -> None:
    whole = Recipe(steps=(Blur(radius=3), Resize(focus=(1, 0))), renditions=(Rendition(size=Size(scale=(50, 50))),))
    point = Recipe(steps=(Blur(radius=3.0), Resize(focus=(1.0, 0.0))), renditions=(Rendition(size=Size.parse("50%")),))
    assert whole == point
    assert whole.fingerprint() == point.fingerprint()


def test_a_recipe_can_be_pickled() -> None:
    recipe = Recipe.of(width=800, quality={"avif": 40}, watermark_text="x", crop="3x3")
    assert pickle.loads(pickle.dumps(recipe)) == recipe  # noqa: S301 (our own bytes)


@pytest.mark.parametrize("drop", ["place,people", " people , place ", ["place", "people"], (Drop.PLACE, Drop.PEOPLE)])
def test_what_to_drop_is_a_text_or_a_list_in_any_order(drop: object) -> None:
    assert Recipe.of(drop=drop).drop == (Drop.PEOPLE, Drop.PLACE)


def test_nothing_is_dropped_by_default() -> None:
    assert Recipe().drop == Recipe.of(drop="none").drop == ()
    assert Recipe.of(drop="none").is_noop
    assert not Recipe.of(drop="place").is_noop


@pytest.mark.parametrize("drop", ["", "faces", "people,", "people;place", "none,place", ["faces"], 3])
def test_what_to_drop_must_be_known(drop: object) -> None:
    accepted = "use people, place, several as in people,place, or none"
    with pytest.raises(FieldError, match=f"^drop: invalid value .*: {accepted}"):
        Recipe.of(drop=drop)


def test_words_are_spelled_in_any_way() -> None:
    made = Recipe.of(width=8, height=8, fit="COVER", gravity="south east", format=["JPG", "webp"], quality={"jpg": 70})
    assert made == Recipe.of(
        width=8, height=8, fit="cover", gravity="south-east", format="jpeg,webp", quality="jpeg=70"
    )
    assert made.renditions[0].quality == {Format.JPEG: 70}
    assert made.resize == Resize(fit=Fit.COVER, gravity=Gravity.SOUTH_EAST)
    assert Resize(gravity="SouthEast").gravity is Gravity.SOUTH_EAST  # type: ignore[arg-type]
    assert Recipe.of(sharpen="Auto", width=8) == Recipe.of(sharpen="auto", width=8)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"widht": 8}, "widht: unknown option; did you mean width?"),
        ({"gravity": "bottom-left"}, "did you mean south-west?"),
        ({"format": "jpg,jpeg"}, "format: contains the same format twice"),
        ({"quality": "jpg=3,jpeg=4"}, "quality: contains the same format twice"),
        ({"quality": {"tif": 3}, "format": "jpg,png"}, "quality: 'tif' has no quality"),
        ({"scale": 0.5}, "scale: invalid percentage 0.5: use 50% for 0.5 times the size"),
        ({"scale": "0.5"}, "scale: invalid percentage '0.5': use 50% for 0.5 times the size"),
    ],
)
def test_what_cannot_be_meant_is_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(FieldError) as error:
        Recipe.of(**options)
    assert message in str(error.value)


def test_less_than_one_percent_needs_its_sign() -> None:
    [rendition] = Recipe.of(scale="0.5%").renditions
    assert rendition.size == Size(scale=(0.5, 0.5))
    assert Recipe.of(scale=(0.5, 0.5)) == Recipe.of(scale="0.5%")


@pytest.mark.parametrize(("limit", "pixels"), [(200_000_000, 200_000_000), ("200", 200_000_000), (1000, 1000)])
def test_the_limit_of_pixels_is_in_pixels_as_a_number_and_in_megapixels_as_a_text(limit: Any, pixels: int) -> None:
    assert Recipe.of(max_pixels=limit).max_pixels == pixels
    assert Recipe().with_options(max_pixels=limit).max_pixels == pixels


@pytest.mark.parametrize(
    ("limit", "message"),
    [
        (100, "100 is a number of pixels: use 100_000_000 for 100 megapixels, or '100'"),
        (0.5, "0.5 is a number of pixels: use 500_000 for 0.5 megapixels, or '0.5'"),
        ("100000000", "invalid number of megapixels '100000000': use 200 for 200 million pixels; at most 1000000"),
    ],
)
def test_megapixels_are_not_mistaken_for_pixels(limit: Any, message: str) -> None:
    for make in (Recipe.of, Recipe().with_options):
        with pytest.raises(FieldError) as caught:
            make(max_pixels=limit)
        assert str(caught.value) == f"max_pixels: {message}"
