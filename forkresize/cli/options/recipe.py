"""The options of the recipe, generated from its declarations."""

from enum import StrEnum
from typing import Any

import click

from forkresize.cli.info.completion import complete_several
from forkresize.cli.options.model import Option, flag
from forkresize.cli.types import ParsedText, WordChoice, enum_choice
from forkresize.recipe import OPTIONS
from forkresize.recipe.declaration import base_type, find_meta
from forkresize.recipe.options import RecipeOption


def recipe_options(group: str) -> list[Option]:
    """Return the options of the recipe under a heading."""
    return [_option(option) for option in OPTIONS.values() if option.group == group]


def _option(option: RecipeOption) -> Option:
    declaration = option.declaration
    name = f"{flag(option.name)}/--{declaration.off}" if declaration.off else flag(option.name)
    names = [declaration.short, name] if declaration.short else [name]
    attributes: dict[str, Any] = {"help": option.help}
    if declaration.off:
        attributes["default"] = option.default
    elif option.kind is bool or base_type(option.kind) is bool:
        attributes["is_flag"] = True
    else:
        attributes |= _value(option)
    return Option(*names, **attributes)


def _value(option: RecipeOption) -> dict[str, Any]:
    """Return the attributes of an option that takes a value."""
    declaration = option.declaration
    attributes: dict[str, Any] = {"type": _type(option)}
    if declaration.metavar:
        attributes["metavar"] = declaration.metavar + f"[,{declaration.metavar}…]" * declaration.several
    notation = find_meta(option.kind, "notation")
    if option.default is None and declaration.default:
        attributes["help"] = f"{option.help} [default: {declaration.default}]"
    elif option.default is not None:
        value = notation.write(option.default) if notation else option.default
        attributes["default"] = declaration.default or (f"{value:g}" if isinstance(value, float) else str(value))
    if declaration.several and notation:
        attributes["shell_complete"] = complete_several(notation.choices)
    return attributes


def _type(option: RecipeOption) -> click.ParamType[Any]:
    if option.declaration.is_path:
        return click.Path(exists=True, dir_okay=False)
    bare, notation = base_type(option.kind), find_meta(option.kind, "notation")
    if notation and notation.choices and not option.declaration.several:
        return WordChoice(notation.choices, option.parse)
    if not notation and isinstance(bare, type) and issubclass(bare, StrEnum):
        return enum_choice(bare)
    return ParsedText(option.declaration.metavar or "text", option.parse)
