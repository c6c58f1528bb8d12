"""The temporary files that nodes left in a directory because they were killed."""

import re

from forkresize.cluster.database import ClusterDatabase
from forkresize.store import OutputStore
from forkresize.store.files import find_temporary_runs, remove_temporaries

_TOKEN = re.compile(r"[0-9a-f]{32}")


def remove_leftovers(database: ClusterDatabase, store: OutputStore) -> None:
    """Remove the temporary files of leases that are over. In a bucket there are none.

    The directory is searched as a whole: call this only if a node was lost.

    Args:
        database: of the cluster.
        store: the destination.

    Raises:
        LedgerError: the database cannot be used.
    """
    if not store.capabilities.local_paths:
        return
    root = store.location("")
    found = {run for run in find_temporary_runs(root) if _TOKEN.fullmatch(run)}
    if found:
        # Leases that began after the search have no file that was found.
        remove_temporaries(root, found - database.chunks.tokens())
