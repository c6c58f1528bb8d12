"""Recipes of callers: the names of presets, and recipe files as JSON, which name no file."""

from collections.abc import Mapping
from typing import Any

from forkresize.errors import FieldError
from forkresize.recipe import Recipe, Resize, Watermark
from forkresize.recipefile.decode import decode_recipe
from forkresize.tomlfile import TomlValueError
from forkresize.tomlfile.errors import format_key

NAMES_FILE = "names a file, which only presets may do"

_MAX_STEPS = 32


def find_preset(name: str, presets: Mapping[str, Recipe]) -> Recipe:
    """Return the recipe of a preset.

    Raises:
        FieldError: there is none with this name.
    """
    if name not in presets:
        known = ", ".join(sorted(presets)) or "none"
        raise FieldError("preset", f"there is no preset {name!r}; this gateway has: {known}")
    return presets[name]


def decode_client_recipe(data: dict[str, Any]) -> Recipe:
    """Return the recipe in a JSON object, which has the keys of recipe files.

    Raises:
        FieldError: it is invalid, has too many steps, or names a file.
    """
    try:
        recipe = decode_recipe(data, "")
    except TomlValueError as error:
        key = format_key(error.path)
        raise FieldError(f"recipe.{key}" if key else "recipe", error.message) from error
    steps = recipe.steps
    if len(steps) > len(data.get("steps", ())):
        # The resize that every recipe has is not one of the caller's.
        steps = tuple(step for step in steps if not isinstance(step, Resize))
    if len(steps) > _MAX_STEPS:
        raise FieldError("recipe.steps", f"at most {_MAX_STEPS} steps are accepted")
    for number, step in enumerate(steps):
        if isinstance(step, Watermark) and (step.image or step.font):
            raise FieldError(f"recipe.steps[{number}]", f"the watermark {NAMES_FILE}")
    return recipe
