"""Checks for options that contradict each other or need another one."""

import os

import click

from forkresize.cli.arguments import Arguments
from forkresize.cli.cluster import check_attach, check_cluster
from forkresize.cli.options.model import flag
from forkresize.cli.reports import check_formats, index_files, report_files


def check_conflicts(arguments: Arguments) -> None:
    """Check all options against each other.

    Raises:
        click.UsageError: options contradict each other, or one requires another.
        UsageError: an index file would replace another file, or its directory is missing.
        DestinationError: an index file cannot be written.
    """
    _check_output(arguments)
    if arguments.attach is None:
        _check_sources(arguments)
        check_cluster(arguments)
    else:
        check_attach(arguments)
    if arguments.watch:
        _check_watch(arguments)
    check_formats(arguments)
    _check_indexes(arguments)


def check_effects(arguments: Arguments) -> None:
    """Check that all flags have an effect.

    Raises:
        NoEffectError: one has none without another option.
    """
    if arguments.ineffective:
        raise arguments.ineffective[0]


def _check_output(arguments: Arguments) -> None:
    if arguments.quiet and arguments.verbose:
        raise click.UsageError("--quiet cannot be combined with --verbose")
    if arguments.quiet and arguments.progress in {"rich", "tqdm"}:
        raise click.UsageError(f"--quiet cannot be combined with --progress {arguments.progress}")
    if arguments.quiet and arguments.warnings == "show":
        raise click.UsageError("--quiet cannot be combined with --warnings show")
    if arguments.force_conflict:
        raise click.UsageError(f"--force cannot be combined with --if-exists {arguments.force_conflict}")


def _check_sources(arguments: Arguments) -> None:
    if arguments.files_from is not None and len(arguments.sources) > 1:
        raise click.UsageError("--files-from: specify at most one SOURCE, the directory of the names")
    if not arguments.destination or not (arguments.sources or arguments.files_from is not None):
        raise click.UsageError("specify a SOURCE and a DESTINATION, or --files-from and a DESTINATION")


def _check_watch(arguments: Arguments) -> None:
    if arguments.is_remote:
        raise click.UsageError(
            "--watch requires local directories: object stores do not report changes; run again instead, for example "
            "every minute"
        )
    settings = arguments.settings
    conflicts = {
        "dry_run": settings.dry_run,
        "error_on_empty": settings.error_on_empty,
        "files_from": arguments.files_from,
        "in_place": settings.in_place,
        "manifest": arguments.manifest,
        "max_duration": settings.max_duration,
        "prune": settings.prune,
        "srcset": arguments.srcset,
    }
    for name, value in conflicts.items():
        if value:
            raise click.UsageError(f"--watch cannot be combined with {flag(name)}")


def _check_indexes(arguments: Arguments) -> None:
    options = report_files(arguments)
    for file in index_files(arguments):
        other = options.setdefault(os.path.realpath(file.path), file.kind)
        if other != file.kind:
            raise click.UsageError(f"--{file.kind} and --{other} name the same file: {file.path!r}")
        file.check(arguments.destination)
