"""The observers of a run from the command line, and the summary at its end."""

import contextlib
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from typing import TYPE_CHECKING

from forkresize.cli.arguments import Arguments
from forkresize.cli.reports import commit_indexes, open_reports, report_paths
from forkresize.observer import Observer
from forkresize.report.terminal.plain import (
    format_nothing_found,
    format_up_to_date,
    plain_preview,
    print_line,
    print_status,
)
from forkresize.summary import Summary

if TYPE_CHECKING:
    from forkresize.batch.backend import Probe
    from forkresize.recipe import Recipe
    from forkresize.report.terminal.view import ProgressView


@contextmanager
def open_observers(
    arguments: Arguments,
    sources: AbstractContextManager[Iterator[int | None]],
    recipe: "Recipe | None" = None,
    probe: "Probe | None" = None,
) -> Iterator[list[Observer]]:
    """Open the reports and the progress view, and close them at the end.

    Index files are staged at the end; ``print_summary``, which knows whether they are complete, commits them.

    Args:
        arguments: the command line.
        sources: counts all sources for a view, while it is entered.
        recipe: what is made of each picture, for the HTML report.
        probe: reads the header of an output; None if outputs are local files.

    Raises:
        UsageError: a report's path cannot be a file, or the file is not a report.
        DestinationError: a report or an index file cannot be written.
    """
    with ExitStack() as stack:
        yield [*open_reports(arguments, stack, recipe, probe), *_views(arguments, sources, stack)]


def print_summary(
    summary: Summary, arguments: Arguments, count_left_out: Callable[[], Mapping[str, int]] = dict
) -> None:
    """Commit the index files, and print the summary: as JSON, as a table on a terminal, or only if something failed.

    Args:
        summary: the run's summary.
        arguments: the command line.
        count_left_out: returns how many files each setting leaves out; called if there was no picture.

    Raises:
        DestinationError: an index file cannot be replaced.
        OSError: standard output cannot be written.
    """
    commit_indexes(summary, arguments)
    if arguments.as_json:
        import json

        sys.stdout.write(json.dumps(summary.to_json()) + "\n")
        sys.stdout.flush()
    # If standard error is lost, the exit code still shows how the run ended.
    with contextlib.suppress(OSError):
        if summary.is_empty and not (summary.pruned or summary.stopped_by or summary.refused or arguments.quiet):
            if arguments.is_interactive or summary.exit_code:
                print_status(format_nothing_found(summary, count_left_out()))
        else:
            _print_human_summary(summary, arguments)


def progress_of(arguments: Arguments) -> str:
    """Return which progress view to show: rich, tqdm or none."""
    if arguments.dry_run or arguments.watch:
        return "none"
    if arguments.progress != "auto":
        return arguments.progress
    if arguments.quiet or not sys.stderr.isatty():
        return "none"
    return "tqdm" if os.environ.get("TERM", "dumb") in {"dumb", ""} else "rich"


def _print_human_summary(summary: Summary, arguments: Arguments) -> None:
    if arguments.quiet or arguments.dry_run:
        _print_stop_reason(summary)
        if arguments.dry_run and arguments.is_interactive:
            print_status(format_up_to_date(summary) or plain_preview(summary))
        return
    reports = [arguments.places.get(path, path) for path in report_paths(arguments)]
    is_shown = progress_of(arguments) != "none" or sys.stderr.isatty()
    if (is_shown or arguments.verbose) and (text := format_up_to_date(summary)):
        print_status(text)
        for report in reports:
            print_status(f"report: {report}")
    elif is_shown:
        from forkresize.report.terminal.table import Places, print_summary

        places = Places("" if arguments.watch else arguments.destination, reports)
        print_summary(summary, places=places, verbose=arguments.verbose > 0)
    elif summary.exit_code or arguments.verbose or (summary.losses and arguments.warnings == "show"):
        from forkresize.report.terminal.plain import plain_summary

        print_line(plain_summary(summary, report=next(iter(reports), None)))


def _print_stop_reason(summary: Summary) -> None:
    if summary.stopped_by:
        print_status(f"stopped by {summary.stopped_by}")
    elif summary.refused:
        from forkresize.report.terminal.plain import format_refusal

        print_status(format_refusal(summary.refused))


def _views(
    arguments: Arguments, sources: AbstractContextManager[Iterator[int | None]], stack: ExitStack
) -> Iterator[Observer]:
    kind = progress_of(arguments)
    view = None if kind == "none" else _progress_view(kind, stack.enter_context(sources))
    if view:
        yield stack.enter_context(view)
    lines = view.print_line if view else print_line
    verbose = (arguments.dry_run or arguments.verbose) and not arguments.quiet
    if verbose or (arguments.watch and arguments.is_interactive):
        from forkresize.report.terminal.outcome_lines import OutcomeLines

        # The lines of a dry run are its result; they go to standard output, unless JSON goes there.
        write = print if arguments.dry_run and not arguments.as_json else lines
        yield OutcomeLines(write, executed_only=not verbose, unchanged=arguments.verbose > 1)
    if arguments.is_interactive and not view:
        from forkresize.report.terminal.outcome_lines import Notices

        yield Notices()


def _progress_view(kind: str, sources: Iterator[int | None]) -> "ProgressView":
    if kind == "rich":
        from forkresize.report.terminal.live import LiveView

        return LiveView(sources=sources)
    from forkresize.report.terminal.tqdm_bar import TqdmBar

    return TqdmBar(sources=sources)
