"""Recipes of callers: options, JSON and presets; each mistake names its field, and no recipe names a file."""

import json

import pytest

from forkresize.gateway.problem import Problem
from forkresize.gateway.transform.client_recipe import TransformQuery, read_recipe
from forkresize.recipe import OPTIONS, Recipe

PRESETS = {"thumb": Recipe.of(width=80, format="webp"), "logo": Recipe.of(width=80, watermark="/srv/logo.png")}


def read(*fields: tuple[str, str]) -> Recipe:
    return read_recipe(fields, PRESETS)


@pytest.mark.parametrize(
    ("fields", "recipe"),
    [
        ([("width", "80"), ("fit", "inside")], Recipe.of(width=80)),
        ([("max-bytes", "20K"), ("format", "jpeg")], Recipe.of(max_bytes=20_000, format="jpeg")),
        ([("max_bytes", "20K"), ("format", "jpeg")], Recipe.of(max_bytes=20_000, format="jpeg")),
        ([("preset", "thumb")], PRESETS["thumb"]),
        ([("preset", "thumb"), ("quality", "60")], Recipe.of(width=80, format="webp", quality=60)),
        ([("preset", "logo")], PRESETS["logo"]),
        ([("recipe", '{"renditions": [{"width": 80, "format": "webp"}]}')], PRESETS["thumb"]),
        ([("recipe", '{"steps": [{"blur": 2}], "metadata": "none"}')], Recipe.of(blur=2, metadata="none")),
        ([("recipe", '{"steps": [{"blur": 2}]}'), ("blur", "3")], Recipe.of(blur=3)),
        ([("watermark_text", "© me")], Recipe.of(watermark_text="© me")),
    ],
)
def test_a_recipe_is_what_the_fields_say(fields: list[tuple[str, str]], recipe: Recipe) -> None:
    assert read(*fields) == recipe


FILE = {"watermark": {"image": "/etc/passwd", "scale": 10}}


@pytest.mark.parametrize(
    ("fields", "status", "field", "detail"),
    [
        ([("width", "wide")], 400, "width", "invalid value 'wide'"),
        ([("widht", "80")], 400, "widht", "did you mean width"),
        ([("width", "80"), ("width", "90")], 400, "width", "given twice"),
        ([("max-bytes", "1K"), ("max_bytes", "1K")], 400, "max_bytes", "given twice"),
        ([("width", "80"), ("gravity", "north")], 400, "gravity", "requires fit=cover"),
        ([("preset", "none")], 400, "preset", "this gateway has: logo, thumb"),
        ([("preset", "thumb"), ("recipe", "{}")], 400, "preset", "cannot be combined"),
        ([], 422, "recipe", "nothing to do"),
        ([("recipe", "{}")], 422, "recipe", "nothing to do"),
        ([("recipe", "{")], 400, "recipe", "not JSON"),
        ([("recipe", "[]")], 400, "recipe", "not a JSON object"),
        ([("recipe", "[" * 50_000)], 400, "recipe", "not JSON"),
        ([("recipe", '{"renditions": [{"width": "x"}]}')], 400, "recipe.renditions[0].width", "invalid value 'x'"),
        ([("recipe", '{"steps": [{"blurr": 1}]}')], 400, "recipe.steps[0].blurr", "did you mean blur"),
        ([("recipe", '{"steps": 7}')], 400, "recipe.steps", "must be an array"),
        ([("recipe", json.dumps({"steps": [{"blur": 1}] * 33}))], 400, "recipe.steps", "at most 32"),
        ([("width", "80"), ("format", "webp,jpeg")], 422, "renditions", "makes 2 pictures"),
        ([("watermark", "/etc/passwd")], 400, "watermark", "names a file"),
        ([("watermark-text", "x"), ("watermark-font", "/etc/passwd")], 400, "watermark_font", "names a file"),
        ([("preset", "thumb"), ("watermark", "logo.png")], 400, "watermark", "names a file"),
        ([("recipe", json.dumps({"steps": [{"watermark": "logo.png"}]}))], 400, "recipe.steps[0]", "names a file"),
        ([("recipe", json.dumps({"steps": [{"blur": 1}, FILE]}))], 400, "recipe.steps[1]", "names a file"),
        ([("recipe", json.dumps({"steps": [{"watermark": {"text": "x", "font": "f.ttf"}}]}))], 400, "recipe.steps[0]",
         "names a file"),
    ],
)  # fmt: skip
def test_a_mistake_names_its_field(fields: list[tuple[str, str]], status: int, field: str, detail: str) -> None:
    with pytest.raises(Problem) as found:
        read(*fields)
    assert (found.value.status, found.value.field) == (status, field)
    assert detail in found.value.detail


def test_the_document_of_the_api_has_every_field_that_is_read() -> None:
    described = set(TransformQuery.__struct_fields__)
    assert described == {"recipe", "preset"} | {name for name, each in OPTIONS.items() if not each.declaration.is_path}
    assert "watermark" not in described
    assert "watermark_text" in described
