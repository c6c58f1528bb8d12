"""The comparison of many outputs with their rows at once, without a record for each."""

import os
from collections.abc import Iterable, Sequence
from typing import Any

from forkresize.ledger.base import OutputStates
from forkresize.ledger.sqlite.connection import LedgerConnection
from forkresize.ledger.sqlite.rows import encode

_ROWS_PER_OUTPUT = 8
"""Maximum number of rows to look at for each output: those of other renditions, and others, may lie between."""

# A subquery that yields all columns of the first rows would take a quarter longer.
_MATCH = """
SELECT path, source, source_size, source_mtime_ns, size, mtime_ns, run FROM outputs
WHERE destination = ? AND path BETWEEN ? AND coalesce(
    (SELECT path FROM outputs WHERE destination = ? AND path BETWEEN ? AND ? ORDER BY path LIMIT 1 OFFSET ?), ?
)
AND root = (SELECT number FROM roots WHERE path = ?) AND recipe = ? AND status = 'written' AND reason IS NULL
AND typeof(run) = 'integer'
AND source_etag IS NULL AND source_version IS NULL AND etag IS NULL AND version IS NULL
ORDER BY path
"""


def match_rows(db: LedgerConnection, destination: int, states: OutputStates) -> list[int | None]:
    """Return what ``LedgerStore.match`` returns. What more than one query would have to show is None.

    Rows of local files with all that is expected are valid: no column that matters is left unchecked.

    Args:
        db: a ledger of the present version.
        destination: number of the destination that the outputs belong to.
        states: of the outputs; at least one.
    """
    paths = _encode_all(states.keys)
    # Rows are stored by path, so those of one directory are mostly read at once.
    limit = _ROWS_PER_OUTPUT * len(paths)
    first, last = (destination, min(paths)), max(paths)
    parameters = (*first, *first, last, limit, last, os.fsencode(states.root), states.recipe)
    rows = db.execute(_MATCH, parameters).fetchall()
    sources = paths if states.sources == states.keys else _encode_all(states.sources)
    expected = [paths, sources, states.source_sizes, states.source_mtimes_ns, states.sizes, states.mtimes_ns]
    if len(rows) == len(paths):
        # Mostly, all are as expected. Columns are compared without an object for each output.
        *columns, runs = zip(*rows, strict=True)
        if columns == [tuple(column) for column in expected]:
            return list(runs)
    return _match_one_by_one(rows, expected)


def _match_one_by_one(rows: Iterable[tuple[Any, ...]], expected: Sequence[Iterable[Any]]) -> list[int | None]:
    """Return what ``match_rows`` returns.

    Args:
        rows: what is recorded, the run last.
        expected: the other columns, a value for each output.
    """
    recorded = {row[0]: row for row in rows}
    found = ((recorded.get(values[0]), values) for values in zip(*expected, strict=True))
    return [row[-1] if row is not None and row[:-1] == values else None for row, values in found]


def _encode_all(keys: Any) -> list[bytes]:
    """Return keys as the ledger stores them; no key contains a NUL."""
    return encode("\0".join(keys)).split(b"\0")
