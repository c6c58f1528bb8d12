"""The command with ``--watch``: one pass after another until it is interrupted."""

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from msgspec.structs import replace

from forkresize.batch import Settings, run
from forkresize.cli.arguments import Arguments
from forkresize.cli.reports import report_files
from forkresize.observer import Observer
from forkresize.recipe import Recipe
from forkresize.report.terminal.plain import print_status

if TYPE_CHECKING:
    from forkresize.batch.watch import SourcePredicate
    from forkresize.summary import Summary


def is_interactive(arguments: Arguments) -> bool:
    """Return whether someone reads what a watch prints."""
    return not arguments.quiet and (arguments.verbose or sys.stderr.isatty())


def run_watch(arguments: Arguments, recipe: Recipe, settings: Settings, observers: Sequence[Observer]) -> "Summary":
    """Run passes over the sources until one is stopped, and return the totals of all of them."""
    from forkresize.batch.watch import WatchLoop, WatchTotals, run_until_stopped
    from forkresize.pool import sigio_ignored
    from forkresize.walk.watcher import ChangeWatcher

    sources, destination = arguments.sources, arguments.destination
    totals = WatchTotals()

    def make_pass(picks: "SourcePredicate") -> "Summary":
        return run(
            sources, destination, recipe, settings=replace(settings, picks=picks), observers=[totals.tally, *observers]
        )

    with sigio_ignored(), ChangeWatcher(sources, [destination, *report_files(arguments)]) as changes:
        if is_interactive(arguments):
            print_status(f"watching {', '.join(sources)}; press Ctrl-C to stop")
        summary = run_until_stopped(WatchLoop(make_pass, changes, print_status), totals)
    for observer in observers:
        observer.on_finish(summary)
    return summary
