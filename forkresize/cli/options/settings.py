"""The options that choose the settings, and those that print something and exit."""

import click

from forkresize.cli.info.completion import SHELLS, complete_preset, print_completion
from forkresize.cli.options.model import Option
from forkresize.cli.types import WordChoice


def _print_doctor(ctx: click.Context, _param: click.Parameter, requested: bool) -> None:
    if requested and not ctx.resilient_parsing:
        from forkresize.cli.info.doctor import print_doctor

        print_doctor(ctx)


SETTINGS = [
    Option(
        "--config",
        type=click.Path(exists=True, dir_okay=False),
        is_eager=True,
        metavar="FILE.toml",
        help="Read settings from this file. [default: ./forkresize.toml and ~/.config/forkresize/config.toml]",
    ),
    Option(
        "--preset",
        is_eager=True,
        metavar="NAME",
        shell_complete=complete_preset,
        help="Also apply the settings in [presets.NAME].",
    ),
    Option("--show-config", is_flag=True, help="Print the value of every option and where it was set, and exit."),
    Option(
        "--completion",
        type=WordChoice(SHELLS),
        is_eager=True,
        expose_value=False,
        callback=print_completion,
        help="Print the completion script for bash, zsh or fish, and exit.",
    ),
    Option(
        "--doctor",
        is_flag=True,
        is_eager=True,
        expose_value=False,
        callback=_print_doctor,
        help="Print diagnostics about this system, and exit.",
    ),
]
