"""A client that is interrupted, late, fails or dies: what its nodes do, and what the next run finds."""

import os
import signal
import threading
import time
from collections.abc import Iterator

import pytest

from forkresize.cluster.database import ClusterDatabase
from forkresize.cluster.database.values import ChunkState, Lease, RunState
from forkresize.errors import StopRequested
from forkresize.job import Job
from forkresize.store import LocalStore
from tests.cluster.client.conftest import MakeExecutor
from tests.cluster.client.script import Died, Script, die, documents, names, names_of, row_of, take, wait_until
from tests.cluster.scripted_node import Broker, ScriptedNode
from tests.servers.postgresql import PostgresServer
from tests.servers.program import uses

pytestmark = [pytest.mark.slow, *uses("postgresql")]


def test_the_first_signal_cancels_what_no_node_has_started(
    make_executor: MakeExecutor, node: ScriptedNode, broker: Broker, database: ClusterDatabase, jobs: list[Job]
) -> None:
    leases: list[Lease] = []
    script = Script(
        lambda: broker.messages,
        lambda: leases.append(take(node)),
        lambda: signal.raise_signal(signal.SIGINT),
        lambda: row_of(database).cancelled,
        lambda: node.finish(leases[0]),
    )
    with make_executor(on_tick=script) as executor:
        results = list(executor.run(jobs))
    assert executor.interrupted == signal.SIGINT
    assert len(results) == leases[0].count
    assert names(results) == names_of(node.jobs)
    assert row_of(database).state is RunState.CANCELLED
    assert node.work() == 0


def test_the_second_signal_leaves_the_rest_to_the_nodes(
    make_executor: MakeExecutor, node: ScriptedNode, broker: Broker, database: ClusterDatabase, jobs: list[Job]
) -> None:
    leases: list[Lease] = []

    def raise_again() -> bool:
        signal.raise_signal(signal.SIGTERM)
        return False

    script = Script(lambda: broker.messages, lambda: leases.append(take(node)), raise_again)
    with make_executor(on_tick=script) as executor:
        assert list(executor.run(jobs)) == []
    assert executor.interrupted == signal.SIGTERM
    assert row_of(database).state is RunState.CLOSED
    node.finish(leases[0])


def test_the_second_signal_leaves_while_the_database_is_away(
    make_executor: MakeExecutor,
    postgresql: PostgresServer,
    notices: list[str],
    caplog: pytest.LogCaptureFixture,
    jobs: list[Job],
) -> None:
    def interrupt_twice() -> None:
        wait_until(lambda: "waiting for the database" in caplog.text)
        os.kill(os.getpid(), signal.SIGTERM)
        wait_until(
            lambda: notices[-1:] == ["nothing is cancelled before the database is back; interrupt again to leave"]
        )
        time.sleep(0.2)  # A signal that follows at once counts as the same.
        os.kill(os.getpid(), signal.SIGTERM)

    thread = threading.Thread(target=interrupt_twice)

    def crash(_: object) -> None:
        if thread.ident is None:
            postgresql.crash()
            thread.start()

    try:
        with pytest.raises(StopRequested), make_executor(on_tick=crash) as executor:
            list(executor.run(jobs))
    finally:
        postgresql.start()
        thread.join()


def test_the_third_signal_raises(make_executor: MakeExecutor) -> None:
    with make_executor(), pytest.raises(StopRequested):
        _raise_signals()


def _raise_signals() -> None:
    for _ in range(100):
        signal.raise_signal(signal.SIGTERM)
        time.sleep(0.05)


def test_a_run_that_is_late_is_cancelled(
    make_executor: MakeExecutor, database: ClusterDatabase, jobs: list[Job]
) -> None:
    with make_executor(stop_after=0.5) as executor:
        assert list(executor.run(jobs)) == []
    assert executor.stopping
    assert executor.interrupted is None
    assert row_of(database).state is RunState.CANCELLED


