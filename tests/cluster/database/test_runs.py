"""Runs, against a real server."""

import psycopg
import pytest

from forkresize.cluster.database import ClusterDatabase
from forkresize.cluster.database.values import ChunkState, NewChunk, Result, RunState
from forkresize.cluster.spec import RunSpec
from forkresize.errors import LedgerError, UsageError
from forkresize.ledger.postgres.database import Database
from tests.servers.postgresql import PostgresServer
from tests.servers.program import uses

pytestmark = [pytest.mark.slow, *uses("postgresql")]

SPEC = RunSpec(sources=["s3://photos/in"], destination="s3://web/out", recipe="{}")
OTHER = RunSpec(sources=["s3://photos/in"], destination="s3://web/other", recipe="{}", queue="interactive")


def test_a_run_is_found_until_it_ends(database: ClusterDatabase) -> None:
    database.runs.create(3, SPEC, "anna@desk")
    database.runs.create(4, OTHER)
    # A second attempt changes nothing.
    database.runs.create(3, OTHER, "someone")
    run = database.runs.get(3)
    assert run is not None
    assert (run.spec, run.owner, run.state, run.cancelled, run.detached) == (SPEC, "anna@desk", "open", False, False)
    assert database.runs.get(5) is None
    assert [each.run for each in database.runs.active("s3://web/out")] == [3]
    assert [each.run for each in database.runs.active()] == [3, 4]
    database.runs.detach(3)
    database.runs.close(3)
    run = database.runs.get(3)
    assert run is not None
    assert (run.detached, run.state) == (True, RunState.CLOSED)
    database.runs.end(3, RunState.DONE)
    assert [each.run for each in database.runs.active()] == [4]
    assert [(each.run, each.state) for each in database.runs.recent(1)] == [(4, RunState.OPEN)]
    assert [each.run for each in database.runs.recent(9)] == [4, 3]


def test_a_run_that_is_closed_cancelled_or_missing_accepts_no_chunks(database: ClusterDatabase) -> None:
    chunk = NewChunk(1, "m", 0, 1, 1)
    database.runs.create(3, SPEC)
    database.runs.close(3)
    with pytest.raises(UsageError, match="run 3 accepts no more chunks: it is closed"):
        database.runs.add_chunks(3, [chunk])
    database.runs.create(4, SPEC)
    database.runs.cancel(4)
    with pytest.raises(UsageError, match="run 4 accepts no more chunks: it was cancelled"):
        database.runs.add_chunks(4, [chunk])
    with pytest.raises(UsageError, match="run 5 accepts no more chunks: it does not exist"):
        database.runs.add_chunks(5, [chunk])


def test_a_cancelled_run_finishes_what_nodes_have(database: ClusterDatabase) -> None:
    database.runs.create(3, SPEC)
    database.runs.add_chunks(3, [NewChunk(number, "m", 0, 5, 50) for number in (1, 2, 3)])
    lease = database.chunks.take(3, 2, "a")
    returned = database.chunks.take(3, 3, "b")
    assert lease is not None
    assert returned is not None
    assert database.runs.cancel(3) == 1
    assert database.chunks.take(3, 1, "b") is None
    assert database.chunks.give_back(returned)
    assert database.chunks.take(3, 3, "b") is None
    assert database.chunks.finish(lease, Result(made=2, outcomes="o", counts={"written": 2}))
    progress = database.runs.progress(3)
    assert progress is not None
    assert progress.chunks == {ChunkState.CANCELLED: 3, ChunkState.DONE: 1}
    assert (progress.pictures, progress.pictures_done, progress.counts) == (15, 15, {"written": 2})
    assert not progress.is_finished
    database.runs.close(3)
    progress = database.runs.progress(3)
    assert progress is not None
    assert progress.is_finished
    assert database.outbox.relay(lambda *_: None) == 0


def test_a_chunk_that_is_given_up_is_in_the_sequence_with_the_error(database: ClusterDatabase) -> None:
    database.runs.create(3, SPEC)
    database.runs.add_chunks(3, [NewChunk(1, "m", 0, 5, 50)])
    lease = database.chunks.take(3, 1, "a")
    assert lease is not None
    assert database.chunks.give_up(lease, "a: the manifest 'm' is missing")
    (chunk,) = database.runs.finished_chunks(3)
    assert (chunk.sequence, chunk.count, chunk.outcomes, chunk.error) == (1, 5, "", "a: the manifest 'm' is missing")


def test_a_run_that_does_not_exist_has_no_progress(database: ClusterDatabase) -> None:
    assert database.runs.progress(3) is None
    assert database.runs.finished_chunks(3) == []
    assert database.runs.working() == []


def test_tables_are_made_once_and_those_of_a_later_version_are_refused(postgresql: PostgresServer) -> None:
    url = postgresql.new_database()
    for _ in range(2):
        with ClusterDatabase(url) as database:
            database.migrate()
    with Database(url) as own:
        own.run(lambda cursor: cursor.execute("UPDATE forkresize.schema_version SET version = 99"))
    with ClusterDatabase(url) as database, pytest.raises(LedgerError, match="later version"):
        database.migrate()


def test_a_run_waits_while_no_node_takes_a_chunk_and_it_is_known_why(database: ClusterDatabase, url: str) -> None:
    database.runs.create(3, SPEC)
    assert database.runs.waiting(3) is None
    database.runs.add_chunks(3, [NewChunk(1, "m", 0, 1, 1), NewChunk(2, "m", 1, 1, 1)])
    assert database.runs.waiting(3) == ""
    database.runs.refuse(3, "a: s3://photos is not allowed")
    assert database.runs.waiting(3) == "a: s3://photos is not allowed"
    run = database.runs.get(3)
    assert run is not None
    assert run.refusal == "a: s3://photos is not allowed"
    with psycopg.connect(url) as connection:
        connection.execute("UPDATE forkresize.batch SET refused = refused - interval '11 s'")
    assert database.runs.waiting(3) == ""
    lease = database.chunks.take(3, 1, "b")
    assert lease is not None
    assert database.runs.waiting(3) is None
    database.chunks.finish(lease, Result(made=1))
    assert database.runs.waiting(3) == ""
