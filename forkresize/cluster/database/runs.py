"""The runs of a cluster: what a client does with them."""

from collections.abc import Sequence

from msgspec import convert
from msgspec.structs import asdict

from forkresize.cluster.database.leases import LOCK_RUN
from forkresize.cluster.database.sql import Values, fetch, fetch_as
from forkresize.cluster.database.values import (
    ChunkState,
    FinishedChunk,
    ListedRun,
    NewChunk,
    Progress,
    RunRow,
    RunState,
    WorkingChunk,
)
from forkresize.cluster.spec import RunSpec, decode_spec, read_header
from forkresize.errors import UsageError
from forkresize.ledger.postgres.database import Cursor, Database

_CREATE = """
INSERT INTO forkresize.batch (run, spec, queue, destination, owner, traceparent)
VALUES (%(run)s, %(spec)s, %(queue)s, %(destination)s, %(owner)s, %(traceparent)s) ON CONFLICT (run) DO NOTHING
"""

_ADD = """
WITH added AS (
    INSERT INTO forkresize.chunk (run, number, manifest, first, count, bytes)
    VALUES (%(run)s, %(number)s, %(manifest)s, %(first)s, %(count)s, %(size)s)
    ON CONFLICT (run, number) DO NOTHING RETURNING run, number
)
INSERT INTO forkresize.outbox (run, chunk, queue) SELECT run, number, %(queue)s FROM added
"""

_CLOSE = "UPDATE forkresize.batch SET state = 'closed' WHERE run = %(run)s AND state = 'open'"
_DETACH = "UPDATE forkresize.batch SET detached = %(detached)s WHERE run = %(run)s"
_END = """
UPDATE forkresize.batch SET state = %(state)s, ended = clock_timestamp()
WHERE run = %(run)s AND state IN ('open', 'closed')
"""
_CANCEL = "UPDATE forkresize.batch SET cancelled = true WHERE run = %(run)s"
_SILENCE = "DELETE FROM forkresize.outbox WHERE run = %(run)s"
_CANCEL_CHUNKS = """
UPDATE forkresize.chunk SET state = 'cancelled', ended = clock_timestamp()
WHERE run = %(run)s AND state = 'pending'
"""

_REFUSAL = "CASE WHEN refused > clock_timestamp() - interval '10 seconds' THEN refusal ELSE '' END AS refusal"
"""A node that leaves chunks to others repeats every few seconds why."""

_RUN = f"""
SELECT run, spec, state, cancelled, detached, owner, extract(epoch FROM clock_timestamp() - created)::float8 AS age,
    {_REFUSAL}
FROM forkresize.batch
"""  # noqa: S608 -- an expression of ours.
_ONE = f"{_RUN} WHERE run = %(run)s"
_ACTIVE = f"""
{_RUN} WHERE state IN ('open', 'closed') AND (destination = %(destination)s OR %(destination)s::text IS NULL)
ORDER BY run
"""
_RECENT = f"{_RUN} ORDER BY run DESC LIMIT %(limit)s"

_REFUSE = "UPDATE forkresize.batch SET refusal = %(reason)s, refused = clock_timestamp() WHERE run = %(run)s"
_WAITING = f"""
SELECT {_REFUSAL} FROM forkresize.batch
WHERE run = %(run)s
    AND EXISTS (SELECT FROM forkresize.chunk WHERE chunk.run = batch.run AND chunk.state = 'pending')
    AND NOT EXISTS (SELECT FROM forkresize.chunk WHERE chunk.run = batch.run AND chunk.state = 'leased')
"""  # noqa: S608 -- an expression of ours.

_STATE = "SELECT state, cancelled, losses FROM forkresize.batch WHERE run = %(run)s"
_PROGRESS = """
SELECT state, count(*) AS chunks, sum(count)::bigint AS pictures, sum(made)::bigint AS made
FROM forkresize.chunk WHERE run = %(run)s GROUP BY state
"""
_COUNTS = """
SELECT key AS name, sum(value::bigint)::bigint AS total
FROM forkresize.chunk, jsonb_each_text(counts) WHERE run = %(run)s AND state = 'done' GROUP BY key
"""

_FINISHED = """
SELECT sequence, number, manifest, first, count, node, outcomes, error, attempts AS attempt,
    extract(epoch FROM ended - started)::float8 AS seconds
FROM forkresize.chunk WHERE run = %(run)s AND sequence > %(after)s ORDER BY sequence LIMIT %(limit)s
"""

_WORKING = """
SELECT run, number, node, count, made, extract(epoch FROM clock_timestamp() - started)::float8 AS seconds,
    extract(epoch FROM lease_until - clock_timestamp())::float8 AS expires
FROM forkresize.chunk WHERE state = 'leased' AND (run = %(run)s OR %(run)s::bigint IS NULL) ORDER BY node, run, number
"""


