"""From the values of a settings file to those of a command line: texts, and lists of them."""

import os
from datetime import date, time
from decimal import Decimal
from typing import Any

import click

from forkresize.cli.options.model import Option

_SEVERAL = ","
_BY_NAME = "="


def command_line_value(option: Option, value: Any, folder: str) -> Any:
    """Return the text of a value of a settings file on a command line, before it is parsed.

    Numbers become texts. An array becomes its values separated by commas, or a list if the option may be repeated. A
    table becomes ``NAME=VALUE`` separated by commas. Paths are relative to the folder of the file.

    Raises:
        ValueError: the option does not accept such a value.
    """
    if option.attributes.get("is_flag") or option.opposite:
        return _switch(value)
    if option.attributes.get("count"):
        return _count(value)
    if option.attributes.get("multiple"):
        values = value if isinstance(value, list) else [value]
        return [_resolve_path(option, _text(each), folder) for each in values]
    if isinstance(value, bool) and getattr(option.attributes.get("type"), "switches", False):
        return str(value)
    # A comma in the metavar means that an option takes several values, an equals sign that they have names.
    metavar = option.attributes.get("metavar", "")
    if isinstance(value, list) and _SEVERAL in metavar:
        return _SEVERAL.join(map(_text, value))
    if isinstance(value, dict) and _BY_NAME in metavar:
        return _SEVERAL.join(f"{name}{_BY_NAME}{_text(each)}" for name, each in value.items())
    return _resolve_path(option, _text(value), folder)


def _switch(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    raise _type_error(value, "true or false")


def _count(value: Any) -> int:
    if isinstance(value, int) and value >= 0:
        return int(value)
    raise _type_error(value, "a number from 0, or true")


def _text(value: Any) -> str:
    if isinstance(value, str):
        # No command line and no path can hold it.
        if "\0" in value:
            raise ValueError("remove the NUL character")
        return value
    if isinstance(value, int | float) and not isinstance(value, bool):
        return format(Decimal(str(value)), "f")
    raise _type_error(value, "a string or number")


def _type_error(value: Any, expected: str) -> ValueError:
    kinds = {bool: "true or false", str: "a string", list: "an array", dict: "a table", date | time: "a date or a time"}
    kind = next((name for kind, name in kinds.items() if isinstance(value, kind)), "a number")
    return ValueError(f"expected {expected}, got {kind}")


def _resolve_path(option: Option, text: str, folder: str) -> str:
    if not isinstance(option.attributes.get("type"), click.Path) or text == "-":
        return text
    return os.path.join(folder, os.path.expanduser(text))
