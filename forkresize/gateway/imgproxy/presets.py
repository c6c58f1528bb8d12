"""Presets: recipe files by name, which URLs change by options."""

import re
from collections.abc import Mapping

from forkresize.errors import FieldError
from forkresize.recipe import Recipe
from forkresize.recipefile import load_recipe

DEFAULT = "default"
"""The name of the preset of URLs that name none."""

_NAME = re.compile(r"[A-Za-z0-9_.-]{1,64}", re.ASCII)


def load_presets(files: Mapping[str, str]) -> dict[str, Recipe]:
    """Return the recipes of presets.

    Args:
        files: paths of recipe files, by the name of the preset.

    Raises:
        FieldError: a name cannot be part of a URL, or a recipe makes several outputs.
        RecipeFileError: a file cannot be read, or holds an invalid recipe.
    """
    return {name: _load(name, path) for name, path in files.items()}


def _load(name: str, path: str) -> Recipe:
    if not _NAME.fullmatch(name):
        raise FieldError("preset", f"invalid name {name!r}: use 1 to 64 letters, digits, '-', '_' and '.'")
    recipe = load_recipe(path)
    if len(recipe.renditions) > 1:
        raise FieldError("preset", f"{name}={path}: has {len(recipe.renditions)} renditions; a preset needs one")
    return recipe
