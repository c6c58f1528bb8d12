"""--watch: what it goes with, and pass after pass in the place of one run. Hears of no change itself."""

import contextlib
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import click
from msgspec.structs import replace

from forkresize.batch import Observer, Settings, run
from forkresize.cli.reports import report_files
from forkresize.outcome import Outcome
from forkresize.recipe import Recipe
from forkresize.report.terminal.plain import printable

if TYPE_CHECKING:
    from forkresize.batch.watch import SourcePredicate
    from forkresize.summary import Summary

_CONTRADICTIONS = ("dry_run", "error_on_empty", "files_from", "in_place", "manifest", "max_duration", "prune", "srcset")


def check_watch_conflicts(values: Mapping[str, Any]) -> None:
    """Refuse what makes no sense with --watch.

    Raises:
        click.UsageError: something does not.
    """
    for name in _CONTRADICTIONS if values["watch"] else ():
        if values[name]:
            raise click.UsageError(f"--watch has no end, and --{name.replace('_', '-')} speaks of one run.")


def is_interactive(values: Mapping[str, Any]) -> bool:
    """Whether somebody reads what a watch has to tell."""
    return not values["quiet"] and (bool(values["verbose"]) or sys.stderr.isatty())


def skip_unworked(tell: Observer) -> Observer:
    """Return an observer that passes on only what a worker was given."""

    def observer(outcome: Outcome) -> None:
        if outcome.execution.attempts:
            tell(outcome)

    return observer


def make_runner(values: Mapping[str, Any]) -> "Callable[..., Summary]":
    """Return run, or what goes on from where run ends and is called likewise."""
    return _Watching(values) if values["watch"] else run


class _Watching:
    """A watch with what the command line says of it, in the shape of run."""

    def __init__(self, values: Mapping[str, Any]) -> None:
        self._passed_over = [values["destination"], *report_files(values)]
        self._is_read_along = is_interactive(values)

    def __call__(
        self, sources: Sequence[str], destination: str, recipe: Recipe, *, settings: Settings, observers: list[Observer]
    ) -> "Summary":
        from forkresize.batch.watch import WatchLoop, WatchTotals, run_until_stopped
        from forkresize.pool import sigio_ignored
        from forkresize.walk.watcher import ChangeWatcher

        totals = WatchTotals()
        told = (totals.tally, *observers)

        def make(picks: "SourcePredicate") -> "Summary":
            return run(sources, destination, recipe, settings=replace(settings, picks=picks), observers=told)

        with sigio_ignored(), ChangeWatcher(sources, self._passed_over) as changes:
            if self._is_read_along:
                _print_status(f"watching {', '.join(sources)}; Ctrl-C ends it")
            return run_until_stopped(WatchLoop(make, changes, _print_status), totals)


def _print_status(message: str) -> None:
    # The pictures matter more than who reads along.
    with contextlib.suppress(OSError):
        sys.stderr.write("".join(f"forkresize: {printable(line)}\n" for line in message.splitlines()))
