"""What the HTML report says about the run itself: its command line and its recipe."""

import shlex
from collections.abc import Sequence
from datetime import datetime

from forkresize.cli.arguments import Arguments
from forkresize.recipe import Border, Crop, Flip, Recipe, Rotate, Trim
from forkresize.recipefile import dumps
from forkresize.report.html import RunInfo
from forkresize.urls import redact

_REFRAMING = (Rotate, Flip, Crop, Trim, Border)
"""Steps after which an output shows another part of its picture, or shows it in another direction."""


def run_info(arguments: Arguments, recipe: Recipe | None, started: datetime) -> RunInfo:
    """Return what the report says about a run.

    Args:
        arguments: the command line.
        recipe: what is made of each picture, if it is known.
        started: when the run began.
    """
    return RunInfo(
        arguments.sources,
        arguments.destination,
        started,
        command=format_command(arguments.command),
        recipe=dumps(recipe) if recipe else "",
        same_view=recipe is not None and not any(isinstance(step, _REFRAMING) for step in recipe.steps),
    )


def format_command(words: Sequence[str]) -> str:
    """Return a command line that a shell reads as these arguments, without secrets; empty without arguments."""
    return shlex.join(["forkresize", *map(_redact, words)]) if words else ""


def _redact(word: str) -> str:
    """Return a word without the secrets of a URL, also of one that follows the name of its option."""
    name, equals, value = word.partition("=") if word.startswith("--") else ("", "", word)
    return name + equals + redact(value)
