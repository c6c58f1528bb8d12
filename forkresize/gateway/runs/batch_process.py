"""The process of a batch, which the gateway starts as a fresh interpreter: it may fork, and may end as it will.

Its order is the first line of its standard input; what happens goes to its standard output; see ``messages``. SIGTERM
ends the batch after the pictures in progress. If the gateway ends, so does a batch on this machine; the nodes of a
cluster go on with theirs, and another process follows them.
"""

import os
import sys
import traceback
from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, NoReturn

from forkresize.batch import RunPlan, Settings, prepare
from forkresize.errors import FieldError, ForkresizeError, StopRequested
from forkresize.exit_policy import ExitCode, exit_code_for_error
from forkresize.gateway.runs.batch_trace import open_tracer
from forkresize.gateway.runs.messages import (
    INTERNAL_ERROR,
    BatchOrder,
    ClusterAccess,
    Ended,
    Published,
    decode_order,
)
from forkresize.gateway.runs.patterns import make_filter, select_rules
from forkresize.gateway.runs.reporter import Channel, Reporter, open_standard_channel
from forkresize.observer import Activity, Observer, StopRun
from forkresize.pool import PoolOptions, SandboxMode, default_budget, raise_on_stop
from forkresize.recipe import from_bytes
from forkresize.summary import Summary
from forkresize.urls import is_store_url, is_url
from forkresize.walk import Selection, Symlinks

if TYPE_CHECKING:
    from collections.abc import Iterator

    from forkresize.cluster.client.connection import Connection
    from forkresize.cluster.client.executor import ClusterExecutor

_MEMORY_SHARE = 2
"""The other half is for pictures on demand."""


def main() -> NoReturn:
    """Do what the order says, and end the process."""
    raise_on_stop()
    order = decode_order(_read_line(sys.stdin.fileno()))
    os.nice(order.nice)
    channel = open_standard_channel(_leave_running if order.cluster else _stop)
    reporter = Reporter(channel, order.names)
    code, error = _run(order, channel, reporter)
    channel.send(Ended(int(code), reporter.hide(error)))
    sys.stderr.flush()
    # Threads of libraries that wait for a server must not keep the process alive.
    os._exit(0)


def _run(order: BatchOrder, channel: Channel, reporter: Reporter) -> tuple[int, str]:
    """Return the exit code, and why the run could not be done."""
    try:
        summary = _execute(order, channel, reporter)
    except FieldError as error:
        return exit_code_for_error(error), f"{error.field}: {error.message}"
    except ForkresizeError as error:
        return exit_code_for_error(error), str(error)
    except (KeyboardInterrupt, StopRequested) as stop:
        return exit_code_for_error(stop), ""
    except StopRun as stop:
        return ExitCode.STOPPED, stop.text
    except Exception as error:  # noqa: BLE001 -- the caller gets no details of a bug, and the log has them all.
        traceback.print_exc()
        code = exit_code_for_error(error)
        return code, INTERNAL_ERROR if code == ExitCode.BUG else str(error)
    return summary.exit_code, (summary.stopped_by or "") if summary.exit_code == ExitCode.FATAL else ""


def _execute(order: BatchOrder, channel: Channel, reporter: Reporter) -> Summary:
    with ExitStack() as stack:
        # It sends the trace when no process is left that was forked.
        return _execute_with(order, channel, [*open_tracer(order, stack), reporter], reporter)


def _execute_with(order: BatchOrder, channel: Channel, observers: Sequence[Observer], reporter: Reporter) -> Summary:
    if order.cluster is None:
        return _prepare(order).execute(observers)
    from forkresize.cluster.client.execution import Submitter, execute_on_cluster

    access = order.cluster
    with _connect(access, reporter) as connection:
        if access.batch is not None:
            followed = follow_former(order, connection, observers)
            if followed is not None:
                return followed
        if access.cancelled:
            raise StopRun("it was cancelled")
        number = _NumberObserver(lambda batch: channel.send(Published(batch)))
        return execute_on_cluster(
            _prepare(order),
            connection,
            [number, *observers],
            Submitter(access.owner, on_executor=number.follow, traceparent=access.traceparent),
        )


