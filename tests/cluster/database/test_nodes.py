"""Nodes, against a real server."""

import time

import pytest

from forkresize.cluster.database import ClusterDatabase
from forkresize.cluster.database.nodes import Presence
from forkresize.cluster.database.values import NewChunk, NodeInfo
from forkresize.cluster.spec import RunSpec
from forkresize.ledger.postgres.database import Database
from tests.servers.postgresql import PostgresServer
from tests.servers.program import uses

pytestmark = [pytest.mark.slow, *uses("postgresql")]

SPEC = RunSpec(sources=["s3://photos/in"], destination="s3://web/out", recipe="{}")


def info(name: str) -> NodeInfo:
    return NodeInfo(name=name, workers=2, memory=5, allow=["s3://photos"], queues=["batch"], version="1", key=True)


def test_a_node_is_listed_until_it_is_removed(url: str, database: ClusterDatabase) -> None:
    with Database(url) as own:
        presence = Presence(own, database.nodes.register(info("a")))
        presence.hold()
        database.nodes.register(info("b"))
        assert database.nodes.be_seen("a", draining=True)
        database.runs.create(1, SPEC)
        database.runs.add_chunks(1, [NewChunk(1, "m", 0, 1, 1)])
        database.chunks.take(1, 1, "a")
        a, b = database.nodes.list()
        assert (a.info, a.present, a.draining, a.chunks) == (info("a"), True, True, 1)
        assert (b.info, b.present, b.draining, b.chunks) == (info("b"), False, False, 0)
        assert 0 <= a.seen <= a.age < 60
        presence.release()
    assert not any(node.present for node in database.nodes.list())
    database.nodes.remove("b")
    # The chunk of the other one has to be returned first.
    assert database.nodes.forget(0) == 0
    database.chunks.expire(absence=0)
    assert database.nodes.forget(0) == 1
    assert database.nodes.list() == []
    assert not database.nodes.be_seen("a")


def test_the_transaction_of_a_presence_keeps_no_old_rows(url: str, database: ClusterDatabase) -> None:
    with Database(url) as own:
        presence = Presence(own, database.nodes.register(info("a")))
        presence.hold()
        query = """
            SELECT state, backend_xid, backend_xmin FROM pg_stat_activity JOIN pg_locks USING (pid)
            WHERE locktype = 'advisory' AND datname = current_database()
        """
        assert own.run(lambda cursor: cursor.execute(query).fetchall()) == [("idle in transaction", None, None)]
        presence.release()


def test_the_lock_of_a_connection_that_seems_to_live_is_not_waited_for(url: str, database: ClusterDatabase) -> None:
    number = database.nodes.register(info("a"))
    with Database(url) as own, Database(url) as other:
        former, presence = Presence(other, number), Presence(own, number)
        former.hold()
        started = time.monotonic()
        presence.hold()
        assert time.monotonic() - started < 20
        former.release()
        presence.hold()
        assert presence.is_held
        assert [node.present for node in database.nodes.list()] == [True]
        presence.release()


def test_a_presence_is_held_again_after_a_restart(
    postgresql: PostgresServer, url: str, database: ClusterDatabase
) -> None:
    with Database(url) as own:
        presence = Presence(own, database.nodes.register(info("a")))
        presence.hold()
        postgresql.restart()
        assert [node.present for node in database.nodes.list()] == [False]
        presence.hold()
        assert [node.present for node in database.nodes.list()] == [True]
        presence.release()
