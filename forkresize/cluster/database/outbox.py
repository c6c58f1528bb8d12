"""The messages to publish: written with the chunks in one transaction, published by any process."""

from collections.abc import Callable, Sequence

from forkresize.cluster.database.leases import ANNOUNCE
from forkresize.cluster.database.sql import fetch
from forkresize.ledger.postgres.database import Cursor, Database

Publish = Callable[[int, int, str, str], object]
"""Publishes the message for a chunk, from the run's and the chunk's number, the name of a queue, and the context of the
run's span, which is empty for none."""

_NEXT = """
SELECT outbox.run, chunk, outbox.queue, traceparent FROM forkresize.outbox JOIN forkresize.batch USING (run)
ORDER BY position LIMIT %(limit)s FOR UPDATE OF outbox SKIP LOCKED
"""
_PUBLISHED = """
WITH published AS (
    DELETE FROM forkresize.outbox WHERE run = %(run)s AND chunk = %(chunk)s RETURNING run, chunk
)
UPDATE forkresize.chunk SET published = clock_timestamp() FROM published
WHERE chunk.run = published.run AND chunk.number = published.chunk AND chunk.state = 'pending'
"""
_REPUBLISH = """
INSERT INTO forkresize.outbox (run, chunk, queue)
SELECT run, number, queue FROM forkresize.chunk JOIN forkresize.batch USING (run)
WHERE chunk.state = 'pending' AND queue = %(queue)s
    AND published < clock_timestamp() - %(seconds)s * interval '1 second'
ORDER BY published LIMIT %(limit)s
ON CONFLICT (run, chunk) DO NOTHING
"""


class Outbox:
    """The messages to publish.

    Args:
        database: the database.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def relay(self, publish: Publish, limit: int = 100) -> int:
        """Publish messages, in random order, and remove them. Any number of processes may do this at the same time.

        A message is published twice if the connection is lost before the commit.

        Args:
            publish: publishes one message; when it raises, the messages stay.
            limit: how many messages to publish at most.

        Returns:
            How many messages were published.
        """

        def relay(cursor: Cursor) -> int:
            messages = fetch(cursor, _NEXT, {"limit": limit})
            for message in messages:
                publish(message["run"], message["chunk"], message["queue"], message["traceparent"])
            cursor.executemany(_PUBLISHED, messages)
            return len(messages)

        return self._database.run(relay)

    def announce(self, chunks: Sequence[tuple[int, int]]) -> None:
        """Announce chunks once more that are pending; for a node that may not work on them, where another one may.

        Args:
            chunks: their runs' numbers, and their own.
        """
        # In one order, so that nodes that announce the same chunks do not wait for each other.
        rows = [{"run": run, "number": number} for run, number in sorted(chunks)]
        self._database.run(lambda cursor: cursor.executemany(ANNOUNCE, rows))

    def republish(self, queue: str, older_than: float, limit: int = 100) -> int:
        """Announce pending chunks again whose message may be lost; for nodes that wait at an empty queue.

        Args:
            queue: the queue that is empty.
            older_than: seconds since the message was published.
            limit: how many chunks to announce at most.

        Returns:
            How many chunks were announced.
        """
        values = {"queue": queue, "seconds": older_than, "limit": limit}
        return self._database.run(lambda cursor: cursor.execute(_REPUBLISH, values).rowcount)
