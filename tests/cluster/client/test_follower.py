"""What a client sees of its run."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from forkresize.cluster.client.documents import RunDocuments
from forkresize.cluster.client.follower import Follower, activities_of
from forkresize.cluster.database import ClusterDatabase
from forkresize.cluster.database.values import WorkingChunk
from forkresize.job import Job
from forkresize.observer import NodeActivity
from forkresize.store import LocalStore
from tests.cluster.client.conftest import SPEC
from tests.cluster.scripted_node import Broker, ScriptedNode
from tests.servers.program import uses

pytestmark = uses("postgresql")


def test_the_chunks_of_a_node_are_one_activity() -> None:
    def chunk(node: str, number: int, made: int, seconds: float) -> WorkingChunk:
        return WorkingChunk(run=1, number=number, node=node, count=10, made=made, seconds=seconds, expires=40.0)

    found = activities_of([chunk("a", 1, 3, 2.0), chunk("a", 2, 0, 0.5), chunk("b", 3, 9, 7.0)])
    assert found == [
        NodeActivity(worker="a", pictures=20, made=3, seconds=2.0),
        NodeActivity(worker="b", pictures=10, made=9, seconds=7.0),
    ]


@pytest.mark.slow
def test_each_result_is_yielded_once_in_the_order_of_the_chunks(
    database: ClusterDatabase, store: LocalStore, node: ScriptedNode, broker: Broker, jobs: list[Job]
) -> None:
    documents = RunDocuments(store, 1, SPEC.digest)
    database.runs.create(1, SPEC)
    database.runs.add_chunks(1, [documents.write(number + 1, [job]) for number, job in enumerate(jobs)])
    with ThreadPoolExecutor(4) as threads:
        follower = Follower(database.runs, 1, documents.read, threads)
        found = list(follower.poll())
        assert found == []
        while not follower.is_finished:
            database.outbox.relay(broker.publish, 30)
            node.work()
            database.runs.close(1)
            found.extend(follower.poll())
    assert [result.item for result in found] == node.jobs
    assert {result.item for result in found} == set(jobs)
