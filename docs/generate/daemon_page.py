"""The reference of ``forkresized``, in Markdown: a page of its commands and their options, and tables."""

import inspect
import re
from collections.abc import Iterator

import click

from docs.generate.option_pages import escape
from docs.generate.tables import make_table
from forkresize.daemon.command import commands
from forkresize.gateway.imgproxy.grammar import ACCEPTED, REFUSED

PAGE = "reference/forkresized.md"

_INTRODUCTION = """\
# The commands of forkresized

`forkresized` has the programs that run long: [a gateway](../howto/gateway.md), and
[the nodes of a cluster](../howto/cluster.md). Every option is also read from the environment. A variable of an option
that may be repeated holds values separated by spaces.
"""

DEFAULT = re.compile(r" \[default: (.*)\]$")


def daemon_page() -> str:
    """Return the page."""
    with commands.make_context("forkresized", [], resilient_parsing=True) as parent:
        return "\n".join((_INTRODUCTION, *map(_section, list_contexts(parent, commands))))


def list_contexts(parent: click.Context, group: click.Group) -> Iterator[click.Context]:
    """Yield the contexts of the commands of a group, and of groups in it."""
    for name in group.list_commands(parent):
        command = group.get_command(parent, name)
        assert command is not None  # noqa: S101  It is listed.
        with command.make_context(name, [], parent=parent, resilient_parsing=True) as ctx:
            if isinstance(command, click.Group):
                yield from list_contexts(ctx, command)
            else:
                yield ctx


def _section(ctx: click.Context) -> str:
    table = make_table(("option", "meaning", "default", "environment"), list(_rows(ctx)))
    text = escape(inspect.cleandoc(ctx.command.help or ""))
    return "\n".join((f"## `{ctx.command_path}`", "", text, "", table, ""))


def _rows(ctx: click.Context) -> Iterator[tuple[str, ...]]:
    for param in ctx.command.params:
        if not isinstance(param, click.Option):
            yield f"`{param.make_metavar(ctx)}`", "", "", ""
            continue
        text = param.help or ""
        found = DEFAULT.search(text)
        value = "" if param.is_flag else f" {param.make_metavar(ctx)}"
        flags = ", ".join(f"`{flag}{value}`" for flag in (*param.opts, *param.secondary_opts))
        default = found[1] if found else default_of(param)
        yield flags, escape(DEFAULT.sub("", text)), default, f"`{variable_of(ctx, param)}`"


def default_of(param: click.Option) -> str:
    """Return the default of an option, as code; an empty text if it has none."""
    if param.required:
        return "required"
    if param.is_flag or param.default in {None, ()} or not isinstance(param.default, (str, int, float, tuple)):
        return ""
    values = param.default if isinstance(param.default, tuple) else (param.default,)
    return ", ".join(f"`{value}`" for value in values)


def variable_of(ctx: click.Context, param: click.Option) -> str:
    """Return the name of the variable that an option is also read from."""
    if isinstance(param.envvar, str):
        return param.envvar
    return f"{ctx.auto_envvar_prefix}_{param.name or ''}".upper()


def url_tables() -> dict[str, str]:
    """Return the tables of the options in the URLs of pictures, by the names of their markers."""
    accepted = [
        (", ".join(f"`{name}`" for name in option.names), escape(option.arguments), escape(option.help))
        for option in ACCEPTED
    ]
    reasons: dict[str, list[str]] = {}
    for name, reason in REFUSED.items():
        reasons.setdefault(reason, []).append(f"`{name}`")
    refused = [(", ".join(names), escape(reason)) for reason, names in reasons.items()]
    return {
        "options": make_table(("option", "arguments", "meaning"), accepted),
        "refused options": make_table(("option", "reason"), refused),
    }
