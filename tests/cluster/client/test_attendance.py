"""What a client does for its cluster from time to time."""

from collections.abc import Callable

import pytest

from forkresize.cluster.client.attendance import Attendance
from forkresize.cluster.client.connection import Connection
from forkresize.cluster.database import ClusterDatabase
from forkresize.cluster.database.nodes import Presence
from forkresize.cluster.database.values import NewChunk
from forkresize.errors import ClusterError
from forkresize.ledger.postgres.database import Database
from tests.cluster.client.conftest import SPEC
from tests.cluster.scripted_node import Broker, ScriptedNode
from tests.servers.program import uses

pytestmark = [pytest.mark.slow, *uses("postgresql")]


class Clock:
    """Seconds that only a test lets pass."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now

    def advance(self, seconds: float) -> None:
        self.now += seconds


class BrokenBroker(Broker):
    """A broker that is down as long as a test wants."""

    is_down = True
    attempts = 0

    def __init__(self, notice: Callable[[], object] = lambda: None) -> None:
        super().__init__()
        self._notice = notice  # Takes the time until it is noticed that the broker is down.

    def publish(self, run: int, chunk: int, _queue: str = "", _traceparent: str = "", /) -> None:
        self.attempts += 1
        if self.is_down:
            self._notice()
            raise ClusterError("cannot reach amqp://***@broker/")
        super().publish(run, chunk)


@pytest.fixture
def run(database: ClusterDatabase) -> int:
    """A run of 2,500 chunks."""
    database.runs.create(1, SPEC)
    database.runs.add_chunks(1, [NewChunk(number, "key", 0, 1, 1) for number in range(1, 2501)])
    return 1


@pytest.mark.usefixtures("run")
def test_all_messages_are_published_once(connection: Connection, broker: Broker) -> None:
    attendance = Attendance(connection)
    attendance.attend()
    attendance.attend()
    assert sorted(broker.messages) == [(1, number) for number in range(1, 2501)]


@pytest.mark.usefixtures("run")
def test_a_broker_that_is_down_is_mentioned_once_and_its_messages_are_published_later(
    database: ClusterDatabase, notices: list[str]
) -> None:
    broker, clock = BrokenBroker(), Clock()
    attendance = Attendance(Connection(database, broker, None, notices.append), clock)
    attendance.attend()
    attendance.attend()
    assert notices.count("cannot reach amqp://***@broker/") == 1
    broker.is_down = False
    attendance.attend()
    assert len(broker.messages) == 2500


@pytest.mark.usefixtures("run")
def test_a_broker_that_does_not_answer_takes_half_of_the_time_at_most(
    database: ClusterDatabase, notices: list[str]
) -> None:
    clock = Clock()
    broker = BrokenBroker(lambda: clock.advance(10))
    attendance = Attendance(Connection(database, broker, None, notices.append), clock)
    for _ in range(3):
        attendance.attend()
    assert broker.attempts == 1
    clock.advance(10)
    attendance.attend()
    assert broker.attempts == 2


@pytest.mark.usefixtures("run")
def test_a_client_without_a_broker_leaves_the_messages_to_the_nodes(
    database: ClusterDatabase, broker: Broker, notices: list[str]
) -> None:
    Attendance(Connection(database, None, None, notices.append)).attend()
    assert database.outbox.relay(broker.publish) == 100


def test_nodes_are_missed_once_each_time_they_are_gone(
    connection: Connection, node: ScriptedNode, url: str, notices: list[str]
) -> None:
    clock = Clock()
    attendance = Attendance(connection, clock)

    def attend_later() -> int:
        clock.now += 6
        attendance.attend()
        return len(notices)

    assert [attend_later(), attend_later()] == [1, 1]
    with Database(url) as lock:
        presence = Presence(lock, node.register(workers=3))
        presence.hold()
        assert attend_later() == 1
        presence.release()
    assert [attend_later(), attend_later()] == [2, 2]
    assert attendance.workers == 3
    assert notices == ["no node of the cluster is connected; start one with 'forkresized node'"] * 2


def test_a_run_that_no_node_takes_is_mentioned_once_with_the_reason(
    connection: Connection, node: ScriptedNode, database: ClusterDatabase, run: int, url: str, notices: list[str]
) -> None:
    clock = Clock()
    attendance = Attendance(connection, clock)

    def attend_later() -> list[str]:
        clock.now += 6
        attendance.attend(run)
        return list(notices)

    with Database(url) as lock:
        presence = Presence(lock, node.register())
        presence.hold()
        database.runs.refuse(run, "node-1: s3://photos is not allowed")
        assert attend_later() == []
        assert attend_later() == ["no node takes run 1: node-1: s3://photos is not allowed"]
        assert len(attend_later()) == 1
        assert node.take() is not None
        assert len(attend_later()) == 1
        presence.release()
