"""All options, by help panel, and those of the short help."""

from collections.abc import Callable
from typing import Any, TypeVar

import click

from forkresize.cli.info.help import PanelOption
from forkresize.cli.options.cluster import CLUSTER
from forkresize.cli.options.output import OUTPUT
from forkresize.cli.options.recipe import recipe_options
from forkresize.cli.options.repeat import REPEAT
from forkresize.cli.options.reporting import REPORTING
from forkresize.cli.options.selection import SELECTION
from forkresize.cli.options.settings import SETTINGS
from forkresize.cli.options.workers import WORKERS

Command = TypeVar("Command", bound=Callable[..., Any])

PANELS = {
    "Size": recipe_options("Size"),
    "Operations": recipe_options("Operations"),
    "Output": OUTPUT,
    "Selection": SELECTION,
    "Repeat runs": REPEAT,
    "Workers": WORKERS,
    "Cluster": CLUSTER,
    "Reporting": REPORTING,
    "Settings": SETTINGS,
}

COMMON = (
    *("width", "height", "long-edge", "scale", "fit", "gravity", "crop", "sharpen", "watermark", "format", "quality"),
    *("max-bytes", "name", "include", "exclude", "if-exists", "prune", "dry-run", "workers", "report"),
)
"""The keys of the options that most people need, for the short help."""


def all_options(command: Command) -> Command:
    """Give a command every option, each in its help panel."""
    for panel, options in reversed(PANELS.items()):
        for option in reversed(options):
            attributes = {"cls": PanelOption, "panel": panel, "envvar": option.variable, **option.attributes}
            command = click.option(*option.names, *option.aliases, **attributes)(command)
    return command
