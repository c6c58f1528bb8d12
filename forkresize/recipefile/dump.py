"""From a Recipe to the text of a recipe file, which holds only what differs from the defaults."""

from typing import TYPE_CHECKING, Any

from msgspec.structs import fields, replace

from forkresize.recipe import Recipe, Rendition, Resize, Step
from forkresize.recipe.declaration import Declared, find_meta
from forkresize.recipefile.decode import key_name

if TYPE_CHECKING:
    from tomlkit.items import AoT, InlineTable


def dumps(recipe: Recipe) -> str:
    """Return the TOML from which ``loads`` makes an equal recipe; paths are written as the recipe has them."""
    import tomlkit

    document = tomlkit.document()
    document.update(_table(recipe, "steps", "renditions"))
    steps = _steps(recipe)
    if steps:
        document.add("steps", _array(steps))
    if recipe.renditions != (Rendition(),):
        document.add("renditions", _array([_rendition(each) for each in recipe.renditions]))
    return tomlkit.dumps(document)


def _steps(recipe: Recipe) -> list[dict[str, Any]]:
    """Return the steps, without a resize that is implied."""
    explicit = tuple(step for step in recipe.steps if step != Resize())
    steps = explicit if replace(recipe, steps=explicit).steps == recipe.steps else recipe.steps
    return [{str(step.__struct_config__.tag): _step(step)} for step in steps]


def _step(step: Step) -> Any:
    table, short = _table(step), step.shorthand
    if not table and short is not None and short.bare is not None:
        return short.bare
    if short is not None and table.keys() == {key_name(short.field)}:
        return table[key_name(short.field)]
    return table


def _rendition(rendition: Rendition) -> dict[str, Any]:
    return _table(rendition.size) | _table(rendition, "size")


def _table(instance: Declared, *omitted: str) -> dict[str, Any]:
    """Return the values that differ from their defaults, by key, as TOML has them."""
    table: dict[str, Any] = {}
    for field in fields(instance):
        value = getattr(instance, field.name)
        if field.name not in omitted and value not in (field.default, {}):
            notation = find_meta(type(instance).__annotations__[field.name], "notation")
            table[key_name(field.name)] = notation.write(value) if notation else _plain(value)
    return table


def _plain(value: Any) -> Any:
    return str(value) if isinstance(value, str) else value


def _array(tables: list[dict[str, Any]]) -> "AoT":
    import tomlkit

    array = tomlkit.aot()
    for each in tables:
        table = tomlkit.table()
        for key, value in each.items():
            table.add(key, _inline(value) if isinstance(value, dict) else value)
        array.append(table)
    return array


def _inline(values: dict[str, Any]) -> "InlineTable":
    import tomlkit

    table = tomlkit.inline_table()
    table.update(values)
    return table
