"""From what a settings file holds to what a command line would: texts, and lists of them. Knows no file."""

import os
from datetime import date, time
from decimal import Decimal
from typing import Any

import click

from forkresize.cli.options.model import Option

_SEVERAL = ","
_BY_NAME = "="


def command_line_value(option: Option, value: Any, folder: str) -> Any:
    """Return what a value out of a settings file would be on a command line, before its type is looked at.

    Numbers are texts there; an array is its values with commas between, or one option after the other where it may be
    given several times; a table is ``NAME=VALUE`` with commas between. Paths are relative to the folder of the file.

    Raises:
        ValueError: the option is never written so; says what would do.
    """
    if option.attributes.get("is_flag") or option.opposite:
        return _switch(value)
    if option.attributes.get("count"):
        return _counted(value)
    if option.attributes.get("multiple"):
        values = value if isinstance(value, list) else [value]
        return [_resolve_path(option, _text(each), folder) for each in values]
    # Whoever reads --help is told by a comma, and an equals sign, that an option takes several values.
    metavar = option.attributes.get("metavar", "")
    if isinstance(value, list) and _SEVERAL in metavar:
        return _SEVERAL.join(map(_text, value))
    if isinstance(value, dict) and _BY_NAME in metavar:
        return _SEVERAL.join(f"{name}{_BY_NAME}{_text(each)}" for name, each in value.items())
    return _resolve_path(option, _text(value), folder)


def _switch(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    raise _refusal(value, "true or false")


def _counted(value: Any) -> int:
    if isinstance(value, int) and value >= 0:
        return int(value)
    raise _refusal(value, "a number from 0, or true,")


def _text(value: Any) -> str:
    if isinstance(value, str):
        # As on a command line, and in every path.
        if "\0" in value:
            raise ValueError("holds a NUL, which ends a text")
        return value
    if isinstance(value, int | float) and not isinstance(value, bool):
        return format(Decimal(str(value)), "f")
    raise _refusal(value, "a text or a number")


def _refusal(value: Any, would_do: str) -> ValueError:
    kinds = {bool: "true or false", str: "a text", list: "an array", dict: "a table", date | time: "a date or a time"}
    kind = next((name for kind, name in kinds.items() if isinstance(value, kind)), "a number")
    return ValueError(f"is {kind}; {would_do} would do")


def _resolve_path(option: Option, text: str, folder: str) -> str:
    if not isinstance(option.attributes.get("type"), click.Path) or text == "-":
        return text
    return os.path.join(folder, os.path.expanduser(text))
