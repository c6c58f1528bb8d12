"""The command with ``--watch``: one pass after another until it is interrupted."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from forkresize.batch import RunPlan
from forkresize.cli.arguments import Arguments
from forkresize.cli.reports import report_files
from forkresize.observer import Observer
from forkresize.report.terminal.plain import print_status

if TYPE_CHECKING:
    from forkresize.summary import Summary


def run_watch(arguments: Arguments, plan: RunPlan, observers: Sequence[Observer]) -> "Summary":
    """Execute passes over the sources until one stops early or a signal comes; return the totals of all of them."""
    from forkresize.batch.watch import watch

    notices = [_WatchNotice(arguments.sources)] if arguments.is_interactive else []
    excluded = [arguments.destination, *report_files(arguments)]
    return watch(plan, [*observers, *notices], excluded=excluded, print_status=print_status)


class _WatchNotice(Observer):
    """Print what is watched."""

    def __init__(self, sources: Sequence[str]) -> None:
        self._sources = sources

    def on_start(self) -> None:
        """Print one line."""
        print_status(f"watching {', '.join(self._sources)}; press Ctrl-C to stop")
