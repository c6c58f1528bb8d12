"""From a Recipe to the text of a recipe file, with what differs from the defaults and nothing else. Writes no file."""

from typing import TYPE_CHECKING, Any

from msgspec.structs import fields, replace

from forkresize.recipe import Recipe, Rendition, Resize, Step
from forkresize.recipefile.schema import OUTPUT, RECIPE, SIZE, STEPS, Keys, key_name

if TYPE_CHECKING:
    from tomlkit.items import AoT, InlineTable


def dumps(recipe: Recipe) -> str:
    """Return the TOML that ``loads`` makes an equal recipe of; paths are written as the recipe has them."""
    import tomlkit

    document = tomlkit.document()
    document.update(_said(recipe, RECIPE))
    steps = _steps(recipe)
    if steps:
        document.add("steps", _array(steps))
    if recipe.renditions != (Rendition(),):
        document.add("renditions", _array([_rendition(each) for each in recipe.renditions]))
    return tomlkit.dumps(document)


def _steps(recipe: Recipe) -> list[dict[str, Any]]:
    """Return the steps; a resize that would come back by itself is left out."""
    asked = tuple(step for step in recipe.steps if step != Resize())
    steps = asked if replace(recipe, steps=asked).steps == recipe.steps else recipe.steps
    return [_step(step) for step in steps]


def _step(step: Step) -> dict[str, Any]:
    name, form = next((name, form) for name, form in STEPS.items() if form.step is type(step))
    said = _said(step, form.keys)
    if not said and form.bare is not None:
        return {name: form.bare}
    if form.sole is not None and said.keys() == {key_name(form.sole)}:
        return {name: said[key_name(form.sole)]}
    return {name: said}


def _rendition(rendition: Rendition) -> dict[str, Any]:
    return _said(rendition.size, SIZE) | _said(rendition, OUTPUT)


def _said(instance: Any, keys: Keys) -> dict[str, Any]:
    """Return the values that differ from their defaults, by key, as the file has them."""
    said: dict[str, Any] = {}
    for field in fields(instance):
        value = getattr(instance, field.name)
        if field.name in keys and value not in (field.default, {}):
            said[key_name(field.name)] = keys[field.name].write(value)
    return said


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
