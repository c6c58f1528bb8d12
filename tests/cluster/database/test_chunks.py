"""Leases, against a real server."""

import threading
import time
from collections.abc import Iterator

import psycopg
import pytest

from forkresize.cluster.database import ClusterDatabase
from forkresize.cluster.database.nodes import Presence
from forkresize.cluster.database.values import ChunkState, Handling, Lease, NewChunk, NodeInfo, Result
from forkresize.cluster.spec import RunSpec
from forkresize.ledger.postgres.database import Database
from tests.servers.postgresql import PostgresServer
from tests.servers.program import uses

pytestmark = [pytest.mark.slow, *uses("postgresql")]

SPEC = RunSpec(sources=["s3://photos/in"], destination="s3://web/out", recipe="{}")
RUN = 7


@pytest.fixture
def chunk(database: ClusterDatabase) -> NewChunk:
    """A chunk of ten pictures."""
    chunk = NewChunk(1, "manifest", 0, 10, 1000)
    database.runs.create(RUN, SPEC)
    database.runs.add_chunks(RUN, [chunk])
    return chunk


def take(database: ClusterDatabase, node: str = "a", number: int = 1) -> Lease:
    lease = database.chunks.take(RUN, number, node)
    assert lease is not None
    return lease


def result(made: int = 10) -> Result:
    return Result(made=made, outcomes="outcomes", counts={"written": made})


def let_leases_run_out(url: str) -> None:
    with psycopg.connect(url) as connection:
        connection.execute("UPDATE forkresize.chunk SET lease_until = now() - interval '1 s' WHERE state = 'leased'")


def pending(database: ClusterDatabase) -> list[tuple[int, int]]:
    """Publish everything; return the messages."""
    messages: list[tuple[int, int]] = []
    while database.outbox.relay(lambda *message: messages.append(message[:2])):
        pass
    return sorted(messages)


def test_a_chunk_that_its_node_failed_at_is_returned_at_once_and_counts_as_a_loss(
    database: ClusterDatabase, chunk: NewChunk
) -> None:
    first = take(database)
    assert database.chunks.lose(first)
    assert not database.chunks.lose(first)
    progress = database.runs.progress(RUN)
    assert progress is not None
    assert (progress.lost, progress.chunks) == (1, {ChunkState.PENDING: 1})
    assert pending(database) == [(RUN, 1)]
    assert database.chunks.lose(take(database, "b"))
    progress = database.runs.progress(RUN)
    assert progress is not None
    # After two losses, its halves are worked on alone.
    assert (progress.lost, progress.chunks) == (2, {ChunkState.PENDING: 2})


def test_a_chunk_that_its_node_failed_at_is_not_done_after_the_run_was_cancelled(
    database: ClusterDatabase, chunk: NewChunk
) -> None:
    lease = take(database)
    database.runs.cancel(RUN)
    assert database.chunks.lose(lease)
    progress = database.runs.progress(RUN)
    assert progress is not None
    assert progress.chunks == {ChunkState.CANCELLED: 1}


def test_a_chunk_is_taken_once(database: ClusterDatabase, chunk: NewChunk) -> None:
    lease = take(database)
    assert (lease.manifest, lease.first, lease.count, lease.handling, lease.attempt) == ("manifest", 0, 10, "normal", 1)
    assert database.chunks.take(RUN, 1, "b") is None
    assert database.chunks.take(RUN, 2, "b") is None
    assert database.chunks.take(8, 1, "b") is None


