"""Runs of a cluster that are at work on a destination, although no process holds its lock."""

import time
from collections.abc import Callable

from forkresize.errors import RunActiveError
from forkresize.ledger.place import DestinationName
from forkresize.ledger.postgres.database import Cursor, Database
from forkresize.ledger.postgres.migrate import SCHEMA

_INTERVAL = 0.5
"""Seconds between two looks at the runs."""

_MAY_READ = f"""
SELECT to_regclass('{SCHEMA}.chunk') IS NOT NULL AND has_table_privilege(to_regclass('{SCHEMA}.chunk'), 'SELECT')
    AND has_table_privilege(to_regclass('{SCHEMA}.batch'), 'SELECT')
"""

_ACTIVE = f"""
SELECT batch.run FROM {SCHEMA}.batch LEFT JOIN {SCHEMA}.run ON run.id = batch.run
WHERE batch.state IN ('open', 'closed')
    -- A later run may have removed the row that has the number of the destination.
    AND coalesce(run.destination = %(destination)s, batch.destination = %(url)s)
    AND (%(shard)s::text IS NULL OR coalesce(batch.spec::jsonb ->> 'shard', '') IN ('', %(shard)s))
    AND EXISTS (SELECT FROM {SCHEMA}.chunk WHERE chunk.run = batch.run AND chunk.state IN ('pending', 'leased'))
ORDER BY batch.run LIMIT 1
"""  # noqa: S608


class ClusterRuns:
    """The runs of a cluster that uses the same database. Its tables belong to ``forkresize.cluster.database``.

    Args:
        database: the database.
        number: of the destination.
        destination: the names of the destination.
    """

    def __init__(self, database: Database, number: int, destination: DestinationName) -> None:
        self._database = database
        self._number = number
        self._destination = destination

    def wait(self, shard: str | None, timeout: float, on_wait: Callable[[], object]) -> None:
        """Return when no run has chunks that nodes work on, or will work on.

        If this user may not read the tables of the cluster, no run is noticed.

        Args:
            shard: the part of the work that the caller's run does; runs that do other parts do not matter.
            timeout: seconds to wait.
            on_wait: called once if there is a run to wait for.

        Raises:
            RunActiveError: there still is one.
            LedgerError: the database cannot be used.
        """
        deadline = time.monotonic() + timeout
        run = self._find(shard)
        if run is not None and timeout > 0:
            on_wait()
        while run is not None:
            if (remaining := deadline - time.monotonic()) <= 0:
                raise RunActiveError(run, self._destination.url)
            time.sleep(min(_INTERVAL, remaining))
            run = self._find(shard)

    def _find(self, shard: str | None) -> int | None:
        values = {"destination": self._number, "url": self._destination.url, "shard": shard}

        def find(cursor: Cursor) -> int | None:
            (may_read,) = cursor.execute(_MAY_READ).fetchone() or (False,)
            row = cursor.execute(_ACTIVE, values).fetchone() if may_read else None
            return None if row is None else int(row[0])

        return self._database.run(find)
