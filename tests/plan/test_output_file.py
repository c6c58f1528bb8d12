"""The format of one output that has a name of its own."""

import pytest

from forkresize.errors import FieldError
from forkresize.plan import has_picture_suffix, recipe_for_file
from forkresize.recipe import Format, Recipe

SMALL = Recipe.of(width=8)


@pytest.mark.parametrize(
    ("path", "made"),
    [
        ("b.jpg", Format.JPEG),
        ("b.JPE", Format.JPEG),
        ("dir.png/b.tif", Format.TIFF),
        ("b.avif", Format.AVIF),
        ("b", None),
        ("b.tmp", None),
        ("b.bmp", None),
    ],
)
def test_the_suffix_decides_the_format(path: str, made: Format | None) -> None:
    recipe = recipe_for_file(SMALL, "a.dib.bmp", path)
    assert recipe.renditions[0].format == made
    assert recipe.renditions[0].size == SMALL.renditions[0].size


def test_a_format_of_the_recipe_stays() -> None:
    recipe = Recipe.of(width=8, format="webp")
    assert recipe_for_file(recipe, "a.jpg", "b.webp") is recipe
    assert recipe_for_file(recipe, "a.jpg", "b") is recipe


@pytest.mark.parametrize(
    ("path", "options", "message"),
    [
        ("b.png", {"format": "jpg"}, "'b.png' must end in .jpg: its format is jpeg"),
        ("b.heic", {}, "'b.heic': HEIF files cannot be written; use one of .jpg, .png"),
        ("b.bmp", {}, "BMP files cannot be written"),
        ("b.png", {"width": "8,9"}, "'b.png' is one file for 2 outputs: use a directory"),
    ],
)
def test_a_contradiction_is_refused(path: str, options: dict[str, str], message: str) -> None:
    with pytest.raises(FieldError, match=f"^destination: .*{message}"):
        recipe_for_file(Recipe.of(**options), "a.jpg", path)


def test_other_options_are_checked_against_the_format() -> None:
    with pytest.raises(FieldError, match="palette: does not apply to jpeg"):
        recipe_for_file(Recipe.of(palette=8), "a.png", "b.jpg")


@pytest.mark.parametrize(
    ("path", "is_picture"), [("a.JPG", True), ("a.heic", True), ("a.jpg/b", False), (".jpg", False)]
)
def test_a_picture_is_recognized_by_its_suffix(path: str, is_picture: bool) -> None:
    assert has_picture_suffix(path) is is_picture
