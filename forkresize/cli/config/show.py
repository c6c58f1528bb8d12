"""The answer to --show-config: the value of every option as it was written, and where."""

import os
from collections.abc import Mapping
from typing import Any

import click

from forkresize.cli.config.command import BY_KEY, flags_in
from forkresize.cli.config.origin import DEFAULT, Origin, Origins, Precedence
from forkresize.cli.options.model import Option
from forkresize.report.terminal.plain import printable
from forkresize.urls import redact

_UNSET = "-"


def config_text(ctx: click.Context) -> str:
    """Return a line for each option that can be set: its key, its value as it was written, and where.

    Args:
        ctx: the context of the command, after parsing; its object holds the origins of the effective values.
    """
    flags = flags_in(ctx)
    origins: Origins = ctx.obj
    files: Mapping[str, Any] = ctx.default_map or {}
    rows = []
    for option in BY_KEY.values():
        if option.variable is not None:
            origin = origins.get(option.field, DEFAULT)
            rows.append((option.key, _raw_value(option, origin.strength, flags, files), _place(origin)))
    widths = [max(len(row[column]) for row in rows) for column in (0, 1)]
    return "".join(f"{key:<{widths[0]}}  {value:<{widths[1]}}  {place}\n" for key, value, place in rows)


def _raw_value(option: Option, strength: Precedence, flags: Mapping[str, Any], files: Mapping[str, Any]) -> str:
    if strength is Precedence.FLAG:
        value = flags[option.field]
    elif strength is Precedence.ENVIRONMENT:
        value = os.environ[str(option.variable)]
    elif strength is Precedence.DEFAULT:
        value = option.default or _UNSET
    else:
        value = files[option.field]
    return printable(_text(value))


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return redact(" ".join(map(str, value)) if isinstance(value, list) else str(value))


def _place(origin: Origin) -> str:
    table = origin.key.rpartition(".")[0]
    return printable(f"{origin.place} [{table}]" if table else origin.place)
