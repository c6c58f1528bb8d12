"""From a parsed recipe file to a Recipe. msgspec checks every value against its declaration."""

import os
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, TypeVar

from msgspec import Struct
from msgspec.structs import asdict, replace

from forkresize.errors import FieldError
from forkresize.recipe import OPTIONS, STEPS, Recipe, Rendition, Resize, Size, Step
from forkresize.recipe.declaration import Declared, describe_type, format_value, parse_value, shorthand_kind
from forkresize.tomlfile import Path, TomlValueError
from forkresize.words import suggest

Made = TypeVar("Made", bound=Declared)

Kinds = Mapping[str, Any]
"""The type of each field that a table may hold."""

STEP_KINDS: Mapping[str, type[Step]] = {str(step.__struct_config__.tag): step for step in STEPS}

TOP: Kinds = Recipe.__annotations__

SIZE: Kinds = Size.__annotations__

OUTPUT: Kinds = {name: kind for name, kind in Rendition.__annotations__.items() if name != "size"}

RENDITION: Kinds = {"size": shorthand_kind(Size), **SIZE, **OUTPUT}

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
    section = next((section for section, fields in _SECTIONS.items() if field in fields), None)
    if section is not None:
        return f"unknown key here; it belongs {section}"
    names = list(map(key_name, known))
    advice = suggest(field, names) or f"; the keys here are: {', '.join(names) or 'none'}"
    return f"unknown key{advice}"


class _Table(Struct, frozen=True):
    """A table of the file: its path, its values by field, and the spelling of its keys."""

    path: Path
    values: dict[str, Any]
    keys: Mapping[str, str]

    def error(self, field: str, message: str) -> TomlValueError:
        """Return an error about a field, or about the whole table if the field is not in it."""
        return TomlValueError((*self.path, self.keys[field]) if field in self.keys else self.path, message)

    def make(self, kind: type[Made], values: Mapping[str, Any]) -> Made:
        """Return an instance with these values.

        Raises:
            TomlValueError: a value is missing, or contradicts another.
        """
        try:
            return kind(**values)
        except TypeError as error:
            raise TomlValueError(self.path, str(error)) from None
        except FieldError as error:
            raise self.error(error.field.removeprefix(kind.prefix), error.message) from None


def decode_recipe(data: dict[str, Any], folder: str) -> Recipe:
    """Return the recipe that a parsed file holds, its paths relative to a folder.

    Raises:
        TomlValueError: the recipe is invalid.
    """
    lists = {field_name(key): key for key in data if field_name(key) in {"steps", "renditions"}}
    table = _read({key: value for key, value in data.items() if key not in lists.values()}, (), TOP)
    values = dict(table.values)
    if "steps" in lists:
        tables = _tables(data[lists["steps"]], lists["steps"])
        values["steps"] = tuple(_resolve_paths(_step(each, path), folder) for path, each in tables)
    if "renditions" in lists:
        tables = _tables(data[lists["renditions"]], lists["renditions"])
        values["renditions"] = tuple(_rendition(each, path) for path, each in tables)
    return _Table((), values, {**table.keys, **lists}).make(Recipe, values)


def _read(data: dict[str, Any], path: Path, kinds: Kinds) -> _Table:
    values: dict[str, Any] = {}
    keys: dict[str, str] = {}
    for key, value in data.items():
        field = field_name(key)
        if field not in kinds:
            raise TomlValueError((*path, key), unknown_key_error(field, kinds))
        if field in values:
            raise TomlValueError((*path, key), f"already set as {keys[field]}")
        values[field] = _parse(kinds[field], value, (*path, key))
        keys[field] = key
    return _Table(path, values, keys)


def _parse(kind: Any, value: Any, path: Path) -> Any:
    try:
        return parse_value(kind, value)
    except FieldError as error:
        raise TomlValueError(path, error.message) from None
    except ValueError as error:
        raise TomlValueError(path, str(error)) from None


def _tables(value: Any, key: str) -> Iterator[tuple[Path, dict[str, Any]]]:
    """Yield the tables of an array of tables, each with its path."""
    if not isinstance(value, list):
        raise TomlValueError((key,), f"must be an array of tables; start each with [[{key}]]")
    for number, each in enumerate(value):
        if not isinstance(each, dict):
            raise TomlValueError((key, number), f"must be a table; start it with [[{key}]]")
        yield (key, number), each


def _step(data: dict[str, Any], path: Path) -> Step:
    for key in data:
        if field_name(key) not in STEP_KINDS:
            raise TomlValueError((*path, key), unknown_key_error(field_name(key), STEP_KINDS))
    if len(data) != 1:
        names = " and ".join(data) or "none"
        raise TomlValueError(path, f"a step has one key, its name, not {names}; start each step with [[steps]]")
    [(key, value)] = data.items()
    kind = STEP_KINDS[field_name(key)]
    path = (*path, key)
    if isinstance(value, dict):
        table = _read(value, path, kind.__annotations__)
        return table.make(kind, table.values)
    return _from_shorthand(kind, value, path)


def _from_shorthand(kind: type[Step], value: Any, path: Path) -> Step:
    """Return a step that is written as one value."""
    short, whole = kind.shorthand, shorthand_kind(kind)
    fields = ", ".join(map(key_name, kind.__annotations__))
    table = f"a table of {fields}" if fields else "an empty table"
    try:
        parsed = False if value is False and short is not None and short.bare else parse_value(whole, value)
    except FieldError as error:
        raise TomlValueError(path, error.message) from None
    except ValueError:
        forms = table if whole is None else f"{describe_type(whole)}, or {table}"
        raise TomlValueError(path, f"invalid value {format_value(value)}: use {forms}") from None
    if parsed is None or parsed is False:
        raise TomlValueError(path, "has no effect; remove the step")
    values = {short.field: parsed} if short is not None and short.field else {}
    return parsed if isinstance(parsed, kind) else _Table(path, values, {}).make(kind, values)


def _resolve_paths(step: Step, folder: str) -> Step:
    """Make the paths of a step relative to a folder."""
    options = (option for option in OPTIONS.values() if isinstance(step, option.owner) and option.declaration.is_path)
    paths = {option.field: path for option in options if (path := getattr(step, option.field))}
    return replace(step, **{field: os.path.join(folder, path) for field, path in paths.items()}) if paths else step


def _rendition(data: dict[str, Any], path: Path) -> Rendition:
    table = _read(data, path, RENDITION)
    outputs = {field: value for field, value in table.values.items() if field in OUTPUT}
    return table.make(Rendition, {"size": _size(table), **outputs})


def _size(table: _Table) -> Size:
    values = {field: value for field, value in table.values.items() if field in SIZE}
    whole = table.values.get("size", Size())
    for field in values:
        if getattr(whole, field) != getattr(Size(), field):
            raise table.error(field, "cannot be combined with size, which specifies it too")
    return table.make(Size, asdict(whole) | values)
