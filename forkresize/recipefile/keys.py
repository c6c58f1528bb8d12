"""The keys of a recipe file, as the recipe declares them, and how they are spelled."""

from collections.abc import Iterable, Mapping
from typing import Any

from forkresize.recipe import STEPS, Recipe, Rendition, Resize, Size, Step
from forkresize.recipe.declaration import shorthand_kind

Kinds = Mapping[str, Any]
"""The type of each field that a table may hold."""

STEP_KINDS: Mapping[str, type[Step]] = {str(step.__struct_config__.tag): step for step in STEPS}

TOP: Kinds = Recipe.__annotations__

SIZE: Kinds = Size.__annotations__

OUTPUT: Kinds = {name: kind for name, kind in Rendition.__annotations__.items() if name != "size"}

GEOMETRY = "size"
"""The key of a whole size."""

RENDITION: Kinds = {GEOMETRY: shorthand_kind(Size), **SIZE, **OUTPUT}

_SECTIONS: Mapping[str, Iterable[str]] = {
    "at the top of the file, above all [[steps]] and [[renditions]]": TOP,
    "in [[steps]]": STEP_KINDS,
    "in [[renditions]]": RENDITION,
    "in the resize of [[steps]]": Resize.__annotations__,
}


def key_name(field: str) -> str:
    """Return the spelling of a field in a file."""
    return field.replace("_", "-")


def field_name(key: str) -> str:
    """Return the field of a key, which is spelled with hyphens or underscores."""
    return key.replace("-", "_")


def unknown_key_error(field: str, known: Iterable[str]) -> str:
    """Return an error message for an unknown key, with a suggestion."""
    from difflib import get_close_matches

    section = next((section for section, fields in _SECTIONS.items() if field in fields), None)
    if section is not None:
        return f"unknown key here; it belongs {section}"
    close = get_close_matches(field, known, n=1)
    if close:
        return f"unknown key; did you mean {key_name(close[0])}?"
    return f"unknown key; the keys here are: {', '.join(map(key_name, known)) or 'none'}"
