"""The leases of chunks: nodes take, renew and finish them; any process returns those of nodes that were lost."""

from uuid import UUID, uuid4

from psycopg.types.json import Jsonb

from forkresize.cluster.database.leases import HOLDER_IS_ABSENT, LOCK_RUN, Part, Row, insert_part, requeue, return_lost
from forkresize.cluster.database.sql import Values, fetch, fetch_as
from forkresize.cluster.database.values import Handling, Lease, Result
from forkresize.ledger.postgres.database import Cursor, Database

LEASE_SECONDS = 45.0
"""How long a node may be silent. It renews its leases four times as often."""

ABSENCE_SECONDS = 15.0
"""How long a node has to be absent and silent before its leases are returned."""

_TAKE = """
UPDATE forkresize.chunk
SET attempts = attempts + (state = 'pending')::integer, state = 'leased', node = %(node)s, token = %(token)s,
    lease_until = clock_timestamp() + %(seconds)s * interval '1 second',
    started = clock_timestamp(), marked = NULL, made = 0
WHERE run = %(run)s AND number = %(number)s AND (state = 'pending' OR (state = 'leased' AND token = %(token)s))
RETURNING run, number, token, manifest, first, count, handling, attempts AS attempt
"""

_IS_LEASED = "SELECT FROM forkresize.chunk WHERE run = %(run)s AND number = %(number)s AND state = 'leased'"

_TOKENS = "SELECT token FROM forkresize.chunk WHERE state = 'leased'"

_OWN = "run = %(run)s AND number = %(number)s AND token = %(token)s AND state = 'leased'"

_RENEW = f"""
UPDATE forkresize.chunk SET made = %(made)s, lease_until = clock_timestamp() + %(seconds)s * interval '1 second'
WHERE {_OWN}
"""  # noqa: S608 -- a condition of ours.

_MARK = f"UPDATE forkresize.chunk SET marked = %(index)s WHERE {_OWN}"  # noqa: S608 -- a condition of ours.

_SEQUENCE = "UPDATE forkresize.batch SET finished = finished + 1 WHERE run = %(run)s RETURNING finished"

_FINISH = """
UPDATE forkresize.chunk
SET state = 'done', count = %(made)s, made = %(made)s, outcomes = %(outcomes)s, counts = %(counts)s, error = %(error)s,
    ended = clock_timestamp(), sequence = %(sequence)s
WHERE run = %(run)s AND number = %(number)s
"""

_LOCK_OWN = """
SELECT * FROM forkresize.chunk
WHERE run = %(run)s AND number = %(number)s AND token = %(token)s AND state IN ('leased', 'done') FOR UPDATE
"""

_LOST = f"""
SELECT * FROM forkresize.chunk
WHERE run = %(run)s AND state = 'leased' AND (lease_until < clock_timestamp() OR {HOLDER_IS_ABSENT})
ORDER BY number FOR UPDATE
"""  # noqa: S608 -- a condition of ours.

_LOST_ONE = f"""
SELECT * FROM forkresize.chunk
WHERE run = %(run)s AND number = %(number)s AND state = 'leased'
    AND (lease_until < clock_timestamp() OR {HOLDER_IS_ABSENT})
FOR UPDATE
"""  # noqa: S608 -- a condition of ours.

_RUNS_WITH_LOST = f"""
SELECT DISTINCT run FROM forkresize.chunk
WHERE state = 'leased' AND (lease_until < clock_timestamp() OR {HOLDER_IS_ABSENT})
"""  # noqa: S608 -- a condition of ours.


