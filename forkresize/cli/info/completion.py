"""Shell completion: the script that --completion prints, and completions that click does not know."""

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

SHELLS = ("bash", "zsh", "fish")

COMPLETE_VARIABLE = "_FORKRESIZE_COMPLETE"
"""The variable by which the shell's script asks the command for completions."""


def print_completion(ctx: click.Context, _param: click.Parameter, shell: str | None) -> None:
    """Print the script that makes a shell complete this command, and exit."""
    if shell is None or ctx.resilient_parsing:
        return
    from click.shell_completion import get_completion_class

    completion = get_completion_class(shell)
    assert completion is not None  # noqa: S101 (click knows all of SHELLS)
    # Unlike source(), this does not run bash to check its version: the script may be for another machine.
    script = completion(ctx.command, {}, "forkresize", COMPLETE_VARIABLE)
    click.echo(script.source_template % script.source_vars(), nl=False)
    ctx.exit()


def complete_path(_ctx: click.Context, _param: click.Parameter, incomplete: str) -> "list[CompletionItem]":
    """Have the shell complete a path."""
    from click.shell_completion import CompletionItem

    return [CompletionItem(incomplete, type="file")]


def complete_several(words: Iterable[str]) -> Callable[[click.Context, click.Parameter, str], list[str]]:
    """Return a completion of the last of several words, separated by commas."""

    def complete(_ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[str]:
        given, comma, begun = incomplete.rpartition(",")
        return [f"{given}{comma}{word}" for word in words if word.startswith(begun) and word not in given.split(",")]

    return complete


def complete_preset(ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[str]:
    """Return the names of presets that begin so; none if a settings file cannot be read."""
    from forkresize.cli.config.files import preset_names
    from forkresize.errors import UsageError

    try:
        names = preset_names(ctx.params.get("config"))
    except UsageError:
        return []  # An error would garble the line that is being typed; the command itself reports it.
    return [name for name in names if name.startswith(incomplete)]
