"""What happens to the chunks of nodes that were lost: they are returned, split, or failed by name.

A chunk that has cost two nodes is halved. Its halves are worked on alone on a node, one picture after another, and
each picture is recorded before it starts. So the next loss names the picture; it becomes a chunk of its own, and if it
ends another node, it is not tried again. A picture that ends every node costs four nodes at most.
"""

from typing import Any

from msgspec import Struct

from forkresize.cluster.database.sql import fetch
from forkresize.cluster.database.values import ChunkState, Handling
from forkresize.ledger.postgres.database import Cursor

MAX_LOSSES = 2
"""After so many losses, a chunk is handled in another way."""

PRESENCE_LOCK = 0x46524E44
"""First number of the advisory lock that a node holds while it runs: ``FRND``. The second is its ``presence``."""

IS_PRESENT = f"""
EXISTS (
    SELECT FROM pg_locks
    WHERE locktype = 'advisory' AND objsubid = 2 AND granted
        AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
        AND classid::bigint = {PRESENCE_LOCK} AND objid::bigint = node.presence
)
"""  # noqa: S608 -- a number of ours.
"""A condition on a node: it is connected."""

HOLDER_IS_ABSENT = f"""
EXISTS (
    SELECT FROM forkresize.node
    WHERE node.name = chunk.node
        -- After a restart of the database, a node is absent only if it has been present since.
        AND node.seen > pg_postmaster_start_time()
        AND node.seen < clock_timestamp() - %(grace)s * interval '1 second'
        AND NOT {IS_PRESENT}
)
"""
"""A condition on a chunk: the node that has leased it is not connected, and was not seen for some seconds."""

LOCK_RUN = "SELECT state, cancelled, queue FROM forkresize.batch WHERE run = %(run)s FOR NO KEY UPDATE"

_REQUEUE = """
UPDATE forkresize.chunk
SET state = %(state)s, handling = %(handling)s, losses = %(losses)s, node = NULL, token = NULL, lease_until = NULL,
    marked = NULL, made = 0, published = NULL
WHERE run = %(run)s AND number = %(number)s
"""
_COUNT_LOSS = "UPDATE forkresize.batch SET losses = losses + 1 WHERE run = %(run)s"
_REPLACE = """
UPDATE forkresize.chunk SET state = 'split', losses = losses + 1, ended = clock_timestamp()
WHERE run = %(run)s AND number = %(number)s
"""
_NEXT_NUMBER = "UPDATE forkresize.batch SET next_part = next_part + 1 WHERE run = %(run)s RETURNING next_part - 1"
_INSERT = """
INSERT INTO forkresize.chunk (run, number, manifest, first, count, bytes, state, handling, losses)
VALUES (%(run)s, %(number)s, %(manifest)s, %(first)s, %(count)s, %(bytes)s, %(state)s, %(handling)s, %(losses)s)
"""
ANNOUNCE = """
INSERT INTO forkresize.outbox (run, chunk, queue)
SELECT run, number, queue FROM forkresize.chunk JOIN forkresize.batch USING (run)
WHERE run = %(run)s AND number = %(number)s AND chunk.state = 'pending'
ON CONFLICT (run, chunk) DO NOTHING
"""
"""Adds the message for a chunk that is pending."""

Row = dict[str, Any]
"""A row of the chunks."""


class Part(Struct, frozen=True):
    """A part of a chunk, and how it is worked on from now on; see ``Lease``."""

    first: int
    count: int
    handling: Handling
    losses: int = 0  # How many nodes it has cost.


def return_lost(cursor: Cursor, chunk: Row, *, cancelled: bool) -> None:
    """Return a chunk whose node was lost, and count the loss. The run's row is locked.

    Args:
        cursor: of the transaction.
        chunk: the chunk's row, locked, with a lease.
        cancelled: whether the run was.
    """
    parts = divide_lost(chunk)
    if was_at_work(chunk):
        cursor.execute(_COUNT_LOSS, chunk)
    if len(parts) == 1:
        requeue(cursor, chunk, parts[0], cancelled=cancelled)
        return
    cursor.execute(_REPLACE, chunk)
    for part in parts:
        insert_part(cursor, chunk, part, cancelled=cancelled)


def was_at_work(chunk: Row) -> bool:
    """Return whether a chunk can have ended its node: one that is worked on alone has to wait for its turn first."""
    return chunk["handling"] == Handling.NORMAL or chunk["marked"] is not None


def divide_lost(chunk: Row) -> list[Part]:
    """Return the parts that a lost chunk is worked on in; a single one for the whole chunk."""
    first, count, losses = chunk["first"], chunk["count"], chunk["losses"] + was_at_work(chunk)
    handling = Handling(chunk["handling"])
    if not was_at_work(chunk) or handling is Handling.FAIL:
        return [Part(first, count, handling, chunk["losses"])]
    if handling is Handling.NORMAL:
        if losses < MAX_LOSSES:
            return [Part(first, count, handling, losses)]
        half = count // 2
        parts = [Part(first, half, Handling.SINGLE), Part(first + half, count - half, Handling.SINGLE)]
        return [part for part in parts if part.count]
    if count == 1:
        is_guilty = losses >= MAX_LOSSES
        return [Part(first, 1, Handling.FAIL if is_guilty else handling, losses)]
    marked = chunk["marked"]
    rest = first + count - marked - 1
    parts = [
        Part(first, marked - first, Handling.NORMAL),
        Part(marked, 1, Handling.SINGLE, losses=1),
        Part(marked + 1, rest, Handling.NORMAL),
    ]
    return [part for part in parts if part.count]


def requeue(cursor: Cursor, chunk: Row, part: Part, *, cancelled: bool) -> None:
    """Make a chunk pending again and announce it; in a run that was cancelled, cancel it."""
    state = ChunkState.CANCELLED if cancelled else ChunkState.PENDING
    values = {**chunk, "state": state.value, "handling": part.handling.value, "losses": part.losses}
    cursor.execute(_REQUEUE, values)
    cursor.execute(ANNOUNCE, values)


def insert_part(cursor: Cursor, chunk: Row, part: Part, *, cancelled: bool) -> None:
    """Add a part of a chunk as a chunk of its own, and announce it."""
    (row,) = fetch(cursor, _NEXT_NUMBER, chunk)
    (number,) = row.values()
    state = ChunkState.CANCELLED if cancelled else ChunkState.PENDING
    values = {
        "run": chunk["run"],
        "number": number,
        "manifest": chunk["manifest"],
        "first": part.first,
        "count": part.count,
        "bytes": chunk["bytes"] * part.count // chunk["count"],
        "state": state.value,
        "handling": part.handling.value,
        "losses": part.losses,
    }
    cursor.execute(_INSERT, values)
    cursor.execute(ANNOUNCE, values)
