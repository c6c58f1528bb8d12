"""From the text of a recipe file to a Recipe, or to what is wrong on which line. Knows no key."""

import os
import re
import tomllib
from typing import Any

from forkresize.recipe import Recipe
from forkresize.recipefile.assembling import recipe_of
from forkresize.recipefile.fault import Fault, RecipeFileError, key_of
from forkresize.recipefile.locating import line_of, walk

_LARGEST = 2**63
"""TOML's whole numbers have 64 bits."""


def load_recipe(path: str | os.PathLike[str]) -> Recipe:
    """Return the recipe that a TOML file holds; paths in it are relative to its folder.

    Raises:
        RecipeFileError: it can't be read, is no TOML, or asks for what can't be met; names line and key.
    """
    name = os.fspath(path)
    try:
        with open(name, "rb") as file:
            content = file.read()
    except OSError as error:
        raise RecipeFileError(name, error.strerror or str(error)) from error
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise RecipeFileError(name, "is not encoded in UTF-8", line=line) from None
    return loads(text, name=name, folder=os.path.dirname(name))


def loads(text: str, *, name: str = "<recipe>", folder: str = "") -> Recipe:
    """Return the recipe that a TOML text holds.

    Args:
        text: the TOML.
        name: what errors call it.
        folder: what paths in it are relative to.

    Raises:
        RecipeFileError: it is no TOML, or asks for what can't be met; names line and key.
    """
    data = _parsed(text, name)
    try:
        _refuse_huge_numbers(data)
        return recipe_of(data, folder)
    except Fault as fault:
        line = line_of(text, fault.path)
        raise RecipeFileError(name, fault.message, line=line, key=key_of(fault.path)) from None


def _parsed(text: str, name: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        message, line = _told(str(error), text)
        raise RecipeFileError(name, message, line=line) from None
    except ValueError:
        raise RecipeFileError(name, "holds a number of thousands of digits") from None
    except RecursionError:
        raise RecipeFileError(name, "holds arrays or tables nested hundreds deep") from None


def _told(message: str, text: str) -> tuple[str, int]:
    """Return what tomllib says is wrong, and on which line."""
    told, _, place = message.rpartition(" (at ")
    line = re.match(r"line (\d+)", place)
    return told, int(line[1]) if line else text.rstrip().count("\n") + 1


def _refuse_huge_numbers(data: dict[str, Any]) -> None:
    for path, value in walk(data):
        if isinstance(value, int) and not -_LARGEST <= value < _LARGEST:
            raise Fault(path, "is a larger number than TOML has")
