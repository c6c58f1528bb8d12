"""A batch that a process of another version has published; the others are in ``test_manager.py``."""

import psycopg
import pytest

from forkresize.cluster.client.connection import Connection
from forkresize.cluster.database import ClusterDatabase
from forkresize.cluster.database.values import NewChunk
from forkresize.cluster.protocol import VERSION
from forkresize.cluster.spec import RunSpec
from forkresize.gateway.runs.batch_process import follow_former
from forkresize.gateway.runs.messages import BatchOrder, ClusterAccess
from tests.servers.postgresql import PostgresServer
from tests.servers.program import uses

pytestmark = [pytest.mark.slow, *uses("postgresql")]


@pytest.mark.parametrize("cancelled", [False, True])
def test_a_batch_of_another_version_is_replaced_or_cancelled(postgresql: PostgresServer, cancelled: bool) -> None:
    url = postgresql.new_database()
    access = ClusterAccess(broker="", ledger=url, batch=7, cancelled=cancelled)
    order = BatchOrder(sources=[], destination="/out", recipe="{}", cluster=access)
    notices: list[str] = []
    with ClusterDatabase(url) as database:
        database.migrate()
        database.runs.create(7, RunSpec(sources=["file:///in"], destination="file:///out", recipe="{}"))
        database.runs.add_chunks(7, [NewChunk(1, "manifest", 0, 1, 1)])
        database.runs.close(7)
        with psycopg.connect(url) as connection:
            statement = (
                "UPDATE forkresize.batch SET spec = jsonb_set(spec::jsonb, '{version}', to_jsonb(%s::int))::text"
            )
            connection.execute(statement, (VERSION + 1,))
        assert follow_former(order, Connection(database, None, None, notices.append), []) is None
        progress = database.runs.progress(7)
    assert progress is not None
    assert progress.cancelled == cancelled
    assert [f"has version {VERSION + 1} of the protocol" in notice for notice in notices] == [True]
