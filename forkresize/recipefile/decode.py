"""From a parsed recipe file to a Recipe: its steps and its renditions. Knows no file and no line."""

import os
from typing import Any

from msgspec.structs import fields, replace

from forkresize.recipe import Recipe, Rendition, Size, Step, Watermark
from forkresize.recipefile.schema import RENDITION, SIZE, STEPS, TOP, StepSyntax, field_name, key_name
from forkresize.recipefile.table import Table, parse_value, read_table, tables_in, unknown_key_error
from forkresize.tomlfile import Path, TomlValueError


def decode_recipe(data: dict[str, Any], folder: str) -> Recipe:
    """Return the recipe that a parsed file holds, its paths relative to a folder.

    Raises:
        Fault: it asks for what can't be met.
    """
    table = read_table(data, (), TOP)
    values = dict(table.values)
    if "steps" in values:
        steps = tables_in(table, "steps")
        values["steps"] = tuple(_resolve_paths(_step(each, path), folder) for path, each in steps)
    if "renditions" in values:
        values["renditions"] = tuple(_rendition(each, path) for path, each in tables_in(table, "renditions"))
    return table.made(Recipe, values)


def _step(data: dict[str, Any], path: Path) -> Step:
    for key in data:
        if field_name(key) not in STEPS:
            raise TomlValueError((*path, key), unknown_key_error(field_name(key), STEPS))
    if len(data) != 1:
        said = " and ".join(data) or "none"
        raise TomlValueError(path, f"a step has one key, its name, and here is {said}; head each step [[steps]]")
    [(name, value)] = data.items()
    return _parse_step(STEPS[field_name(name)], value, (*path, name))


def _parse_step(form: StepSyntax, value: Any, path: Path) -> Step:
    """Return the step that a value is written in a form of."""
    name = field_name(str(path[-1]))
    if isinstance(value, dict):
        table = read_table(value, path, form.keys)
        return table.made(form.step, table.values, prefix=f"{name}_")
    if form.sole is not None:
        values = {form.sole: parse_value(form.keys[form.sole], value, path)}
        return Table(path, values, {}).made(form.step, values)
    if value is True and form.bare is True:
        return Table(path, {}, {}).made(form.step, {})
    step: Step | None = None
    if form.notation is not None and isinstance(value, str):
        step = parse_value(form.notation, value, path)
    elif value is not False:
        raise TomlValueError(path, f"is no {name}; {_expected(form)} would do")
    if step is None:
        raise TomlValueError(path, "does nothing so; leave the step out")
    return step


def _expected(form: StepSyntax) -> str:
    table = f"a table of {', '.join(key_name(field) for field in form.keys)}" if form.keys else "an empty table"
    if form.notation is not None:
        return f"{form.notation.would_do}, or {table},"
    return table if form.bare is None else f"true, or {table},"


def _resolve_paths(step: Step, folder: str) -> Step:
    """Take the paths of a watermark to be relative to a folder."""
    if not isinstance(step, Watermark):
        return step
    image, font = (path and os.path.join(folder, path) for path in (step.image, step.font))
    return replace(step, image=image, font=font)


def _rendition(data: dict[str, Any], path: Path) -> Rendition:
    table = read_table(data, path, RENDITION)
    others = {field: value for field, value in table.values.items() if field not in SIZE and field != "size"}
    return table.made(Rendition, {"size": _size(table), **others})


def _size(table: Table) -> Size:
    values = table.only(SIZE)
    said = table.values.get("size", Size())
    for field in values:
        if getattr(said, field) != getattr(Size(), field):
            raise table.fault(field, "contradicts size, which says it too")
    return table.made(Size, {field.name: getattr(said, field.name) for field in fields(Size)} | values)
