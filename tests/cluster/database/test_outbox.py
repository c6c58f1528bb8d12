"""The messages to publish, against a real server."""

import threading

import pytest

from forkresize.cluster.database import ClusterDatabase
from forkresize.cluster.database.values import NewChunk
from forkresize.cluster.spec import RunSpec
from tests.servers.program import uses

pytestmark = [pytest.mark.slow, *uses("postgresql")]

SPEC = RunSpec(sources=["s3://photos/in"], destination="s3://web/out", recipe="{}")
COUNT = 200


@pytest.fixture
def numbers(database: ClusterDatabase) -> list[int]:
    """The numbers of chunks that are to be announced."""
    database.runs.create(3, SPEC)
    numbers = list(range(1, COUNT + 1))
    database.runs.add_chunks(3, [NewChunk(number, "m", 0, 1, 1) for number in numbers])
    return numbers


def test_each_message_is_published_once_by_many(url: str, numbers: list[int]) -> None:
    published: list[int] = []
    start = threading.Barrier(4)

    def relay() -> None:
        with ClusterDatabase(url) as own:
            own.nodes.list()
            start.wait(30)
            while own.outbox.relay(lambda _, chunk, *rest: published.append(chunk) if rest[0] == "batch" else None, 7):
                pass

    threads = [threading.Thread(target=relay) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sorted(published) == numbers


def test_the_order_is_not_that_of_the_keys(database: ClusterDatabase, numbers: list[int]) -> None:
    published: list[int] = []
    assert database.outbox.relay(lambda _, chunk, *__: published.append(chunk), COUNT) == COUNT
    assert sorted(published) == numbers
    assert published != numbers


def test_a_message_that_was_not_published_stays(database: ClusterDatabase, numbers: list[int]) -> None:
    def fail(*_: object) -> None:
        raise ConnectionError("no broker")

    with pytest.raises(ConnectionError):
        database.outbox.relay(fail)
    assert database.outbox.relay(lambda *_: None, COUNT) == COUNT
    assert database.outbox.relay(lambda *_: None) == 0


def test_pending_chunks_are_announced_again(database: ClusterDatabase, numbers: list[int]) -> None:
    # They are not published yet.
    assert database.outbox.republish("batch", older_than=0) == 0
    database.outbox.relay(lambda *_: None, COUNT)
    assert database.chunks.take(3, 1, "a") is not None
    assert database.outbox.republish("batch", older_than=60) == 0
    assert database.outbox.republish("interactive", older_than=0) == 0
    assert database.outbox.republish("batch", older_than=0, limit=150) == 150
    assert database.outbox.republish("batch", older_than=0, limit=150) <= 150
    published: list[int] = []
    while database.outbox.relay(lambda _, chunk, *__: published.append(chunk)):
        pass
    assert set(published) <= set(numbers[1:])
    assert len(published) == len(set(published))
