"""Requests for runs: what is accepted, and how errors name what is not."""

import json
from typing import Any

import pytest

from forkresize.gateway.runs.errors import InvalidRequestError
from forkresize.gateway.runs.request import decode_request, find_recipe
from forkresize.plan import OnCollision
from forkresize.recipe import Format, Recipe, Rendition, Size

PLAIN = {"sources": ["photos"], "destination": "web", "preset": "small"}
SMALL = Recipe(renditions=(Rendition(size=Size(width=80)),))


def decode(**changes: Any) -> Any:
    return decode_request(json.dumps({**PLAIN, **changes}).encode())


def find(recipe: Any) -> Recipe:
    return find_recipe(decode(preset=None, recipe=recipe), {})


def test_settings_have_the_defaults_of_the_command_and_a_time_limit() -> None:
    settings = decode().settings
    assert (settings.on_collision, settings.prune, settings.timeout, settings.retries) == (
        OnCollision.ERROR,
        False,
        60.0,
        1,
    )


def test_the_same_request_in_another_form_has_the_same_digest() -> None:
    text = '{"preset": "small",  "destination":"web","sources":["photos"], "settings": {"prune": false}}'
    assert decode_request(text.encode()).digest == decode().digest
    assert decode(settings={"prune": True}).digest != decode().digest


@pytest.mark.parametrize(
    ("changes", "field", "message"),
    [
        ({"sources": []}, "sources", "length >= 1"),
        ({"sources": ["photos"] * 2}, "sources", "named twice"),
        ({"sources": ["a"] * 101}, "sources", "length <= 100"),
        ({"sources": "photos"}, "sources", "Expected `array`"),
        ({"destination": 3}, "destination", "Expected `str`"),
        ({"url": "https://example.com/a.jpg"}, "", "unknown field `url`"),
        ({"settings": {"timeout": 0}}, "settings.timeout", "> 0"),
        ({"settings": {"retries": 11}}, "settings.retries", "<= 10"),
        ({"settings": {"on_collision": "guess"}}, "settings.on_collision", "guess"),
        ({"settings": {"workers": 4}}, "settings", "unknown field `workers`"),
        ({"settings": {"include": ["[a"]}}, "settings.include", "not a valid glob"),
    ],
)
def test_an_error_names_the_member(changes: dict[str, Any], field: str, message: str) -> None:
    with pytest.raises(InvalidRequestError) as found:
        decode(**changes)
    assert found.value.field == field
    assert message in found.value.message


@pytest.mark.parametrize("body", [b"", b"{", b"\xff", b"[" * 100_000, b'"x"', b"null"])
def test_a_body_that_is_not_an_object_is_refused(body: bytes) -> None:
    with pytest.raises(InvalidRequestError):
        decode_request(body)


def test_a_preset_is_a_recipe_of_the_gateway() -> None:
    assert find_recipe(decode(), {"small": SMALL}) == SMALL
    with pytest.raises(InvalidRequestError, match="no preset 'small'; this gateway has: large, tiny"):
        find_recipe(decode(), {"tiny": SMALL, "large": SMALL})


@pytest.mark.parametrize("recipe", [None, {"renditions": [{"width": 80}]}])
def test_a_request_has_either_a_recipe_or_a_preset(recipe: Any) -> None:
    preset = None if recipe is None else "small"
    with pytest.raises(InvalidRequestError, match="either a recipe or the name of a preset"):
        find_recipe(decode(preset=preset, recipe=recipe), {"small": SMALL})


def test_a_recipe_is_a_recipe_file_as_json() -> None:
    recipe = find({"steps": [{"grayscale": True}], "renditions": [{"width": 80, "format": "webp"}]})
    assert recipe.renditions == (Rendition(size=Size(width=80), format=Format.WEBP),)


@pytest.mark.parametrize(
    ("recipe", "field", "message"),
    [
        ({}, "recipe", "nothing to do"),
        ({"renditions": [{"width": -1}]}, "recipe.renditions[0].width", ""),
        ({"renditions": [{"widht": 1}]}, "recipe.renditions[0].widht", "did you mean width"),
        ({"renditions": 3}, "recipe.renditions", "array"),
        ({"renditions": [{"width": width} for width in range(1, 34)]}, "recipe.renditions", "at most 32"),
        ({"steps": [{"blur": 1}] * 33}, "recipe.steps", "at most 32"),
        ({"steps": [{"watermark": {"image": "/etc/passwd"}}]}, "recipe.steps[0]", "only presets may"),
        ({"steps": [{"watermark": {"text": "x", "font": "/etc/passwd"}}]}, "recipe.steps[0]", "only presets may"),
    ],
)
def test_an_error_names_the_key_of_the_recipe(recipe: Any, field: str, message: str) -> None:
    with pytest.raises(InvalidRequestError) as found:
        find(recipe)
    assert found.value.field == field
    assert message in found.value.message
