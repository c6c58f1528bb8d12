"""The options that say which settings are taken, and those that show them and the machine. Holds no behavior."""

import click

from forkresize.cli.info.completion import SHELLS, complete_preset, print_completion
from forkresize.cli.info.doctor import print_doctor
from forkresize.cli.options.model import Option

SETTINGS = [
    Option(
        "--config",
        type=click.Path(exists=True, dir_okay=False),
        is_eager=True,
        metavar="FILE.toml",
        help="Read settings from this file. [default: forkresize.toml here and ~/.config/forkresize/config.toml]",
    ),
    Option(
        "--preset",
        is_eager=True,
        metavar="NAME",
        shell_complete=complete_preset,
        help="Take the settings under [presets.NAME] as well.",
    ),
    Option("--show-config", is_flag=True, help="Print every option's value and where it came from, and exit."),
    Option(
        "--completion",
        type=click.Choice(SHELLS),
        is_eager=True,
        expose_value=False,
        callback=print_completion,
        help="Print what makes this shell complete options and their values, and exit.",
    ),
    Option(
        "--doctor",
        is_flag=True,
        is_eager=True,
        expose_value=False,
        callback=print_doctor,
        help="Tell what this machine offers, and exit.",
    ),
]
