"""The rules of --include and --exclude, in the order in which they decide. Matches no name."""

from collections.abc import Mapping
from typing import Any

import click

from forkresize.cli.config.origin import Origins, Precedence
from forkresize.cli.types import RULES
from forkresize.walk import Rule

_OPTIONS = ("include", "exclude")


def rules_in(ctx: click.Context, values: Mapping[str, Any], origins: Origins) -> tuple[Rule, ...]:
    """Return the rules: those of flags as they were given, then those of weaker places.

    Within a settings file the key that stands first decides; where no order can be told, include does.

    Args:
        ctx: the command's, once it is parsed.
        values: by field.
        origins: where they came from.
    """
    elsewhere = [name for name in _OPTIONS if Precedence.DEFAULT < origins[name].strength < Precedence.FLAG]
    elsewhere.sort(key=lambda name: (-origins[name].strength, origins[name].line))
    return (
        *ctx.meta.get(RULES, ()),
        *(Rule(include=name == "include", pattern=pattern) for name in elsewhere for pattern in values[name]),
    )
