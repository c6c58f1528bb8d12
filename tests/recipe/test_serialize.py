import json

import pytest

from forkresize.errors import FieldError
from forkresize.recipe import Recipe, Watermark, from_bytes, to_bytes


def test_a_recipe_is_json_with_a_version_and_tagged_steps() -> None:
    message = json.loads(to_bytes(Recipe.of(width=800, blur=2, format="webp")))
    assert message["version"] == 1
    assert [step["step"] for step in message["recipe"]["steps"]] == ["resize", "blur"]
    assert message["recipe"]["renditions"][0]["size"]["width"] == 800


def test_a_recipe_is_the_same_after_a_round_trip() -> None:
    recipe = Recipe.of(width=[800, 400], rotate=3, crop="8x6", watermark_text="© me", quality={"jpeg": 30}, scale=None)
    again = from_bytes(to_bytes(recipe))
    assert again == recipe
    assert again.fingerprint() == recipe.fingerprint()


def test_older_programs_read_recipes_that_drop_nothing() -> None:
    assert "drop" not in json.loads(to_bytes(Recipe.of(width=800)))["recipe"]
    recipe = Recipe.of(drop=["place", "people"])
    assert from_bytes(to_bytes(recipe)) == recipe


def test_older_programs_read_one_quality_for_all_formats() -> None:
    for quality in (70, {"jxl": 70}):
        recipe = Recipe.of(quality=quality)
        assert json.loads(to_bytes(recipe))["recipe"]["renditions"][0]["quality"] == quality
        assert from_bytes(to_bytes(recipe)) == recipe


def test_a_path_may_hold_any_bytes() -> None:
    recipe = Recipe(steps=(Watermark(image="caf\udce9.png"),))
    assert from_bytes(to_bytes(recipe)) == recipe


@pytest.mark.parametrize(
    ("data", "error"),
    [
        (b"", "recipe: malformed recipe: "),
        (b"[" * 100_000, "recipe: malformed recipe: "),
        (b"\xff", "recipe: malformed recipe: "),
        (b"[]", "recipe: unsupported version None: this program reads version 1"),
        (b'{"version": 2}', "recipe: unsupported version 2: this program reads version 1"),
        (b'{"version": 1}', "recipe: Expected `object`"),
        (b'{"version": 1, "recipe": {"steps": [{"step": "melt"}]}}', "recipe: Invalid value 'melt'"),
        (b'{"version": 1, "recipe": {"colour": "srgb"}}', "recipe: Object contains unknown field `colour`"),
        (b'{"version": 1, "recipe": {"steps": [{"step": "blur", "radius": 0}]}}', "recipe: Expected `float` >= 0.1"),
        (
            b'{"version": 1, "recipe": {"renditions": [{"size": {"width": 1, "scale": [1, 1]}}]}}',
            "scale: cannot be combined with width",
        ),
    ],
)
def test_malformed_data_is_refused(data: bytes, error: str) -> None:
    with pytest.raises(FieldError) as caught:
        from_bytes(data)
    assert str(caught.value).startswith(error)
