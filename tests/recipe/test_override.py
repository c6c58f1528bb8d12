"""Options on top of a recipe: what each replaces, what it leaves, and what is ambiguous."""

from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from forkresize.errors import ConflictError, FieldError
from forkresize.recipe import Blur, Crop, Grayscale, Recipe, Rendition, Resize, Size, Step, Watermark

WEB = Recipe.of(width=[400, 800], format=["webp", "jpeg"], quality=60, progressive=True, metadata="all", grayscale=True)

CHOICES: dict[str, list[Any]] = {
    "width": [5, [5, 6], [7, 8, 9]],
    "height": [5, [6, 7]],
    "long_edge": [50],
    "format": ["webp", ["webp", "jpeg"], ["keep", "avif"], "jpeg"],
    "quality": [10, 90],
    "ssim": [0.9],
    "max_bytes": ["300K"],
    "lossless": [True],
    "progressive": [True],
    "effort": [3],
    "rotate": [90],
    "crop": ["8x8", "5x6+7+8"],
    "fit": ["cover", "fill"],
    "enlarge": [True],
    "blur": [2, 3.5],
    "sharpen": ["auto", "1,80,3"],
    "border": [4],
    "watermark": ["/logo.png"],
    "watermark_text": ["me"],
    "watermark_opacity": [0.2, 0.9],
    "metadata": ["none", "all"],
    "background": ["#102030"],
    "max_pixels": ["5"],
}


@st.composite
def few_options(draw: st.DrawFn) -> dict[str, Any]:
    """Return a few options: of many, some would exclude each other in most examples."""
    names = draw(st.lists(st.sampled_from(list(CHOICES)), max_size=4, unique=True))
    return {name: draw(st.sampled_from(CHOICES[name])) for name in names}


def sizes(recipe: Recipe) -> list[tuple[int | None, int | None]]:
    return [(each.size.width, each.size.height) for each in recipe.renditions]


@pytest.mark.slow
@given(first=few_options(), second=few_options())
def test_options_on_top_of_others_make_the_recipe_of_both(first: dict[str, Any], second: dict[str, Any]) -> None:
    # An option without its step leaves nothing in a recipe.
    assume("watermark_opacity" not in first or {"watermark", "watermark_text"} & first.keys())
    try:
        expected = Recipe.of(**first | second)
        base = Recipe.of(**first)
    except FieldError:
        assume(False)
    # Without a recipe, a format that has no such option refuses it; on top of a recipe, it is left out.
    try:
        found = base.with_options(**second)
    except FieldError as error:
        assert "has no effect" in error.message or "does not apply" in error.message, error  # noqa: PT017
        return
    assert found == expected


@given(first=few_options())
def test_no_options_change_nothing(first: dict[str, Any]) -> None:
    try:
        recipe = Recipe.of(**first)
    except FieldError:
        assume(False)
    assert recipe.with_options() == recipe


def test_new_sizes_replace_the_sizes_in_all_formats() -> None:
    recipe = WEB.with_options(width="500,600,700")
    assert sizes(recipe) == [(500, None)] * 2 + [(600, None)] * 2 + [(700, None)] * 2
    assert [each.format for each in recipe.renditions] == ["webp", "jpeg"] * 3
    assert recipe == WEB.with_options(width=[500, 600, 700])
    assert WEB.with_options(long_edge=50).renditions[1].size == Size(long_edge=50)
    assert WEB.with_options(size="50x60!").renditions[0].size == Size.parse("50x60!")


def test_one_side_of_a_box_keeps_the_other() -> None:
    assert sizes(WEB.with_options(height=300)) == [(400, 300)] * 2 + [(800, 300)] * 2
    boxes = Recipe.of(width=[400, 800], height=[300, 600])
    assert sizes(boxes.with_options(height=100)) == [(400, 100), (800, 100)]
    assert sizes(boxes.with_options(width=100)) == [(100, 300), (100, 600)]
    assert sizes(Recipe.of(width=[4, 8], height=3).with_options(width=9)) == [(9, 3)]
    with pytest.raises(FieldError, match="width: has 3 values, but the recipe has 2 heights; specify one"):
        boxes.with_options(width=[1, 2, 3])