def _prepare(order: BatchOrder) -> RunPlan:
    return prepare(order.sources, order.destination, from_bytes(order.recipe.encode()), make_settings(order))


def make_settings(order: BatchOrder) -> Settings:
    """Return the settings of an order."""
    # A link could lead out of its root.
    symlinks = None if all(map(is_url, order.sources)) else Symlinks.SKIP
    cluster, asked = order.cluster, order.settings
    memory = None if cluster else order.memory or default_budget() // _MEMORY_SHARE
    return Settings(
        selection=Selection(rules=select_rules(asked.include, asked.exclude), symlinks=symlinks),
        source_filter=make_filter(asked.include) if asked.include and asked.exclude else None,
        on_collision=asked.on_collision,
        if_exists=asked.if_exists,
        retry_failed=asked.retry_failed,
        prune=asked.prune,
        ledger=(cluster.ledger if cluster else order.ledger) or True,
        lock_wait=order.lock_wait,
        sandbox=SandboxMode(order.sandbox),
        pool=PoolOptions(workers=order.workers, memory=memory, timeout=asked.timeout, retries=asked.retries),
    )


@contextmanager
def _connect(access: ClusterAccess, reporter: Reporter) -> "Iterator[Connection]":
    from forkresize.cluster.client.opening import connect
    from forkresize.cluster.signing import load_key

    with connect(access.ledger, access.broker, load_key(access.key_file), reporter.on_notice) as connection:
        yield connection


def follow_former(order: BatchOrder, connection: "Connection", observers: Sequence[Observer]) -> Summary | None:
    """Follow a run that a former process has published as a whole.

    Args:
        order: to the batch, with the number of the run.
        connection: the cluster.
        observers: are given what nodes have made.

    Returns:
        None if it was not published as a whole, or by another version: a new run takes its place, unless it is to be
        cancelled.
    """
    from forkresize.cluster.client.attach import follow_run
    from forkresize.cluster.database.values import RunState
    from forkresize.store import LocalStore
    from forkresize.store.objects import open_store

    assert order.cluster is not None  # noqa: S101  Only its batches have numbers.
    access, number = order.cluster, order.cluster.batch or 0
    try:
        row = connection.database.runs.get(number)
    except FieldError as error:
        connection.notify(f"run {number} of the cluster cannot be followed: {error.message}")
        if access.cancelled:
            connection.database.runs.cancel(number)
        return None
    if row is None or row.state not in {RunState.OPEN, RunState.CLOSED}:
        return None
    if access.cancelled:
        connection.database.runs.cancel(row.run)
    elif row.state is RunState.OPEN or order.settings.prune:
        # It has to be listed again: the new run takes its place, and continues from what nodes have made.
        return None
    location = order.destination
    store = open_store(location) if is_store_url(location) else LocalStore(location)
    return follow_run(connection, row, store, observers, make_settings(order))


class _NumberObserver(Observer):
    """Reports the number of a run on the cluster once it has one."""

    def __init__(self, report: Callable[[int], object]) -> None:
        self._report = report
        self._executor: ClusterExecutor | None = None
        self._reported = 0

    def follow(self, executor: "ClusterExecutor") -> None:
        """Look at this executor from now on."""
        self._executor = executor

    def on_tick(self, activities: "Iterable[Activity]") -> None:  # noqa: ARG002 -- of the hook.
        """Report the number if it is new."""
        if self._executor is not None and self._executor.number != self._reported:
            self._reported = self._executor.number
            self._report(self._reported)


def _read_line(descriptor: int) -> bytes:
    """Return the first line; what follows stays in the pipe."""
    data = b""
    while not data.endswith(b"\n") and (piece := os.read(descriptor, 1 << 16)):
        data += piece
    return data


def _stop() -> NoReturn:
    raise StopRun("the gateway ended")


def _leave_running() -> NoReturn:
    # Without cancelling what nodes have: another process follows the run.
    os._exit(ExitCode.LOCKED)


if __name__ == "__main__":
    main()
