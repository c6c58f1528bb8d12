"""A new run takes the place of one of another version; what it does with others is in ``test_executor.py``."""

import psycopg
import pytest

from forkresize.cluster.client.attach import find_run
from forkresize.cluster.client.connection import Connection
from forkresize.cluster.database import ClusterDatabase
from forkresize.cluster.database.nodes import Presence
from forkresize.cluster.database.values import RunState
from forkresize.cluster.protocol import VERSION
from forkresize.errors import FieldError, RunActiveError
from forkresize.job import Job
from forkresize.ledger.postgres.database import Database
from tests.cluster.client.conftest import MakeExecutor
from tests.cluster.scripted_node import ScriptedNode
from tests.servers.program import uses

pytestmark = [pytest.mark.slow, *uses("postgresql")]

OTHER = VERSION + 1


@pytest.fixture(autouse=True)
def _detached(make_executor: MakeExecutor, url: str, jobs: list[Job]) -> None:
    """Publish a detached run of another version."""
    with make_executor(detach=True) as executor:
        list(executor.run(jobs))
    with psycopg.connect(url) as connection:
        statement = "UPDATE forkresize.batch SET spec = jsonb_set(spec::jsonb, '{version}', to_jsonb(%s::int))::text"
        connection.execute(statement, (OTHER,))


def test_a_detached_run_of_another_version_is_ended_by_the_next_one(
    make_executor: MakeExecutor, node: ScriptedNode, database: ClusterDatabase, jobs: list[Job]
) -> None:
    with node.working(), make_executor(2, patience=60.0) as executor:
        assert len(list(executor.run(jobs))) == len(jobs)
    assert [row.state for row in database.runs.recent(2)] == [RunState.DONE, RunState.CANCELLED]


def test_it_is_waited_for_while_a_node_of_its_version_is_connected(
    make_executor: MakeExecutor, node: ScriptedNode, url: str, jobs: list[Job]
) -> None:
    with Database(url) as lock:
        presence = Presence(lock, node.register(protocol=OTHER))
        presence.hold()
        with make_executor(2) as executor, pytest.raises(RunActiveError, match="run 1 of the cluster is at work"):
            list(executor.run(jobs))
        presence.release()


def test_it_cannot_be_followed_and_the_way_to_end_it_is_named(connection: Connection) -> None:
    with pytest.raises(FieldError, match=f"has version {OTHER} of the protocol.*a new run to its destination takes"):
        find_run(connection, 1)