class RunTable:
    """The runs.

    Args:
        database: the database.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def create(self, run: int, spec: RunSpec, owner: str = "", traceparent: str = "") -> None:
        """Add a run that has no chunks yet; does nothing if it exists.

        Args:
            run: its number, which the ledger gave.
            spec: what its chunks have in common.
            owner: who runs it, for people.
            traceparent: context of the span that its chunks follow from; empty for none.
        """
        values = {"run": run, "spec": spec.encode(), "queue": spec.queue, "destination": spec.destination}
        self._database.run(
            lambda cursor: cursor.execute(_CREATE, {**values, "owner": owner, "traceparent": traceparent})
        )

    def add_chunks(self, run: int, chunks: Sequence[NewChunk]) -> None:
        """Add chunks, and the messages that announce them, in one transaction. Those that exist are left out.

        Raises:
            UsageError: the run does not exist, is closed or was cancelled.
        """

        def add(cursor: Cursor) -> None:
            row = cursor.execute(LOCK_RUN, {"run": run}).fetchone()
            if row is None or row[0] != RunState.OPEN or row[1]:
                fault = "it does not exist" if row is None else "it was cancelled" if row[1] else f"it is {row[0]}"
                raise UsageError(f"run {run} accepts no more chunks: {fault}")
            cursor.executemany(_ADD, [{"run": run, "queue": row[2], **asdict(chunk)} for chunk in chunks])

        self._database.run(add)

    def close(self, run: int) -> None:
        """Declare that a run has all of its chunks."""
        self._database.run(lambda cursor: cursor.execute(_CLOSE, {"run": run}))

    def detach(self, run: int, *, detached: bool = True) -> None:
        """Declare that no client follows a run, or that one does again."""
        self._database.run(lambda cursor: cursor.execute(_DETACH, {"run": run, "detached": detached}))

    def cancel(self, run: int) -> int:
        """Cancel the chunks that no node has, now and later; nodes finish those that they have.

        Returns:
            How many chunks were pending.
        """

        def cancel(cursor: Cursor) -> int:
            cursor.execute(_CANCEL, {"run": run})
            # A relay locks messages, and then their chunks: in the same order, nothing deadlocks.
            cursor.execute(_SILENCE, {"run": run})
            return cursor.execute(_CANCEL_CHUNKS, {"run": run}).rowcount

        return self._database.run(cancel)

    def end(self, run: int, state: RunState) -> None:
        """Declare that a run has ended, as ``DONE`` or ``CANCELLED``."""
        self._database.run(lambda cursor: cursor.execute(_END, {"run": run, "state": state.value}))

    def refuse(self, run: int, reason: str) -> None:
        """Record why a node leaves the chunks of a run to other nodes.

        Args:
            run: its number.
            reason: for people; with the name of the node.
        """
        self._database.run(lambda cursor: cursor.execute(_REFUSE, {"run": run, "reason": reason}))

    def waiting(self, run: int) -> str | None:
        """Return why a node has left the chunks of a run to others a moment ago; empty if none did.

        Returns:
            None if a node works on a chunk of the run, or none is pending.
        """
        rows = self._database.run(lambda cursor: fetch(cursor, _WAITING, {"run": run}))
        return str(rows[0]["refusal"]) if rows else None

    def get(self, run: int) -> RunRow | None:
        """Return a run; None if it does not exist.

        Raises:
            FieldError: another version of this program wrote it.
        """
        rows = self._database.run(lambda cursor: fetch(cursor, _ONE, {"run": run}))
        return convert({**rows[0], "spec": decode_spec(rows[0]["spec"])}, RunRow) if rows else None

    def active(self, destination: str | None = None) -> list[ListedRun]:
        """Return the runs that have not ended: those of a destination, or all of them."""
        return self._runs(_ACTIVE, {"destination": destination})

    def recent(self, limit: int) -> list[ListedRun]:
        """Return the latest runs, the newest first."""
        return self._runs(_RECENT, {"limit": limit})

    def progress(self, run: int) -> Progress | None:
        """Return how much of a run is done; None if it does not exist."""
        return self._database.run(lambda cursor: _read_progress(cursor, {"run": run}))

    def finished_chunks(self, run: int, after: int = 0, limit: int = 1000) -> list[FinishedChunk]:
        """Return the chunks that were done after another one, in the order in which they were.

        Args:
            run: its number.
            after: sequence of the last chunk that the caller knows.
            limit: how many chunks to return at most.
        """
        values = {"run": run, "after": after, "limit": limit}
        return self._database.run(lambda cursor: fetch_as(cursor, _FINISHED, values, FinishedChunk))

    def working(self, run: int | None = None) -> list[WorkingChunk]:
        """Return the chunks of a run, or of all runs, that nodes work on."""
        return self._database.run(lambda cursor: fetch_as(cursor, _WORKING, {"run": run}, WorkingChunk))

    def _runs(self, statement: str, values: Values) -> list[ListedRun]:
        rows = self._database.run(lambda cursor: fetch(cursor, statement, values))
        return [convert({**row, "spec": read_header(row["spec"])}, ListedRun) for row in rows]


def _read_progress(cursor: Cursor, values: Values) -> Progress | None:
    # The run comes first: once it is closed, chunks are only replaced by their parts, in one transaction.
    runs = fetch(cursor, _STATE, values)
    if not runs:
        return None
    states = fetch(cursor, _PROGRESS, values)
    counted = [row for row in states if row["state"] != ChunkState.SPLIT]
    return Progress(
        state=RunState(runs[0]["state"]),
        cancelled=runs[0]["cancelled"],
        chunks={ChunkState(row["state"]): row["chunks"] for row in counted},
        pictures=sum(row["pictures"] for row in counted),
        pictures_done=sum(
            row["made"] if row["state"] == "leased" else row["pictures"] for row in counted if row["state"] != "pending"
        ),
        counts={row["name"]: row["total"] for row in fetch(cursor, _COUNTS, values)},
        lost=runs[0]["losses"],
    )
