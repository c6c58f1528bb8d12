"""A client against a real database, with nodes that make no pictures."""

import os
import signal
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence

import pytest

from forkresize.batch.executor import NodeResult
from forkresize.cluster.database import ClusterDatabase
from forkresize.cluster.database.nodes import Presence
from forkresize.cluster.database.values import ChunkState, Lease, RunRow, RunState
from forkresize.cluster.manifest import outcomes_key, run_directory
from forkresize.errors import RunActiveError, StopRequested
from forkresize.job import Job
from forkresize.ledger.postgres.database import Database
from forkresize.observer import Activity, NodeActivity
from forkresize.pool import NothingYet
from forkresize.store import LocalStore
from tests.cluster.client.conftest import MakeExecutor, MakeNode
from tests.cluster.scripted_node import Broker, ScriptedNode
from tests.servers.postgresql import PostgresServer
from tests.servers.program import uses

pytestmark = [pytest.mark.slow, *uses("postgresql")]


class Script:
    """At each tick, it calls the first of some functions. One that returns False or nothing to see is called again."""

    def __init__(self, *steps: Callable[[], object]) -> None:
        self._steps = list(steps)

    def __call__(self, _: object) -> None:
        while self._steps:
            result = self._steps[0]()
            if result is not None and not result:
                return
            self._steps.pop(0)


class Died(Exception):  # noqa: N818 -- what happens to a client.
    """The client of a run has died."""


def _raise() -> None:
    raise Died


def wait_until(is_true: Callable[[], object], seconds: float = 30.0) -> None:
    deadline = time.monotonic() + seconds
    while not is_true():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)


def _take(node: ScriptedNode) -> Lease:
    lease = node.take()
    assert lease is not None
    return lease


def _row(database: ClusterDatabase, run: int = 1) -> RunRow:
    row = database.runs.get(run)
    assert row is not None
    return row


def _names_of(jobs: list[Job]) -> list[str]:
    return sorted(job.source.relative for job in jobs)


def _names(results: Iterable[NodeResult]) -> list[str]:
    return sorted(result.item.source.relative for result in results)


def _documents(store: LocalStore, run: int = 1) -> list[str]:
    return [info.key for info in store.scan(f"{run_directory(run)}/")]


def test_each_job_has_one_result_and_nothing_is_left(
    make_executor: MakeExecutor, make_node: MakeNode, store: LocalStore, database: ClusterDatabase, jobs: list[Job]
) -> None:
    with make_node("a").working(), make_node("b").working(), make_executor() as executor:
        results = list(executor.run(jobs))
    assert _names(results) == [job.source.relative for job in jobs]
    assert {result.item for result in results} == set(jobs)
    assert {result.worker for result in results} <= {"a:4711", "b:4711"}
    assert executor.stats.busy_seconds == pytest.approx(50.0)
    assert _row(database).state is RunState.DONE
    assert _documents(store) == []
    assert (executor.stopping, executor.interrupted) == (False, None)


def test_a_run_without_jobs_ends(make_executor: MakeExecutor, database: ClusterDatabase) -> None:
    with make_executor() as executor:
        assert list(executor.run([])) == []
    assert _row(database).state is RunState.DONE


def test_results_come_while_there_are_further_jobs(
    make_executor: MakeExecutor, node: ScriptedNode, jobs: list[Job]
) -> None:
    found: list[NodeResult] = []
    reader, writer = os.pipe()

    def slow() -> Iterator[Job | NothingYet]:
        yield from jobs
        deadline = time.monotonic() + 30
        while not found and time.monotonic() < deadline:
            yield NothingYet(reader)

    with node.working(), make_executor() as executor:
        for result in executor.run(slow()):
            found.append(result)  # noqa: PERF402 -- while the jobs go on.
    os.close(reader)
    os.close(writer)
    assert len(found) == len(jobs)


def test_the_first_signal_cancels_what_no_node_has_started(
    make_executor: MakeExecutor, node: ScriptedNode, broker: Broker, database: ClusterDatabase, jobs: list[Job]
) -> None:
    leases: list[Lease] = []
    script = Script(
        lambda: broker.messages,
        lambda: leases.append(_take(node)),
        lambda: signal.raise_signal(signal.SIGINT),
        lambda: _row(database).cancelled,
        lambda: node.finish(leases[0]),
    )
    with make_executor(on_tick=script) as executor:
        results = list(executor.run(jobs))
    assert executor.interrupted == signal.SIGINT
    assert len(results) == leases[0].count
    assert _names(results) == _names_of(node.jobs)
    assert _row(database).state is RunState.CANCELLED
    assert node.work() == 0


