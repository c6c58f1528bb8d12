"""Who listens to a run from the command line, and what is told at its end. Renders nothing itself."""

import contextlib
import json
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any

from forkresize.batch import Observer
from forkresize.cli.reports import open_reports, reports_of
from forkresize.cli.watch import is_interactive, skip_unworked
from forkresize.report.terminal.plain import printable
from forkresize.summary import Summary

if TYPE_CHECKING:
    from forkresize.report.index.index_file import IndexFile
    from forkresize.report.index.output_index import OutputIndex
    from forkresize.report.terminal.live import LiveView
    from forkresize.report.terminal.tqdm_bar import TqdmBar


@contextmanager
def open_observers(values: Mapping[str, Any], sources: Iterator[object]) -> Iterator[list[Observer]]:
    """Open the reports and the progress view that were asked for, and close them at the end, however it comes.

    Lists of outputs are staged then; tell_summary, which knows whether all is in them, puts them in their places.

    Args:
        values: the command line's.
        sources: a separate iterator over all sources, for a view to count them.

    Raises:
        DestinationError: a report or a list can't be written.
    """
    with ExitStack() as stack:
        # What comes first is closed last: no list is staged if a report could not be closed.
        yield [*_open_indexes(values, stack), *open_reports(values, stack), *_views(values, sources, stack)]


def print_summary(summary: Summary, values: Mapping[str, Any]) -> None:
    """Tell what the run came to: JSON on standard output if asked for, a table on a terminal, else only what failed.

    Before that, what listen staged is put in its place, or removed if the run stopped early.

    Raises:
        DestinationError: a list can't be put in its place.
        OSError: standard output can't be written.
    """
    _commit_indexes(summary, values)
    if values["as_json"]:
        sys.stdout.write(json.dumps(summary.to_json()) + "\n")
        sys.stdout.flush()
    # If nobody can be told, the exit code still tells.
    with contextlib.suppress(OSError):
        _print_human_summary(summary, values)


def _print_human_summary(summary: Summary, values: Mapping[str, Any]) -> None:
    if values["quiet"] or values["dry_run"]:
        _print_stop_reason(summary)
        return
    report = next(iter(reports_of(values)), None)
    if progress_of(values) != "none" or sys.stderr.isatty():
        from forkresize.report.terminal.table import print_summary

        print_summary(summary, report=report, verbose=values["verbose"])
    elif summary.exit_code:
        from forkresize.report.terminal.plain import plain_summary

        sys.stderr.write(plain_summary(summary, report=report) + "\n")


def _print_stop_reason(summary: Summary) -> None:
    told = f"stopped by {summary.stopped_by}" if summary.stopped_by else summary.refused
    if told:
        _print_status(told)


def progress_of(values: Mapping[str, Any]) -> str:
    """Return which progress view is shown: rich, tqdm or none."""
    if values["dry_run"] or values["watch"]:
        return "none"
    if values["progress"] != "auto":
        return str(values["progress"])
    if values["quiet"] or not sys.stderr.isatty():
        return "none"
    return "tqdm" if os.environ.get("TERM", "dumb") in {"dumb", ""} else "rich"


def index_files(values: Mapping[str, Any]) -> "list[IndexFile]":
    """Return the lists of outputs that were asked for."""
    if values["manifest"] is None and values["srcset"] is None:
        return []
    from forkresize.report.index.index_file import IndexFile
    from forkresize.report.index.manifest import MANIFEST
    from forkresize.report.index.srcset import SRCSET

    return [IndexFile(values[kind.name], kind) for kind in (MANIFEST, SRCSET) if values[kind.name] is not None]


def _open_indexes(values: Mapping[str, Any], stack: ExitStack) -> list[Observer]:
    lists = index_files(values)
    if not lists or values["dry_run"]:
        return []
    from forkresize.image.decode.probe import probe
    from forkresize.report.index.index_file import staged
    from forkresize.report.index.output_index import OutputIndex

    renditions = stack.enter_context(OutputIndex(probe))
    stack.enter_context(staged(lists, renditions))
    if not values["quiet"]:
        stack.callback(_print_skipped_outputs, renditions)
    return [renditions]


def _print_skipped_outputs(renditions: "OutputIndex") -> None:
    if renditions.left_out:
        _print_status(
            f"outputs that are there and can't be listed: {renditions.left_out}; the first: {renditions.complaint}"
        )


def _commit_indexes(summary: Summary, values: Mapping[str, Any]) -> None:
    lists = index_files(values)
    if not lists or values["dry_run"]:
        return
    from forkresize.report.index.index_file import commit

    if summary.stopped_by is None:
        commit(lists)
        return
    for listing in lists:
        listing.discard()
        if not values["quiet"]:
            _print_status(f"the run stopped early: the {listing.format.name} {listing.path!r} is left as it was")


def _print_status(line: str) -> None:
    # If nobody can be told, the pictures are there all the same.
    with contextlib.suppress(OSError):
        sys.stderr.write(f"forkresize: {printable(line)}\n")


def _views(values: Mapping[str, Any], sources: Iterator[object], stack: ExitStack) -> list[Observer]:
    view = _progress_view(progress_of(values), sources, stack)
    views: list[Observer] = [view] if view else []
    if (values["dry_run"] or values["verbose"]) and not values["quiet"]:
        from forkresize.report.terminal.outcome_lines import OutcomeLines

        # What a dry run tells is what it is for, unless standard output is asked for something else.
        plan = values["dry_run"] and not values["as_json"]
        views.append(OutcomeLines(print) if plan else OutcomeLines(view.print_line) if view else OutcomeLines())
    elif values["watch"] and is_interactive(values):
        from forkresize.report.terminal.outcome_lines import OutcomeLines

        views.append(skip_unworked(OutcomeLines()))
    if is_interactive(values):
        from forkresize.report.terminal.wait_notice import WaitNotice

        views.append(WaitNotice(view.print_line if view else _print_status))
    return views


def _progress_view(kind: str, sources: Iterator[object], stack: ExitStack) -> "LiveView | TqdmBar | None":
    if kind == "rich":
        from forkresize.report.terminal.live import LiveView

        return stack.enter_context(LiveView(sources=sources))
    if kind == "tqdm":
        from forkresize.report.terminal.tqdm_bar import TqdmBar

        return stack.enter_context(TqdmBar(sources=sources))
    return None
