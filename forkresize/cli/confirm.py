"""The question before sources are replaced for good."""

import sys
from typing import TYPE_CHECKING

import click
from msgspec.structs import replace

from forkresize.errors import UsageError
from forkresize.report.terminal.plain import format_count, printable

if TYPE_CHECKING:
    from forkresize.batch import Settings
    from forkresize.cli.arguments import Arguments
    from forkresize.recipe import Recipe

_LOSS = "Without --backup-dir, the originals are lost."

_ADVICE = (
    "--in-place: the originals are lost; use --backup-dir DIR to keep them, or --no-backup if you have copies elsewhere"
)


def confirm_in_place(arguments: "Arguments", recipe: "Recipe", settings: "Settings") -> "Settings":
    """Ask whether to replace sources that nothing keeps, and return the settings with the answer.

    Only a run in place without ``--backup-dir`` and ``--no-backup`` asks, if there are sources to replace. They are
    counted by a dry run.

    Raises:
        click.UsageError: there is no terminal to ask on.
        UsageError: the answer was no; also what ``prepare`` raises.
        click.Abort: there was no answer.
    """
    if not settings.in_place or settings.dry_run or settings.no_backup or settings.backup_dir is not None:
        return settings
    if not (sys.stdin.isatty() and sys.stderr.isatty()) or arguments.files_from == "-":
        raise click.UsageError(_ADVICE)
    count = _count_planned(arguments, recipe, settings)
    question = f"Replace {format_count(count, 'picture')} in {printable(arguments.destination)}? {_LOSS}"
    if count and not click.confirm(question, default=False, err=True):
        raise UsageError("nothing was replaced")
    return replace(settings, no_backup=True)


def _count_planned(arguments: "Arguments", recipe: "Recipe", settings: "Settings") -> int:
    from forkresize.batch import prepare

    return prepare(arguments.sources, arguments.destination, recipe, replace(settings, dry_run=True)).execute().planned