def test_the_second_signal_leaves_the_rest_to_the_nodes(
    make_executor: MakeExecutor, node: ScriptedNode, broker: Broker, database: ClusterDatabase, jobs: list[Job]
) -> None:
    leases: list[Lease] = []

    def raise_again() -> bool:
        signal.raise_signal(signal.SIGTERM)
        return False

    script = Script(lambda: broker.messages, lambda: leases.append(_take(node)), raise_again)
    with make_executor(on_tick=script) as executor:
        assert list(executor.run(jobs)) == []
    assert executor.interrupted == signal.SIGTERM
    assert _row(database).state is RunState.CLOSED
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
    assert _row(database).state is RunState.CANCELLED


def test_a_detached_run_goes_on_and_is_followed_later(
    make_executor: MakeExecutor, node: ScriptedNode, store: LocalStore, database: ClusterDatabase, jobs: list[Job]
) -> None:
    with make_executor(detach=True) as executor:
        assert list(executor.run(jobs)) == []
    assert _row(database).state is RunState.CLOSED
    with make_executor(2) as other, pytest.raises(RunActiveError, match="run 1 of the cluster is at work"):
        list(other.run(jobs))
    node.work()
    with make_executor(1) as follower:
        assert _names(follower.follow()) == _names_of(jobs)
    assert _row(database).state is RunState.DONE
    assert _documents(store) == []


def test_a_detached_run_that_has_ended_makes_way_for_the_next_one(
    make_executor: MakeExecutor, node: ScriptedNode, store: LocalStore, database: ClusterDatabase, jobs: list[Job]
) -> None:
    with make_executor(detach=True) as executor:
        list(executor.run(jobs))
    node.work()
    with node.working(), make_executor(2) as other:
        assert len(list(other.run(jobs[:3]))) == 3
    assert (_row(database).state, _row(database, 2).state) == (RunState.DONE, RunState.DONE)
    assert _documents(store) == []


def test_a_run_waits_for_a_detached_one_if_it_is_asked_to(
    make_executor: MakeExecutor, node: ScriptedNode, notices: list[str], jobs: list[Job]
) -> None:
    with make_executor(detach=True) as executor:
        list(executor.run(jobs))
    waiting = "waiting for run 1 of the cluster to free the destination"
    is_done = threading.Event()

    def work_when_awaited() -> None:
        wait_until(lambda: waiting in notices)
        with node.working():
            is_done.wait(30)

    thread = threading.Thread(target=work_when_awaited)
    thread.start()
    with make_executor(2, patience=30.0) as other:
        assert len(list(other.run(jobs[:3]))) == 3
    is_done.set()
    thread.join()
    assert notices.count(waiting) == 1


def test_the_run_of_a_client_that_died_is_ended_by_the_next_one(
    make_executor: MakeExecutor, node: ScriptedNode, store: LocalStore, database: ClusterDatabase, jobs: list[Job]
) -> None:
    script = Script(lambda: _documents(store), lambda: node.finish(_take(node)), _raise)
    with make_executor(on_tick=script) as executor, pytest.raises(Died):
        list(executor.run(jobs))
    assert _documents(store)
    with node.working(), make_executor(2) as other:
        assert _names(other.run(jobs)) == _names_of(jobs)
    assert (_row(database).state, _row(database, 2).state) == (RunState.CANCELLED, RunState.DONE)
    assert _documents(store) == _documents(store, 2) == []


def _fail() -> None:
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
    script = Script(lambda: broker.messages, lambda: leases.append(_take(node)), _fail)
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
        assert _names(other.run(jobs)) == _names_of(jobs)


def test_the_run_of_a_client_that_fails_before_a_node_starts_ends_at_once(
    make_executor: MakeExecutor, database: ClusterDatabase, notices: list[str], jobs: list[Job]
) -> None:
    def fail() -> Iterator[Job]:
        yield from jobs
        _fail()

    with pytest.raises(OSError, match="No space left"), make_executor() as executor:
        list(executor.run(fail()))
    assert _row(database).state is RunState.CANCELLED
    assert notices[-1].endswith("chunks; the next run continues it")


