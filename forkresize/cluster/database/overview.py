"""The state of a cluster in numbers, for those who watch it."""

from collections.abc import Mapping

from msgspec import Struct

from forkresize.cluster.database.nodes import NodeTable
from forkresize.cluster.database.sql import fetch
from forkresize.cluster.database.values import ChunkState, RunState
from forkresize.ledger.postgres.database import Database

_RUNS = "SELECT state, count(*) AS count FROM forkresize.batch WHERE state IN ('open', 'closed') GROUP BY state"
_CHUNKS = """
SELECT chunk.state, count(*) AS count,
    extract(epoch FROM clock_timestamp() - min(coalesce(published, created)))::float8 AS pending,
    extract(epoch FROM clock_timestamp() - min(started))::float8 AS leased,
    extract(epoch FROM min(lease_until) - clock_timestamp())::float8 AS expires
FROM forkresize.batch JOIN forkresize.chunk USING (run)
WHERE batch.state IN ('open', 'closed') AND chunk.state <> 'split' GROUP BY chunk.state
"""
_MESSAGES = "SELECT count(*) AS count FROM forkresize.outbox"


class Overview(Struct, frozen=True, kw_only=True):
    """The state of a cluster.

    Attributes:
        runs: how many have not ended, by state.
        chunks: how many these runs have, by state; those that were split do not count.
        nodes: how many there are, by state: ready, draining or lost.
        messages: how many wait to be published.
        oldest_pending: seconds that the chunk waits for a node that waits longest; 0 for none.
        oldest_lease: seconds since a node took the chunk that it has longest; 0 for none.
        shortest_lease: seconds until the first lease runs out, negative if it has; None if no chunk is leased.
    """

    runs: Mapping[str, int]
    chunks: Mapping[str, int]
    nodes: Mapping[str, int]
    messages: int
    oldest_pending: float
    oldest_lease: float
    shortest_lease: float | None


def read_overview(database: Database) -> Overview:
    """Return the state of a cluster.

    Raises:
        LedgerError: the database cannot be used.
    """
    runs, chunks, messages = database.run(
        lambda cursor: (fetch(cursor, _RUNS, {}), fetch(cursor, _CHUNKS, {}), fetch(cursor, _MESSAGES, {}))
    )
    by_state = {row["state"]: row for row in chunks}
    pending, leased = by_state.get("pending"), by_state.get("leased")
    counted = {row["state"]: row["count"] for row in runs}
    nodes = dict.fromkeys(("ready", "draining", "lost"), 0)
    for node in NodeTable(database).list():
        nodes[node.state] += 1
    return Overview(
        runs={state.value: counted.get(state.value, 0) for state in (RunState.OPEN, RunState.CLOSED)},
        chunks={
            state.value: by_state[state.value]["count"] if state.value in by_state else 0
            for state in ChunkState
            if state is not ChunkState.SPLIT
        },
        nodes=nodes,
        messages=messages[0]["count"],
        oldest_pending=max(0.0, pending["pending"]) if pending else 0.0,
        oldest_lease=max(0.0, leased["leased"]) if leased else 0.0,
        shortest_lease=leased["expires"] if leased else None,
    )
