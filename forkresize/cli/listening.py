"""Who listens to a run from the command line, and what is told at its end. Renders nothing itself."""

import contextlib
import json
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any

from forkresize.batch import Observer
from forkresize.report.jsonl import JsonLines
from forkresize.report.plain import printable
from forkresize.report.tally import Summary

if TYPE_CHECKING:
    from forkresize.report.bar import TqdmBar
    from forkresize.report.live import LiveView


@contextmanager
def listen(values: Mapping[str, Any], ahead: Iterator[object]) -> Iterator[list[Observer]]:
    """Open the reports and the progress view that were asked for, and close them at the end, however it comes.

    Args:
        values: the command line's.
        ahead: an iterator of its own over all sources, for a view to learn how many there are.

    Raises:
        DestinationError: a report can't be written.
    """
    with ExitStack() as stack:
        yield [*_reports(values["report"], stack), *_views(values, ahead, stack)]


def tell_summary(summary: Summary, values: Mapping[str, Any]) -> None:
    """Tell what the run came to: JSON on standard output if asked for, a table on a terminal, else only what failed.

    Raises:
        OSError: standard output can't be written.
    """
    if values["as_json"]:
        sys.stdout.write(json.dumps(summary.to_json()) + "\n")
        sys.stdout.flush()
    # If nobody can be told, the exit code still tells.
    with contextlib.suppress(OSError):
        _tell_people(summary, values)


def _tell_people(summary: Summary, values: Mapping[str, Any]) -> None:
    if values["quiet"]:
        if summary.stopped_by:
            sys.stderr.write(f"forkresize: stopped by {printable(summary.stopped_by)}\n")
        return
    if values["dry_run"]:
        return
    report = next(iter(values["report"]), None)
    if progress_of(values) != "none" or sys.stderr.isatty():
        from forkresize.report.table import print_summary

        print_summary(summary, report=report)
    elif summary.exit_code:
        from forkresize.report.plain import plain_summary

        sys.stderr.write(plain_summary(summary, report=report) + "\n")


def progress_of(values: Mapping[str, Any]) -> str:
    """Return which progress view is shown: rich, tqdm or none."""
    if values["dry_run"]:
        return "none"
    if values["progress"] != "auto":
        return str(values["progress"])
    if values["quiet"] or not sys.stderr.isatty():
        return "none"
    return "tqdm" if os.environ.get("TERM", "dumb") in {"dumb", ""} else "rich"


def _reports(paths: Sequence[str], stack: ExitStack) -> list[Observer]:
    distinct = {os.path.realpath(path): path for path in paths}
    return [stack.enter_context(JsonLines(path)) for path in distinct.values()]


def _views(values: Mapping[str, Any], ahead: Iterator[object], stack: ExitStack) -> list[Observer]:
    view = _progress_view(progress_of(values), ahead, stack)
    views: list[Observer] = [view] if view else []
    if (values["dry_run"] or values["verbose"]) and not values["quiet"]:
        from forkresize.report.verbose import Verbose

        # What a dry run tells is what it is for, unless standard output is asked for something else.
        plan = values["dry_run"] and not values["as_json"]
        views.append(Verbose(print) if plan else Verbose(view.print_line) if view else Verbose())
    return views


def _progress_view(kind: str, ahead: Iterator[object], stack: ExitStack) -> "LiveView | TqdmBar | None":
    if kind == "rich":
        from forkresize.report.live import LiveView

        return stack.enter_context(LiveView(ahead=ahead))
    if kind == "tqdm":
        from forkresize.report.bar import TqdmBar

        return stack.enter_context(TqdmBar(ahead=ahead))
    return None
