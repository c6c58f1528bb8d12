"""A client against a real database, with nodes that make no pictures."""

import os
import signal
import threading
import time
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import pytest

from forkresize.cluster.database import ClusterDatabase
from forkresize.cluster.database.nodes import Presence
from forkresize.cluster.database.values import Lease, RunState
from forkresize.cluster.manifest import outcomes_key
from forkresize.errors import RunActiveError
from forkresize.job import Job
from forkresize.ledger.postgres.database import Database
from forkresize.observer import Activity, NodeActivity
from forkresize.pool import NothingYet
from forkresize.store import LocalStore
from tests.cluster.client.conftest import MakeExecutor, MakeNode
from tests.cluster.client.script import Died, Script, die, documents, names, names_of, row_of, take, wait_until
from tests.cluster.scripted_node import Broker, ScriptedNode
from tests.servers.program import uses

if TYPE_CHECKING:
    from forkresize.batch.executor import NodeResult

pytestmark = [pytest.mark.slow, *uses("postgresql")]


def test_each_job_has_one_result_and_nothing_is_left(
    make_executor: MakeExecutor, make_node: MakeNode, store: LocalStore, database: ClusterDatabase, jobs: list[Job]
) -> None:
    with make_node("a").working(), make_node("b").working(), make_executor() as executor:
        results = list(executor.run(jobs))
    assert names(results) == [job.source.relative for job in jobs]
    assert {result.item for result in results} == set(jobs)
    assert {result.worker for result in results} <= {"a:4711", "b:4711"}
    assert executor.stats.busy_seconds == pytest.approx(50.0)
    assert row_of(database).state is RunState.DONE
    assert documents(store) == []
    assert (executor.stopping, executor.interrupted) == (False, None)


def test_a_run_without_jobs_ends(make_executor: MakeExecutor, database: ClusterDatabase) -> None:
    with make_executor() as executor:
        assert list(executor.run([])) == []
    assert row_of(database).state is RunState.DONE


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


def test_a_client_that_was_suspended_waits_without_work_while_there_is_no_job_yet(make_executor: MakeExecutor) -> None:
    reader, writer = os.pipe()
    asked: list[float] = []

    def empty() -> Iterator[NothingYet]:
        signal.raise_signal(signal.SIGCONT)
        deadline = time.monotonic() + 1
        while time.monotonic() < deadline:
            asked.append(time.monotonic())
            yield NothingYet(reader)

    with make_executor() as executor:
        assert list(executor.run(empty())) == []
    os.close(reader)
    os.close(writer)
    # Four times a second, and once for the signal.
    assert len(asked) < 20


def test_a_detached_run_goes_on_and_is_followed_later(
    make_executor: MakeExecutor, node: ScriptedNode, store: LocalStore, database: ClusterDatabase, jobs: list[Job]
) -> None:
    with make_executor(detach=True) as executor:
        assert list(executor.run(jobs)) == []
    assert row_of(database).state is RunState.CLOSED
    with make_executor(2) as other, pytest.raises(RunActiveError, match="run 1 of the cluster is at work"):
        list(other.run(jobs))
    node.work()
    with make_executor(1) as follower:
        assert names(follower.follow()) == names_of(jobs)
    assert row_of(database).state is RunState.DONE
    assert documents(store) == []


def test_a_detached_run_that_has_ended_makes_way_for_the_next_one(
    make_executor: MakeExecutor, node: ScriptedNode, store: LocalStore, database: ClusterDatabase, jobs: list[Job]
) -> None:
    with make_executor(detach=True) as executor:
        list(executor.run(jobs))
    node.work()
    with node.working(), make_executor(2) as other:
        assert len(list(other.run(jobs[:3]))) == 3
    assert (row_of(database).state, row_of(database, 2).state) == (RunState.DONE, RunState.DONE)
    assert documents(store) == []


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


def test_the_run_of_another_shard_is_left_alone(
    make_executor: MakeExecutor, node: ScriptedNode, store: LocalStore, database: ClusterDatabase, jobs: list[Job]
) -> None:
    script = Script(lambda: documents(store), die)
    with make_executor(1, script, shard="1-of-2") as executor, pytest.raises(Died):
        list(executor.run(jobs[:50]))
    kept = documents(store)
    with node.working(), make_executor(2, shard="2-of-2") as other:
        assert len(list(other.run(jobs[50:]))) == 50
    assert set(kept) <= set(documents(store))
    assert row_of(database).state is RunState.CLOSED
    with make_executor(3, shard="1-of-2") as again:
        list(again.run([]))
    assert row_of(database).state is RunState.DONE
    assert documents(store) == []


def test_what_a_late_node_has_left_is_removed_by_the_next_run(make_executor: MakeExecutor, store: LocalStore) -> None:
    store.put(outcomes_key(99, 1, 1), b"late")
    with make_executor() as executor:
        list(executor.run([]))
    assert documents(store, 99) == []


def test_nodes_are_shown_with_their_pictures(
    make_executor: MakeExecutor, node: ScriptedNode, broker: Broker, jobs: list[Job]
) -> None:
    seen: list[Activity] = []
    leases: list[Lease] = []
    script = Script(
        lambda: broker.messages,
        lambda: leases.extend([take(node), take(node)]),
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
