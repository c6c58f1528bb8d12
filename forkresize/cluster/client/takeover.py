"""What happens to runs whose client does not follow them to their end, at once or when a new one begins."""

import time
from collections.abc import Callable

from forkresize.cluster.client.connection import Connection, Request
from forkresize.cluster.client.documents import remove_documents
from forkresize.cluster.client.leftovers import remove_leftovers
from forkresize.cluster.database import ClusterDatabase
from forkresize.cluster.database.values import ListedRun, RunState
from forkresize.cluster.protocol import VERSION
from forkresize.errors import LedgerError, RunActiveError


def end_earlier_runs(
    connection: Connection, request: Request, wait: Callable[[], object], clock: Callable[[], float] = time.monotonic
) -> None:
    """End the runs whose client has died: cancel what no node has started, and wait for the rest.

    What they made is recorded, and the new run continues from there. A detached run is waited for, unless it is of
    another version and no node of that version is connected: it is ended as well.

    Args:
        connection: the cluster.
        request: of the new run, which holds its destination.
        wait: called again and again while nodes are at work; may raise.
        clock: returns the time in seconds.

    Raises:
        RunActiveError: a detached run is at work on the destination, for longer than the request has patience.
        DestinationError: the manifests of a run cannot be removed.
        LedgerError: the database cannot be used.
    """
    database, end = connection.database, clock() + request.patience
    lost = 0
    for row in find_predecessors(connection, request):
        if row.detached:
            _wait_for(connection, row, wait, lambda: clock() < end)
        is_finished = _is_finished(database, row)
        if not is_finished:
            _cancel(database, row, wait)
        database.runs.end(row.run, RunState.DONE if is_finished and not row.cancelled else RunState.CANCELLED)
        progress = database.runs.progress(row.run)
        lost += 0 if progress is None else progress.lost
    active = database.runs.active(request.spec.destination)
    remove_documents(request.store, [row.run for row in active])
    if lost:
        remove_leftovers(database, request.store)


def cancel_after_error(connection: Connection, run: int) -> None:
    """Cancel what no node has started of a run whose client ends by an error, and mention what happens to the run.

    Args:
        connection: the cluster.
        run: number of the run.
    """
    runs = connection.database.runs
    try:
        count = runs.cancel(run)
        working = sum(chunk.count - chunk.made for chunk in runs.working(run))
        if not working:
            runs.end(run, RunState.CANCELLED)
    except LedgerError as error:
        connection.notify(f"run {run} was not cancelled: {error}; nodes go on with it, and the next run continues it")
        return
    rest = f"nodes finish {working} pictures; " if working else ""
    connection.notify(
        f"run {run} is cancelled: no node starts its other {count} chunks; {rest}the next run continues it"
    )


def find_predecessors(connection: Connection, request: Request) -> list[ListedRun]:
    """Return the runs of the destination that have not ended, and whose place the new run takes.

    Runs of other shards are at work at the same time.
    """
    rows = connection.database.runs.active(request.spec.destination)
    return [row for row in rows if not request.spec.shard or row.spec.shard in {"", request.spec.shard}]


def _is_finished(database: ClusterDatabase, row: ListedRun) -> bool:
    progress = database.runs.progress(row.run)
    return progress is None or progress.is_finished


def _wait_for(connection: Connection, row: ListedRun, wait: Callable[[], object], may_wait: Callable[[], bool]) -> None:
    """Wait for a detached run, as long as it was not cancelled and nodes may go on with it."""
    is_mentioned = False
    while not (_is_finished(connection.database, row) or row.cancelled) and _may_go_on(connection.database, row):
        if not may_wait():
            raise RunActiveError(row.run, row.spec.destination)
        if not is_mentioned:
            connection.notify(f"waiting for run {row.run} of the cluster to free the destination")
            is_mentioned = True
        wait()
        connection.database.chunks.expire()


def _may_go_on(database: ClusterDatabase, row: ListedRun) -> bool:
    """Return whether nodes may go on with a run: those of its version are connected, or will be."""
    version = row.spec.version
    return version == VERSION or any(node.present and node.info.protocol == version for node in database.nodes.list())


def _cancel(database: ClusterDatabase, row: ListedRun, wait: Callable[[], object]) -> None:
    database.runs.cancel(row.run)
    while database.runs.working(row.run):
        wait()
        database.chunks.expire()