def test_the_run_of_a_client_that_died_is_ended_by_the_next_one(
    make_executor: MakeExecutor, node: ScriptedNode, store: LocalStore, database: ClusterDatabase, jobs: list[Job]
) -> None:
    script = Script(lambda: documents(store), lambda: node.finish(take(node)), die)
    with make_executor(on_tick=script) as executor, pytest.raises(Died):
        list(executor.run(jobs))
    assert documents(store)
    with node.working(), make_executor(2) as other:
        assert names(other.run(jobs)) == names_of(jobs)
    assert (row_of(database).state, row_of(database, 2).state) == (RunState.CANCELLED, RunState.DONE)
    assert documents(store) == documents(store, 2) == []


def fail_for_space() -> None:
    raise OSError("No space left on device")


def test_a_client_that_fails_cancels_what_no_node_has_started(
    make_executor: MakeExecutor,
    node: ScriptedNode,
    broker: Broker,
    database: ClusterDatabase,
    notices: list[str],
    jobs: list[Job],
) -> None:
    leases: list[Lease] = []
    script = Script(lambda: broker.messages, lambda: leases.append(take(node)), fail_for_space)
    with pytest.raises(OSError, match="No space left"), make_executor(on_tick=script) as executor:
        list(executor.run(jobs))
    progress = database.runs.progress(1)
    assert progress is not None
    assert (progress.cancelled, progress.chunks.get(ChunkState.PENDING, 0)) == (True, 0)
    rest = f"nodes finish {leases[0].count} pictures; the next run continues it"
    count = progress.chunks[ChunkState.CANCELLED]
    assert notices[-1] == f"run 1 is cancelled: no node starts its other {count} chunks; {rest}"
    node.finish(leases[0])
    assert node.work() == 0
    with node.working(), make_executor(2) as other:
        assert names(other.run(jobs)) == names_of(jobs)


def test_the_run_of_a_client_that_fails_before_a_node_starts_ends_at_once(
    make_executor: MakeExecutor, database: ClusterDatabase, notices: list[str], jobs: list[Job]
) -> None:
    def fail() -> Iterator[Job]:
        yield from jobs
        fail_for_space()

    with pytest.raises(OSError, match="No space left"), make_executor() as executor:
        list(executor.run(fail()))
    assert row_of(database).state is RunState.CANCELLED
    assert notices[-1].endswith("chunks; the next run continues it")


def test_a_client_that_fails_when_its_run_is_detached_leaves_it_to_the_nodes(
    make_executor: MakeExecutor, node: ScriptedNode, database: ClusterDatabase, jobs: list[Job]
) -> None:
    def detach_and_fail() -> None:
        with make_executor(detach=True) as executor:
            list(executor.run(jobs))
            fail_for_space()

    with pytest.raises(OSError, match="No space left"):
        detach_and_fail()
    assert not row_of(database).cancelled
    assert node.work() > 0


def test_the_next_run_waits_for_the_chunks_that_nodes_have(
    make_executor: MakeExecutor, node: ScriptedNode, broker: Broker, url: str, jobs: list[Job]
) -> None:
    leases: list[Lease] = []
    script = Script(lambda: broker.messages, lambda: leases.append(take(node)), die)
    with make_executor(on_tick=script) as executor, pytest.raises(Died):
        list(executor.run(jobs))

    def finish_when_cancelled() -> None:
        with ClusterDatabase(url) as database:
            wait_until(lambda: row_of(database).cancelled)
            assert database.runs.get(2) is None
            node.finish(leases[0])
            with node.working():
                wait_until(lambda: database.runs.get(2) is not None and row_of(database, 2).state is RunState.DONE)

    thread = threading.Thread(target=finish_when_cancelled)
    thread.start()
    with make_executor(2) as other:
        results = list(other.run(jobs))
    thread.join()
    assert names(results) == names_of(jobs)