class ChunkTable:
    """The leases of chunks.

    Args:
        database: the database.
        lease_seconds: how long a lease holds when it is taken or renewed.
    """

    def __init__(self, database: Database, lease_seconds: float = LEASE_SECONDS) -> None:
        self._database = database
        self._seconds = lease_seconds

    def take(self, run: int, number: int, node: str, *, redelivered: bool = False) -> Lease | None:
        """Lease a chunk if it is pending.

        Args:
            run: number of the run.
            number: of the chunk.
            node: name of the node.
            redelivered: whether the broker gave the chunk's message to another node before, and lost that node. If the
                database has lost it as well, the chunk is returned and taken at once.

        Returns:
            The lease; None if the chunk is done, cancelled, split, or leased to a node that lives.
        """
        values = {"run": run, "number": number, "node": node, "token": uuid4(), "seconds": self._seconds}

        def take(cursor: Cursor) -> Lease | None:
            leases = fetch_as(cursor, _TAKE, values, Lease)
            if not leases and redelivered and _return_one(cursor, values):
                leases = fetch_as(cursor, _TAKE, values, Lease)
            return leases[0] if leases else None

        return self._database.run(take)

    def is_leased(self, run: int, number: int) -> bool:
        """Return whether a node has leased a chunk."""
        values = {"run": run, "number": number}
        return self._database.run(lambda cursor: cursor.execute(_IS_LEASED, values).rowcount == 1)

    def tokens(self) -> set[str]:
        """Return the tokens of all leases, each as 32 hexadecimal digits."""
        rows = self._database.run(lambda cursor: fetch(cursor, _TOKENS, {}))
        return {row["token"].hex for row in rows}

    def renew(self, lease: Lease, made: int = 0, *, wait: bool = True) -> bool:
        """Renew a lease; return whether it is still held.

        A lease that has run out is renewed if no other node has taken the chunk.

        Args:
            lease: the lease.
            made: how many pictures have outcomes.
            wait: whether to wait for a lost connection.
        """
        values = {**_own(lease), "made": made, "seconds": self._seconds}
        return self._database.run(lambda cursor: cursor.execute(_RENEW, values).rowcount == 1, wait=wait)

    def mark(self, lease: Lease, index: int) -> bool:
        """Record which picture is worked on alone; return whether the lease is still held.

        Args:
            lease: of a chunk with ``Handling.SINGLE``.
            index: of the picture in the manifest.
        """
        values = {**_own(lease), "index": index}
        return self._database.run(lambda cursor: cursor.execute(_MARK, values).rowcount == 1)

    def finish(self, lease: Lease, result: Result) -> bool:
        """Mark a chunk as done; pictures without outcomes become a chunk of their own.

        Returns:
            Whether the lease was held; otherwise nothing was changed.
        """
        return self._database.run(lambda cursor: _finish(cursor, lease, result))

    def give_back(self, lease: Lease) -> bool:
        """Make a chunk pending again that nothing was made of; return whether the lease was held."""

        def give_back(cursor: Cursor) -> bool:
            (run,) = fetch(cursor, LOCK_RUN, _own(lease))
            for chunk in fetch(cursor, _LOCK_OWN, _own(lease)):
                if chunk["state"] == "leased":
                    part = Part(chunk["first"], chunk["count"], Handling(chunk["handling"]), chunk["losses"])
                    requeue(cursor, chunk, part, cancelled=run["cancelled"])
                    return True
            return False

        return self._database.run(give_back)

    def lose(self, lease: Lease) -> bool:
        """Return a chunk at once that its node failed at, and count that as the loss of a node; see ``leases``.

        Returns:
            Whether the lease was held; otherwise nothing was changed.
        """

        def lose(cursor: Cursor) -> bool:
            (run,) = fetch(cursor, LOCK_RUN, _own(lease))
            chunks = [chunk for chunk in fetch(cursor, _LOCK_OWN, _own(lease)) if chunk["state"] == "leased"]
            for chunk in chunks:
                return_lost(cursor, chunk, cancelled=run["cancelled"])
            return bool(chunks)

        return self._database.run(lose)

    def give_up(self, lease: Lease, error: str) -> bool:
        """Mark a chunk as done that has no outcomes, because its manifest cannot be used; return whether it was held.

        Args:
            lease: the lease.
            error: why, for people.
        """
        return self._database.run(lambda cursor: _finish(cursor, lease, Result(made=lease.count, error=error)))

    def expire(self, absence: float = ABSENCE_SECONDS) -> int:
        """Return all chunks whose lease has run out, or whose node is absent; see ``leases``.

        Args:
            absence: seconds that a node has to be absent and silent.

        Returns:
            How many chunks were returned.
        """
        runs = self._database.run(lambda cursor: fetch(cursor, _RUNS_WITH_LOST, {"grace": absence}))
        return sum(self._expire({"run": row["run"], "grace": absence}) for row in runs)

    def _expire(self, values: Values) -> int:
        def expire(cursor: Cursor) -> int:
            (run,) = fetch(cursor, LOCK_RUN, values)
            chunks = fetch(cursor, _LOST, values)
            for chunk in chunks:
                return_lost(cursor, chunk, cancelled=run["cancelled"])
            return len(chunks)

        return self._database.run(expire)


def _own(lease: Lease) -> dict[str, int | UUID]:
    return {"run": lease.run, "number": lease.number, "token": lease.token}


def _return_one(cursor: Cursor, values: Values) -> bool:
    """Return a chunk to pending if its node is lost."""
    runs = fetch(cursor, LOCK_RUN, values)
    chunks = fetch(cursor, _LOST_ONE, {**values, "grace": 0})
    for chunk in chunks:
        return_lost(cursor, chunk, cancelled=runs[0]["cancelled"])
    return bool(chunks)


def _finish(cursor: Cursor, lease: Lease, result: Result) -> bool:
    (run,) = fetch(cursor, LOCK_RUN, _own(lease))
    chunks: list[Row] = fetch(cursor, _LOCK_OWN, _own(lease))
    if not chunks:
        return False
    (chunk,) = chunks
    if chunk["state"] == "done":
        # The connection was lost after the commit, and this is the second attempt.
        return True
    (sequence,) = fetch(cursor, _SEQUENCE, _own(lease))
    values = {"made": result.made, "outcomes": result.outcomes, "counts": Jsonb(result.counts), "error": result.error}
    cursor.execute(_FINISH, {**_own(lease), **values, "sequence": sequence["finished"]})
    if result.made < chunk["count"]:
        rest = Part(
            chunk["first"] + result.made, chunk["count"] - result.made, Handling(chunk["handling"]), chunk["losses"]
        )
        insert_part(cursor, chunk, rest, cancelled=run["cancelled"])
    return True
