"""--include and --exclude: their order matters across both options, and click keeps it only within one."""

from collections.abc import Callable, Mapping
from typing import Any

import click

from forkresize.cli.config.origin import Origins, Precedence
from forkresize.cli.info.help import PanelOption
from forkresize.walk import Rule

_RULES = "forkresize.rules"
"""The key of the context's list of rules, in the order in which they were given."""

_OPTIONS = ("include", "exclude")


class RuleOption(PanelOption):
    """--include or --exclude, which records its order among both."""

    def add_to_parser(self, parser: Any, ctx: click.Context) -> None:
        """Make the parser record each rule in the list of both options."""
        super().add_to_parser(parser, ctx)
        for name in self.opts:
            option = parser._long_opt[name]  # noqa: SLF001 (click gives the order of options nowhere else)
            option.process = self._recording(option.process, ctx)

    def _recording(self, process: Callable[[Any, Any], None], ctx: click.Context) -> Callable[[Any, Any], None]:
        def record(value: Any, state: Any) -> None:
            ctx.meta.setdefault(_RULES, []).append(Rule(include=self.name == "include", pattern=value))
            process(value, state)

        return record


def rules_in(ctx: click.Context, values: Mapping[str, Any], origins: Origins) -> tuple[Rule, ...]:
    """Return the rules: those of flags in the order in which they were given, then those of weaker places.

    Within a settings file, the key that comes first decides; where there is no order, ``include`` does.

    Args:
        ctx: the context of the command, after parsing.
        values: by field.
        origins: where they came from.
    """
    elsewhere = [name for name in _OPTIONS if Precedence.DEFAULT < origins[name].strength < Precedence.FLAG]
    elsewhere.sort(key=lambda name: (-origins[name].strength, origins[name].line))
    return (
        *ctx.meta.get(_RULES, ()),
        *(Rule(include=name == "include", pattern=pattern) for name in elsewhere for pattern in values[name]),
    )
