"""The command with ``--cluster`` or ``--attach``: nodes process the pictures, and this process follows them."""

import os
import platform
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, nullcontext
from importlib.util import find_spec
from typing import TYPE_CHECKING

import click
from msgspec.structs import replace

from forkresize.batch import RunPlan
from forkresize.cli.arguments import Arguments
from forkresize.cli.options.model import flag
from forkresize.exit_policy import SIGNAL_BASE
from forkresize.extras import install_command
from forkresize.observer import Observer
from forkresize.report.terminal.plain import print_status

if TYPE_CHECKING:
    from forkresize.cluster.client.connection import Connection
    from forkresize.cluster.client.executor import ClusterExecutor
    from forkresize.summary import Summary

_NODE_OPTIONS = ("workers", "memory", "max_tasks", "sandbox", "nice")
"""Options that each node has for itself."""

_REFUSED = ("in_place", "watch")

_FILES_FROM = "its nodes read below directories and URLs that are named as SOURCE; use --include and --exclude"

_LATER = ("dry_run", "prune", "report", "metrics_file", "manifest", "srcset", "max_errors", "max_duration")
"""Options about results, which a command does not wait for that detaches."""


def check_cluster(arguments: Arguments) -> None:
    """Check the options of a run on a cluster.

    Raises:
        click.UsageError: options contradict each other, or one requires another.
    """
    if arguments.cluster is None:
        return
    _check_extra()
    _check_database(arguments, "cluster")
    refused = {
        "files_from": f"--cluster cannot be combined with --files-from: {_FILES_FROM}",
        **{name: f"--cluster cannot be combined with {flag(name)}" for name in _REFUSED},
        **{name: f"{flag(name)} has no effect with --cluster: it is an option of a node" for name in _NODE_OPTIONS},
    }
    if arguments.detach:
        refused.update(
            {name: f"--detach cannot be combined with {flag(name)}: use it with --attach" for name in _LATER}
        )
        refused["as_json"] = "--detach cannot be combined with --json: use it with --attach"
    for name, message in refused.items():
        if name in arguments.flags:
            raise click.UsageError(message)


def check_attach(arguments: Arguments) -> None:
    """Check the options of following a run.

    Raises:
        click.UsageError: options contradict each other, or one requires another.
    """
    _check_extra()
    _check_database(arguments, "attach")
    if arguments.sources or arguments.destination or arguments.files_from is not None:
        raise click.UsageError("--attach takes no SOURCE and no DESTINATION: the run has them")
    for name in ("detach", "dry_run", "prune", *_REFUSED, "manifest", "srcset"):
        if name in arguments.flags:
            raise click.UsageError(f"--attach cannot be combined with {flag(name)}")


def run_on_cluster(arguments: Arguments, plan: RunPlan, observers: Sequence[Observer]) -> "Summary":
    """Execute a plan on the nodes of a cluster; print the number of the run if it is to be detached."""
    from forkresize.cluster.client.execution import Submitter, execute_on_cluster

    executors: list[ClusterExecutor] = []
    submitter = Submitter(f"{platform.node()}:{os.getpid()}", arguments.detach, executors.append)
    with _connect(arguments, arguments.cluster, observers) as connection:
        summary = execute_on_cluster(plan, connection, observers, submitter)
    if arguments.detach and executors and not executors[0].stopping:
        click.echo(executors[0].number)
        if arguments.is_interactive:
            print_status(f"run {executors[0].number} goes on; follow it with --attach {executors[0].number}")
    return summary


def run_attached(arguments: Arguments) -> int:
    """Follow a run to its end, with the views and reports that were asked for; return the exit code."""
    from forkresize.cli.observers import open_observers, print_summary
    from forkresize.cli.reports import open_logs
    from forkresize.cli.tracing import open_tracer
    from forkresize.cli.waiting import announce_waiting
    from forkresize.cluster.client.attach import find_run, follow_run
    from forkresize.pool import ignore_stops
    from forkresize.recipe import from_bytes
    from forkresize.store.objects import open_store

    observers: list[Observer] = []
    with ExitStack() as stack:
        observers += open_tracer(arguments, stack)
        notices = stack.enter_context(announce_waiting())
        connection = stack.enter_context(_connect(arguments, None, observers))
        row = find_run(connection, arguments.attach or 0)
        progress = connection.database.runs.progress(row.run)
        total = 0 if progress is None else progress.pictures
        arguments = replace(arguments, destination=row.spec.destination)
        observers += open_logs(arguments, stack)
        recipe = from_bytes(row.spec.recipe.encode())
        with open_observers(arguments, nullcontext(iter([total])), recipe) as reports:
            observers += reports
            notices.observers = tuple(observers)
            observers.append(notices)
            store = open_store(row.spec.destination)
            summary = follow_run(connection, row, store, observers, arguments.settings)
            if summary.exit_code >= SIGNAL_BASE:
                ignore_stops()
        print_summary(summary, arguments)
    return summary.exit_code


@contextmanager
def _connect(arguments: Arguments, broker: str | None, observers: Sequence[Observer]) -> "Iterator[Connection]":
    from forkresize.cli.observers import progress_of
    from forkresize.cluster.client.opening import connect
    from forkresize.cluster.signing import load_key

    # A run without a terminal prints nothing else, but one that waits for nodes must say so.
    prints_nothing_else = not arguments.is_interactive and progress_of(arguments) == "none"

    def notify(text: str) -> None:
        for observer in observers:
            observer.on_notice(text)
        if prints_nothing_else and not arguments.quiet:
            print_status(text)

    with connect(str(arguments.settings.ledger), broker, load_key(arguments.cluster_key), notify) as connection:
        yield connection


def _check_extra() -> None:
    missing = [name for name in ("celery", "psycopg") if find_spec(name) is None]
    if missing:
        hint = install_command("cluster")
        raise click.UsageError(f"a cluster requires the extra 'cluster' ({missing[0]} is missing): {hint}")


def _check_database(arguments: Arguments, name: str) -> None:
    ledger = arguments.settings.ledger
    if not (isinstance(ledger, str) and ledger.startswith(("postgresql://", "postgres://"))):
        needed = "--ledger with the URL of its database, such as postgresql://host/db"
        raise click.UsageError(f"{flag(name)} requires {needed}")
