"""From a recipe file to a Recipe, or to what is wrong on which line. Knows no key."""

import os

from forkresize.recipe import Recipe
from forkresize.recipefile.decode import decode_recipe
from forkresize.recipefile.errors import RecipeFileError
from forkresize.tomlfile import Document, TomlValueError, parse, read


def load_recipe(path: str | os.PathLike[str]) -> Recipe:
    """Return the recipe that a TOML file holds; paths in it are relative to its folder.

    Raises:
        RecipeFileError: it can't be read, is no TOML, or asks for what can't be met; names line and key.
    """
    name = os.fspath(path)
    return _recipe_in(read(name, RecipeFileError), os.path.dirname(name))


def loads(text: str, *, name: str = "<recipe>", folder: str = "") -> Recipe:
    """Return the recipe that a TOML text holds.

    Args:
        text: the TOML.
        name: what errors call it.
        folder: what paths in it are relative to.

    Raises:
        RecipeFileError: it is no TOML, or asks for what can't be met; names line and key.
    """
    return _recipe_in(parse(text, name, RecipeFileError), folder)


def _recipe_in(document: Document, folder: str) -> Recipe:
    try:
        return decode_recipe(document.data, folder)
    except TomlValueError as fault:
        raise document.blame(fault) from None