def test_new_formats_are_made_in_all_sizes_with_the_options_that_they_have() -> None:
    recipe = WEB.with_options(format=["jpeg", "png"])
    assert sizes(recipe) == [(400, None)] * 2 + [(800, None)] * 2
    assert recipe.renditions[0] == WEB.renditions[1]
    assert recipe.renditions[1] == Rendition(size=Size(width=400), format="png")  # type: ignore[arg-type]
    assert [each.format for each in WEB.with_options(format="keep").renditions] == [None, None]


def test_encoder_options_change_the_formats_that_have_them() -> None:
    recipe = WEB.with_options(quality="webp=44", progressive=False, effort=9)
    assert [each.quality_for("webp") for each in recipe.renditions] == [44, 85, 44, 85]
    assert [each.quality_for("jpeg") for each in recipe.renditions[1::2]] == [60, 60]
    assert not any(each.progressive for each in recipe.renditions)
    assert {each.effort for each in recipe.renditions} == {9}
    with pytest.raises(FieldError, match="palette: does not apply to webp"):
        WEB.with_options(palette=8)
    with pytest.raises(FieldError, match="quality: does not apply to webp"):
        WEB.with_options(quality="avif=8")


def test_what_decides_on_the_quality_replaces_what_decided_before() -> None:
    recipe = Recipe.of(max_bytes="300K").with_options(ssim=0.9)
    assert (recipe.renditions[0].max_bytes, recipe.renditions[0].ssim) == (None, 0.9)
    with pytest.raises(ConflictError):
        Recipe.of(max_bytes="300K").with_options(ssim=0.9, lossless=True)


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"blur": 3}, (Crop(width=9, height=9), Blur(radius=3), Resize(), Grayscale())),
        ({"blur": None}, (Crop(width=9, height=9), Resize(), Grayscale())),
        ({"crop": "5x6"}, (Crop(width=5, height=6), Blur(radius=2), Resize(), Grayscale())),
        ({"grayscale": False}, (Crop(width=9, height=9), Blur(radius=2), Resize())),
        ({"fit": "fill"}, (Crop(width=9, height=9), Blur(radius=2), Resize(fit="fill"), Grayscale())),  # type: ignore[arg-type]
        (
            {"watermark_text": "x"},
            (Crop(width=9, height=9), Blur(radius=2), Resize(), Grayscale(), Watermark(text="x")),
        ),
        ({"metadata": "all"}, (Crop(width=9, height=9), Blur(radius=2), Resize(), Grayscale())),
    ],
)
def test_steps_are_changed_where_they_are(options: dict[str, Any], expected: tuple[Step, ...]) -> None:
    # A blur before the resize, as only a recipe file can ask for.
    recipe = Recipe(steps=(Crop(width=9, height=9), Blur(radius=2), Resize(), Grayscale()))
    assert recipe.with_options(**options).steps == expected


def test_a_watermark_keeps_its_place_and_opacity_when_its_image_changes() -> None:
    mark = Watermark(text="x", opacity=0.2, font="/f.ttf")
    recipe = Recipe(steps=(mark,))
    assert recipe.with_options(watermark="/l.png").steps[-1] == Watermark(image="/l.png", opacity=0.2)
    assert recipe.with_options(watermark_text="y").steps[-1] == Watermark(text="y", opacity=0.2, font="/f.ttf")
    assert recipe.with_options(watermark_opacity=0.7).steps[-1] == Watermark(text="x", opacity=0.7, font="/f.ttf")
    assert len(recipe.with_options(watermark_text=None).steps) == 1


def test_what_is_ambiguous_or_without_effect_is_refused() -> None:
    with pytest.raises(FieldError, match="watermark_opacity: has no effect: it requires watermark or watermark_text"):
        WEB.with_options(watermark_opacity=0.5)
    several = Recipe(steps=(Blur(radius=1), Resize(), Blur(radius=2)))
    with pytest.raises(FieldError, match="blur: the recipe has 2 steps of this kind; change it in the recipe"):
        several.with_options(blur=3)
    different = Recipe(
        renditions=(Rendition(size=Size(width=4), quality=50), Rendition(size=Size(width=8), quality=70))
    )
    with pytest.raises(FieldError, match="width: the recipe has different encoder options for its sizes"):
        different.with_options(width=9)
    with pytest.raises(FieldError, match="widht: unknown option; did you mean width"):
        WEB.with_options(widht=9)
    with pytest.raises(FieldError, match="format: contains the same format twice"):
        WEB.with_options(format="webp,webp")
