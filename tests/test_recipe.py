import pickle
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forkresize.errors import ExitCode, FieldError
from forkresize.recipe import DEFAULT_QUALITY, Fit, Format, Gravity, Recipe


def test_words_may_be_plain_strings() -> None:
    recipe = Recipe.of(width=800, fit="cover", gravity="north-east", format="webp")  # type: ignore[arg-type]
    assert (recipe.fit, recipe.gravity, recipe.format) == (Fit.COVER, Gravity.NORTH_EAST, Format.WEBP)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("width", 0),
        ("width", -3),
        ("height", 100_001),
        ("fit", "snug"),
        ("format", "heic"),
        ("quality", 0),
        ("quality", 101),
        ("quality", {"png": 80}),
        ("quality", {"jpeg": 800}),
        ("quality", 80.5),
        ("width", 800.5),
        ("width", "800"),
        ("background", (0, 0, 256, 255)),
        ("background", (0, 0, 0)),
        ("max_pixels", 0),
    ],
)
def test_a_value_out_of_range_is_refused_by_the_name_of_its_field(field: str, value: object) -> None:
    with pytest.raises(FieldError, match=f"^{field}: ") as refusal:
        Recipe.of(**{field: value})  # type: ignore[arg-type]
    assert refusal.value.field == field
    assert refusal.value.exit_code is ExitCode.USAGE


@pytest.mark.parametrize(("output", "quality"), [("png", 80), ("jpeg", {"webp": 80})])
def test_a_quality_that_no_output_could_have_is_refused(output: str, quality: Any) -> None:
    with pytest.raises(FieldError, match=f"the format of the outputs, {output}"):
        Recipe.of(format=output, quality=quality)  # type: ignore[arg-type]


def test_one_quality_is_for_all_formats_that_have_one() -> None:
    recipe = Recipe.of(quality=42)
    assert {output: recipe.quality_for(output) for output in Format} == {
        Format.JPEG: 42,
        Format.PNG: None,
        Format.WEBP: 42,
        Format.AVIF: 42,
        Format.GIF: None,
        Format.TIFF: None,
    }


def test_a_format_without_a_quality_of_its_own_keeps_the_default() -> None:
    recipe = Recipe.of(quality={"jpeg": 42})
    assert recipe.quality_for("jpeg") == 42
    assert recipe.quality_for("webp") == DEFAULT_QUALITY["webp"]


@pytest.mark.parametrize("asked", [{"width": 1}, {"height": 1}, {"format": "png"}, {"quality": 50}])
def test_a_size_a_format_or_a_quality_is_something_to_do(asked: dict[str, int]) -> None:
    assert Recipe.of(**asked).asks_for_something  # type: ignore[arg-type]
    assert not Recipe.of(enlarge=True).asks_for_something


@given(st.integers(1, 5000), st.integers(1, 5000), st.sampled_from(Fit), st.integers(1, 100))
def test_the_fingerprint_changes_with_what_changes_an_output(width: int, other: int, fit: Fit, quality: int) -> None:
    recipe = Recipe.of(width=width, fit=fit, quality=quality)
    same = Recipe.of(width=width, fit=fit, quality=dict.fromkeys(("webp", "jpeg", "avif"), quality), max_pixels=7)
    assert recipe.fingerprint() == same.fingerprint()
    assert (recipe.fingerprint() == Recipe.of(width=other, fit=fit, quality=quality).fingerprint()) == (width == other)


def test_a_recipe_crosses_to_another_process() -> None:
    recipe = Recipe.of(width=800, quality={"avif": 40})
    assert pickle.loads(pickle.dumps(recipe)) == recipe  # noqa: S301 (our own bytes)
