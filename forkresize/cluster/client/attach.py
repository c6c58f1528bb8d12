"""Following a run that another process has published."""

from collections.abc import Iterable

from msgspec.structs import asdict

from forkresize.batch import AnyObserver, Settings
from forkresize.batch.deadline import Deadline
from forkresize.batch.events import EventDispatcher
from forkresize.batch.results import outcomes_from_result
from forkresize.batch.state import RunState, StopToken
from forkresize.cluster.client.connection import Connection, Request
from forkresize.cluster.client.executor import ClusterExecutor
from forkresize.cluster.database.values import RunRow
from forkresize.cluster.database.values import RunState as State
from forkresize.errors import FieldError
from forkresize.store import OutputStore
from forkresize.summary import RunStats, Summary


def find_run(connection: Connection, run: int) -> RunRow:
    """Return a run that can be followed.

    Raises:
        FieldError: it does not exist, has ended, or was begun by another version.
    """
    try:
        row = connection.database.runs.get(run)
    except FieldError as error:
        way_out = "a new run to its destination takes its place once no node of its version is connected"
        raise FieldError("attach", f"run {run} cannot be followed: {error.message}; {way_out}") from error
    if row is None:
        raise FieldError("attach", f"there is no run {run} on this cluster; 'forkresized status' shows its runs")
    if row.state in {State.DONE, State.CANCELLED}:
        raise FieldError("attach", f"run {run} has ended ({row.state}); 'forkresized status' shows the others")
    return row


def follow_run(
    connection: Connection, row: RunRow, store: OutputStore, observers: Iterable[AnyObserver], settings: Settings
) -> Summary:
    """Follow a run to its end, and remove its manifests. Its destination is held while this lasts.

    Signals have the effect that they have on a run of this process; see ``ClusterExecutor``.

    Args:
        connection: the cluster.
        row: the run.
        store: its destination.
        observers: are given the outcomes of all pictures that nodes have processed.
        settings: when to stop, and what counts as a failure.

    Raises:
        DestinationBusyError: the client of the run, or another one, holds the destination.
        DestinationError: a manifest cannot be read.
        LedgerError: the database cannot be used.
    """
    events, deadline = EventDispatcher(observers), Deadline(settings.max_duration)
    state = RunState(settings, deadline, StopToken(deadline), events)
    with store.lock(None, settings.lock_wait, events.waiting):
        events.start()
        # Who holds the destination knows that the client is gone, which may have died before it had published all.
        connection.database.runs.close(row.run)
        request = Request(spec=row.spec, store=store, stop_after=deadline.remaining)
        executor = ClusterExecutor(connection, request, events.on_tick)
        executor.begin(row.run)
        events.follow(lambda: executor.interrupted)
        with executor:
            for result in executor.follow():
                for outcome in outcomes_from_result(result, store):
                    state.report(outcome)
                if state.must_stop:
                    executor.stop()
    summary = state.summary(RunStats(seconds=deadline.elapsed, **asdict(executor.stats)), executor.interrupted)
    events.finish(summary)
    return summary
