"""One output with a name of its own: its suffix decides the format."""

import os
from collections.abc import Mapping

from msgspec.structs import replace

from forkresize.errors import FieldError
from forkresize.formats import SPECS, Format
from forkresize.recipe import Recipe

_FORMATS: Mapping[str, str] = {suffix: name for name, spec in SPECS.items() for suffix in spec.suffixes}
"""File name suffix to the name of the format."""


def has_picture_suffix(path: str) -> bool:
    """Return whether a path ends like the file name of a picture."""
    return _format_of(path) is not None


def recipe_for_file(recipe: Recipe, source: str, path: str) -> Recipe:
    """Return a recipe whose one output has the format that the suffix of its path says.

    A path without the suffix of a picture leaves the recipe as it is. A format that a recipe cannot ask for is kept if
    the source has it too.

    Raises:
        FieldError: there are several outputs, the recipe asks for another format, or no file of this format can be
            written.
    """
    if len(recipe.renditions) > 1:
        raise FieldError("destination", f"{path!r} is one file for {len(recipe.renditions)} outputs: use a directory")
    named, rendition = _format_of(path), recipe.renditions[0]
    if named is None or named == rendition.format:
        return recipe
    if rendition.format is not None:
        raise FieldError(
            "destination", f"{path!r} must end in {rendition.format.suffix}: its format is {rendition.format}"
        )
    if named in set(Format):
        return replace(recipe, renditions=(replace(rendition, format=Format(named)),))
    if named == _format_of(source) and not SPECS[named].substitute:
        return recipe
    suffixes = ", ".join(each.suffix for each in Format)
    raise FieldError("destination", f"{path!r}: {named.upper()} files cannot be written; use one of {suffixes}")


def _format_of(path: str) -> str | None:
    return _FORMATS.get(os.path.splitext(path)[1].lower())
