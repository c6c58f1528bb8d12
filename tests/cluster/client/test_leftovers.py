"""Temporary files of nodes that were killed."""

from contextlib import ExitStack
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest

from forkresize.cluster.client.leftovers import remove_leftovers
from forkresize.cluster.database import ClusterDatabase
from forkresize.cluster.database.values import Lease, NewChunk
from forkresize.job import Job
from forkresize.store import LocalStore
from forkresize.store.files import temporary_path
from tests.cluster.client.conftest import SPEC, MakeExecutor, MakeNode
from tests.cluster.scripted_node import Broker, ScriptedNode
from tests.servers.program import uses
from tests.store.memory import MemoryStore

pytestmark = [pytest.mark.slow, *uses("postgresql")]


def leave_temporary(store: LocalStore, key: str, run_id: str) -> Path:
    """Create the file that a node has while it writes an output."""
    path = Path(temporary_path(store.location(key), run_id))
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"half a pic")
    return path


def take(database: ClusterDatabase, run: int) -> Lease:
    database.runs.create(run, SPEC)
    database.runs.add_chunks(run, [NewChunk(1, "manifest", 0, 1, 1)])
    lease = database.chunks.take(run, 1, "node")
    assert lease is not None
    return lease


def test_files_of_leases_that_are_over_are_removed_and_others_stay(
    database: ClusterDatabase, store: LocalStore
) -> None:
    living, over = take(database, 1), take(database, 2)
    database.chunks.give_back(over)
    kept = [leave_temporary(store, "a/b.jpg", living.token.hex), leave_temporary(store, "a/c.jpg", "89abcdef")]
    gone = [leave_temporary(store, "a/b.jpg", over.token.hex), leave_temporary(store, "d.jpg", uuid4().hex)]
    store.put("a/b.jpg", b"a whole picture")
    remove_leftovers(database, store)
    assert [path.exists() for path in kept] == [True, True]
    assert [path.exists() for path in gone] == [False, False]
    assert [info.key for info in store.scan()] == ["a/b.jpg"]


def test_nothing_is_looked_for_in_a_bucket(database: ClusterDatabase) -> None:
    remove_leftovers(database, MemoryStore("web"))


def test_a_run_that_lost_a_node_leaves_no_temporary_files(
    make_executor: MakeExecutor,
    make_node: MakeNode,
    node: ScriptedNode,
    broker: Broker,
    store: LocalStore,
    url: str,
    jobs: list[Job],
) -> None:
    left: list[Path] = []
    with ExitStack() as stack:

        def lose_node(_: object) -> None:
            if broker.messages and not left:
                lease = node.take()
                assert lease is not None
                left.append(leave_temporary(store, "003.jpg", lease.token.hex))
                with psycopg.connect(url) as connection:
                    connection.execute("UPDATE forkresize.chunk SET lease_until = now() WHERE state = 'leased'")
                with ClusterDatabase(url) as database:
                    assert database.chunks.expire() == 1
                stack.enter_context(make_node("b").working())

        with make_executor(on_tick=lose_node) as executor:
            results = list(executor.run(jobs))
    assert len(results) == len(jobs)
    assert executor.stats.workers_lost == 1
    assert [path.exists() for path in left] == [False]
