"""From a recipe file to a Recipe, or to an error with file, line and key."""

import os

from forkresize.recipe import Recipe
from forkresize.recipefile.decode import decode_recipe
from forkresize.tomlfile import Document, TomlFileError, TomlValueError, parse, read


class RecipeFileError(TomlFileError):
    """A recipe file cannot be read, or holds an invalid recipe."""


def load_recipe(path: str | os.PathLike[str]) -> Recipe:
    """Return the recipe that a TOML file holds; paths in it are relative to its folder.

    Raises:
        RecipeFileError: the file cannot be read, or holds an invalid recipe; names line and key.
    """
    name = os.fspath(path)
    return _decode(read(name, RecipeFileError), os.path.dirname(name))


def loads(text: str, *, name: str = "<recipe>", folder: str = "") -> Recipe:
    """Return the recipe that a TOML text holds.

    Args:
        text: the TOML.
        name: the name of the file in errors.
        folder: the folder that paths in it are relative to.

    Raises:
        RecipeFileError: the text is malformed, or holds an invalid recipe; names line and key.
    """
    return _decode(parse(text, name, RecipeFileError), folder)


def _decode(document: Document, folder: str) -> Recipe:
    try:
        return decode_recipe(document.data, folder)
    except TomlValueError as error:
        raise document.error_at(error) from None
