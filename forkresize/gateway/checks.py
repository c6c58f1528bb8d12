"""The checks of a gateway's readiness: its workers, its stores, its broker and its databases."""

import errno
import os
from collections.abc import Iterable

from forkresize.errors import BrokenPoolError
from forkresize.gateway.pictures import Pictures
from forkresize.store import OutputStore, SourceStore

_SECONDS = 1.5
"""How long the database may take to connect, and to answer."""

_PROBE = "forkresize-readiness-probe"
"""A key that is asked for; it need not exist."""


def check_pool(pictures: Pictures) -> None:
    """Check that the supervisor of the workers is there, without giving them anything to do.

    Raises:
        BrokenPoolError: it is not.
    """
    pid = pictures.renderer.supervisor_pid
    if pid is None:
        # It is started again for the next picture, or here.
        pictures.start()
        raise BrokenPoolError("the supervisor of the workers is not running")
    os.kill(pid, 0)


def check_stores(stores: Iterable[SourceStore]) -> None:
    """Check that stores answer.

    Raises:
        OSError: one does not.
    """
    for store in stores:
        if store.capabilities.local_paths:
            os.scandir(store.location("")).close()
        else:
            store.stat(_PROBE)


def check_derivatives(store: OutputStore) -> None:
    """Check that the store of what was made answers and, if it is a directory, that it can be written.

    Raises:
        OSError: it cannot be used.
    """
    if not store.capabilities.local_paths:
        store.stat(_PROBE)
        return
    path = store.location("")
    while not os.path.lexists(path):
        # It is made with the first picture.
        path = os.path.dirname(path)
    if not os.path.isdir(path):
        raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), path)
    if not os.access(path, os.W_OK | os.X_OK):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), path)


def check_database(url: str) -> None:
    """Check that the database answers.

    Raises:
        LedgerError: it does not.
    """
    # Only with the extra.
    from forkresize.ledger.postgres.database import Database, Timeouts

    with Database(url, Timeouts(connect=_SECONDS, statement=_SECONDS, retry=0.0)) as database:
        database.run(lambda cursor: cursor.execute("SELECT 1"))


def check_broker(url: str) -> None:
    """Check that the broker answers.

    Raises:
        ClusterError: it does not.
    """
    # Only with the extra.
    from forkresize.cluster.publisher import Publisher

    with Publisher(url) as publisher:
        publisher.check()
