"""Completion in shells: the script that --completion prints, and what is completed that click doesn't know of."""

from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

SHELLS = ("bash", "zsh", "fish")

COMPLETE_VARIABLE = "_FORKRESIZE_COMPLETE"
"""How the shell's script asks the command what could follow."""


def print_completion(ctx: click.Context, _param: click.Parameter, shell: str | None) -> None:
    """Print the script that makes a shell complete this command, and exit."""
    if shell is None or ctx.resilient_parsing:
        return
    from click.shell_completion import get_completion_class

    completion = get_completion_class(shell)
    assert completion is not None  # noqa: S101 (click has one of each of SHELLS)
    # Unlike source(), this starts no bash to look at its version: the script may be meant for another machine.
    script = completion(ctx.command, {}, "forkresize", COMPLETE_VARIABLE)
    click.echo(script.source_template % script.source_vars(), nl=False)
    ctx.exit()


def complete_path(_ctx: click.Context, _param: click.Parameter, incomplete: str) -> "list[CompletionItem]":
    """Have the shell complete a path."""
    from click.shell_completion import CompletionItem

    return [CompletionItem(incomplete, type="file")]


def complete_formats(_ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[str]:
    """Return what the last of several formats, with commas between, may become."""
    from forkresize.recipe import Format
    from forkresize.recipe.options import KEEP

    said, comma, begun = incomplete.rpartition(",")
    return [
        f"{said}{comma}{word}" for word in (KEEP, *Format) if word.startswith(begun) and word not in said.split(",")
    ]


def complete_preset(ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[str]:
    """Return the names of presets that begin so; none where a settings file can't be read."""
    from forkresize.cli.config.files import preset_names
    from forkresize.errors import UsageError

    try:
        names = preset_names(ctx.params.get("config"))
    except UsageError:
        return []  # A message amid the line that is being typed helps nobody; the command itself will tell.
    return [name for name in names if name.startswith(incomplete)]
