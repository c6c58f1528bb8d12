"""Rows of runs: when each began and ended, and which were interrupted."""

import time

from forkresize.ledger.base import InterruptedRun
from forkresize.ledger.postgres.database import Cursor
from forkresize.ledger.postgres.migrate import SCHEMA

_MAX_INTERRUPTED = 1000
"""Maximum number of interrupted runs that are distinguished; older ones are combined."""

_TOLERATED_SKEW_NS = 1_000_000_000

# The statements take the numbers of destinations and runs, so none of them depends on the user.
_CLOCK_NS = "(extract(epoch FROM clock_timestamp()) * 1000000000)::bigint"
_BREAK_RUNS = f"""
UPDATE {SCHEMA}.run SET ended = clock_timestamp(), broken = true WHERE destination = %s AND ended IS NULL
"""  # noqa: S608
_REMOVE_RUNS = f"DELETE FROM {SCHEMA}.run WHERE destination = %s AND NOT broken"  # noqa: S608
_BEGIN_RUN = f"INSERT INTO {SCHEMA}.run (destination, skew_ns) VALUES (%s, %s) RETURNING id"  # noqa: S608
_END_RUN = f"UPDATE {SCHEMA}.run SET ended = clock_timestamp(), broken = false WHERE id = %s"  # noqa: S608
_INTERRUPTED = f"""
SELECT id, (extract(epoch FROM started) * 1000000000)::bigint,
       (extract(epoch FROM coalesce(ended, clock_timestamp())) * 1000000000)::bigint, skew_ns
FROM {SCHEMA}.run WHERE destination = %s AND (broken OR (ended IS NULL AND id != %s))
ORDER BY id DESC LIMIT {_MAX_INTERRUPTED}
"""  # noqa: S608


def begin_run(cursor: Cursor, destination: int) -> int:
    """Add a run of a destination, whose other runs have then ended; return its number."""
    sent_ns = time.time_ns()
    clock_ns = read_number(cursor, f"SELECT {_CLOCK_NS}")
    skew_ns = clock_ns - (sent_ns + time.time_ns()) // 2
    # A shard that is still running counts as interrupted, too, until it ends.
    cursor.execute(_BREAK_RUNS, (destination,))
    cursor.execute(_REMOVE_RUNS, (destination,))
    return read_number(cursor, _BEGIN_RUN, destination, skew_ns)


def end_run(cursor: Cursor, number: int) -> None:
    """Mark a run as ended properly."""
    cursor.execute(_END_RUN, (number,))


def read_interrupted(cursor: Cursor, destination: int, number: int) -> tuple[InterruptedRun, ...]:
    """Return the runs of a destination that were interrupted, or may be, but for one; the latest first."""
    rows = cursor.execute(_INTERRUPTED, (destination, number)).fetchall()
    runs = [_interrupted_run(*row) for row in rows]
    if len(runs) == _MAX_INTERRUPTED:
        # A run that ended before it started may have made outputs of any time.
        runs[-1] = runs[-1]._replace(started_ns=0, ended_ns=-1)
    return tuple(runs)


def read_number(cursor: Cursor, statement: str, *parameters: object) -> int:
    """Return the first value of the first row; 0 if there is no row."""
    row = cursor.execute(statement, parameters).fetchone()
    return 0 if row is None else int(row[0])


def _interrupted_run(number: int, started_ns: int, ended_ns: int, skew_ns: int) -> InterruptedRun:
    """Return a run. Its time covers both clocks, as outputs have the time of the machine that stores them."""
    if abs(skew_ns) > _TOLERATED_SKEW_NS:
        started_ns, ended_ns = min(started_ns, started_ns - skew_ns), max(ended_ns, ended_ns - skew_ns)
    return InterruptedRun(number, started_ns, ended_ns)