def test_of_many_nodes_one_takes_each_chunk(url: str, database: ClusterDatabase) -> None:
    database.runs.create(RUN, SPEC)
    database.runs.add_chunks(RUN, [NewChunk(number, "m", 0, 1, 1) for number in range(1, 51)])
    leases: list[Lease] = []
    start = threading.Barrier(8)

    def take_all(name: str) -> None:
        with ClusterDatabase(url) as own:
            own.nodes.list()
            start.wait(30)
            taken = [own.chunks.take(RUN, number, name) for number in range(1, 51)]
            leases.extend(lease for lease in taken if lease)

    threads = [threading.Thread(target=take_all, args=(f"node-{index}",)) for index in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sorted(lease.number for lease in leases) == list(range(1, 51))
    assert {lease.attempt for lease in leases} == {1}


def test_a_finished_chunk_is_never_taken_again(database: ClusterDatabase, chunk: NewChunk) -> None:
    lease = take(database)
    assert database.chunks.finish(lease, result())
    assert database.chunks.take(RUN, 1, "b", redelivered=True) is None
    # The second attempt of a node whose connection was lost after the commit.
    assert database.chunks.finish(lease, result())
    assert [each.sequence for each in database.runs.finished_chunks(RUN)] == [1]


def test_a_late_node_can_neither_renew_nor_finish(url: str, database: ClusterDatabase, chunk: NewChunk) -> None:
    late = take(database, "late")
    let_leases_run_out(url)
    assert database.chunks.expire() == 1
    assert not database.chunks.renew(late)
    assert not database.chunks.finish(late, result())
    other = take(database, "other")
    assert other.attempt == 2
    assert not database.chunks.finish(late, result())
    assert not database.chunks.give_back(late)
    assert not database.chunks.mark(late, 3)
    assert database.chunks.finish(other, result())
    assert [each.node for each in database.runs.finished_chunks(RUN)] == ["other"]


def test_a_lease_that_ran_out_is_renewed_if_no_process_noticed(
    url: str, database: ClusterDatabase, chunk: NewChunk
) -> None:
    lease = take(database)
    let_leases_run_out(url)
    assert database.chunks.renew(lease, made=4)
    assert database.chunks.expire() == 0
    (working,) = database.runs.working(RUN)
    assert (working.node, working.made, working.count) == ("a", 4, 10)
    assert 40 < working.expires <= 45


def test_pictures_without_outcomes_become_a_chunk(database: ClusterDatabase, chunk: NewChunk) -> None:
    pending(database)
    assert database.chunks.finish(take(database), result(made=4))
    ((_, number),) = pending(database)
    rest = take(database, "b", number)
    assert (rest.first, rest.count, rest.attempt) == (4, 6, 1)
    assert database.chunks.finish(rest, result(made=6))
    finished = database.runs.finished_chunks(RUN)
    assert [(each.first, each.count, each.sequence) for each in finished] == [(0, 4, 1), (4, 6, 2)]
    assert database.runs.finished_chunks(RUN, after=1) == finished[1:]


def test_a_chunk_that_is_given_back_is_announced_again_and_counts_no_loss(
    database: ClusterDatabase, chunk: NewChunk
) -> None:
    for _ in range(5):
        assert pending(database) == [(RUN, 1)]
        assert database.chunks.give_back(take(database))
    assert take(database).handling is Handling.NORMAL
    assert database.runs.progress(RUN).lost == 0  # type: ignore[union-attr]


class Poison:
    """Nodes that die at one picture."""

    def __init__(self, url: str, database: ClusterDatabase, picture: int) -> None:
        self.url = url
        self.database = database
        self.picture = picture
        self.losses = 0
        self.outcomes: dict[int, str] = {}

    def work(self, number: int) -> None:
        lease = take(self.database, f"node-{self.losses}", number)
        pictures = range(lease.first, lease.first + lease.count)
        if lease.handling is Handling.SINGLE:
            for index in pictures:
                assert self.database.chunks.mark(lease, index)
                if index == self.picture:
                    break
        if self.picture in pictures and lease.handling is not Handling.FAIL:
            self.losses += 1
            let_leases_run_out(self.url)
            assert self.database.chunks.expire() == 1
            return
        for index in pictures:
            assert self.outcomes.setdefault(index, lease.handling.value) == lease.handling.value
        assert self.database.chunks.finish(lease, result(lease.count))

    def run(self) -> None:
        while messages := pending(self.database):
            for _, number in messages:
                self.work(number)


@pytest.mark.parametrize("picture", [0, 3, 4, 5, 9])
def test_a_picture_that_ends_every_node_is_found_after_four_losses(
    url: str, database: ClusterDatabase, chunk: NewChunk, picture: int
) -> None:
    poison = Poison(url, database, picture)
    poison.run()
    assert poison.losses == 4
    assert sorted(poison.outcomes) == list(range(10))
    assert [index for index, handling in poison.outcomes.items() if handling == "fail"] == [picture]
    progress = database.runs.progress(RUN)
    assert progress is not None
    assert (progress.pictures, progress.pictures_done, set(progress.chunks)) == (10, 10, {ChunkState.DONE})
    assert progress.lost == 4


def test_a_chunk_of_one_picture_fails_after_four_losses(url: str, database: ClusterDatabase) -> None:
    database.runs.create(RUN, SPEC)
    database.runs.add_chunks(RUN, [NewChunk(1, "m", 5, 1, 1)])
    poison = Poison(url, database, 5)
    poison.run()
    assert (poison.losses, poison.outcomes) == (4, {5: "fail"})


def test_a_chunk_that_waited_for_its_turn_is_not_blamed(url: str, database: ClusterDatabase, chunk: NewChunk) -> None:
    for _ in range(2):
        assert pending(database) == [(RUN, 1)]
        take(database)
        let_leases_run_out(url)
        database.chunks.expire()
    for _ in range(5):
        for _, number in pending(database):
            assert take(database, "a", number).handling is Handling.SINGLE
        let_leases_run_out(url)
        assert database.chunks.expire() == 2
    progress = database.runs.progress(RUN)
    assert progress is not None
    assert progress.lost == 2


@pytest.fixture
def node(url: str, database: ClusterDatabase) -> Iterator[Presence]:
    """Node ``a``, which is connected until it is released."""
    info = NodeInfo(name="a", workers=1, memory=1, allow=[], queues=["batch"], version="1", key=False)
    with Database(url) as own:
        presence = Presence(own, database.nodes.register(info))
        presence.hold()
        presence.hold()
        assert database.nodes.be_seen("a")
        yield presence
        presence.release()


def wait_until_absent(database: ClusterDatabase) -> None:
    """Wait until the server has noticed the end of a connection."""
    deadline = time.monotonic() + 30
    while database.nodes.list()[0].present:
        assert time.monotonic() < deadline


def test_a_redelivered_chunk_of_a_node_that_is_gone_is_taken_at_once(
    database: ClusterDatabase, chunk: NewChunk, node: Presence
) -> None:
    take(database, "a")
    assert database.chunks.take(RUN, 1, "b", redelivered=True) is None
    node.release()
    assert database.chunks.take(RUN, 1, "b") is None
    wait_until_absent(database)
    lease = database.chunks.take(RUN, 1, "b", redelivered=True)
    assert lease is not None
    assert lease.attempt == 2


def test_a_chunk_of_a_node_that_is_gone_is_returned_without_the_broker(
    database: ClusterDatabase, chunk: NewChunk, node: Presence
) -> None:
    take(database, "a")
    assert database.chunks.expire(absence=0) == 0
    node.release()
    wait_until_absent(database)
    assert database.chunks.expire(absence=60) == 0
    assert database.chunks.expire(absence=0) == 1


def test_after_a_restart_of_the_database_nodes_count_as_present_until_they_were_seen(
    postgresql: PostgresServer, database: ClusterDatabase, chunk: NewChunk, node: Presence
) -> None:
    take(database, "a")
    postgresql.restart()
    assert database.chunks.expire(absence=0) == 0
    assert database.chunks.take(RUN, 1, "b", redelivered=True) is None