def test_a_client_that_fails_when_its_run_is_detached_leaves_it_to_the_nodes(
    make_executor: MakeExecutor, node: ScriptedNode, database: ClusterDatabase, jobs: list[Job]
) -> None:
    def detach_and_fail() -> None:
        with make_executor(detach=True) as executor:
            list(executor.run(jobs))
            _fail()

    with pytest.raises(OSError, match="No space left"):
        detach_and_fail()
    assert not _row(database).cancelled
    assert node.work() > 0


def test_the_run_of_another_shard_is_left_alone(
    make_executor: MakeExecutor, node: ScriptedNode, store: LocalStore, database: ClusterDatabase, jobs: list[Job]
) -> None:
    script = Script(lambda: _documents(store), _raise)
    with make_executor(1, script, shard="1-of-2") as executor, pytest.raises(Died):
        list(executor.run(jobs[:50]))
    kept = _documents(store)
    with node.working(), make_executor(2, shard="2-of-2") as other:
        assert len(list(other.run(jobs[50:]))) == 50
    assert set(kept) <= set(_documents(store))
    assert _row(database).state is RunState.CLOSED
    with make_executor(3, shard="1-of-2") as again:
        list(again.run([]))
    assert _row(database).state is RunState.DONE
    assert _documents(store) == []


def test_what_a_late_node_has_left_is_removed_by_the_next_run(make_executor: MakeExecutor, store: LocalStore) -> None:
    store.put(outcomes_key(99, 1, 1), b"late")
    with make_executor() as executor:
        list(executor.run([]))
    assert _documents(store, 99) == []


def test_the_next_run_waits_for_the_chunks_that_nodes_have(
    make_executor: MakeExecutor, node: ScriptedNode, broker: Broker, url: str, jobs: list[Job]
) -> None:
    leases: list[Lease] = []
    script = Script(lambda: broker.messages, lambda: leases.append(_take(node)), _raise)
    with make_executor(on_tick=script) as executor, pytest.raises(Died):
        list(executor.run(jobs))

    def finish_when_cancelled() -> None:
        with ClusterDatabase(url) as database:
            wait_until(lambda: _row(database).cancelled)
            assert database.runs.get(2) is None
            node.finish(leases[0])
            with node.working():
                wait_until(lambda: database.runs.get(2) is not None and _row(database, 2).state is RunState.DONE)

    thread = threading.Thread(target=finish_when_cancelled)
    thread.start()
    with make_executor(2) as other:
        results = list(other.run(jobs))
    thread.join()
    assert _names(results) == _names_of(jobs)


def test_nodes_are_shown_with_their_pictures(
    make_executor: MakeExecutor, node: ScriptedNode, broker: Broker, jobs: list[Job]
) -> None:
    seen: list[Activity] = []
    leases: list[Lease] = []
    script = Script(
        lambda: broker.messages,
        lambda: leases.extend([_take(node), _take(node)]),
        lambda: seen,
        lambda: node.finish(leases[0]),
        lambda: node.finish(leases[1]),
        lambda: not node.work(),
    )

    def watch(activities: Sequence[Activity]) -> None:
        seen.extend(activities)
        script(activities)

    with make_executor(on_tick=watch) as executor:
        assert len(list(executor.run(jobs))) == len(jobs)
    for activity in seen:
        assert isinstance(activity, NodeActivity)
        assert (activity.worker, activity.pictures, activity.made) == ("node-1", 8, 0)


def test_a_cluster_without_nodes_is_noticed_once(
    make_executor: MakeExecutor, notices: list[str], jobs: list[Job]
) -> None:
    with make_executor(stop_after=1.5) as executor:
        list(executor.run(jobs))
    assert notices == ["no node of the cluster is connected; start one with 'forkresized node'"]


def test_connected_workers_are_counted(
    make_executor: MakeExecutor, node: ScriptedNode, url: str, notices: list[str], jobs: list[Job]
) -> None:
    with Database(url) as lock:
        presence = Presence(lock, node.register(workers=3))
        presence.hold()
        with node.working(), make_executor() as executor:
            list(executor.run(jobs))
        presence.release()
    assert executor.stats.workers == 3
    assert notices == []
