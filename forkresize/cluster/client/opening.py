"""The connection of a client to a cluster."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from forkresize.cluster.client.connection import Connection
from forkresize.cluster.database import ClusterDatabase
from forkresize.cluster.publisher import Publisher


@contextmanager
def connect(
    ledger: str, broker: str | None, secret: bytes | None, notify: Callable[[str], object]
) -> Iterator[Connection]:
    """Connect to a cluster, and create its tables if they are missing.

    Args:
        ledger: URL of its database.
        broker: URL of its broker; None to leave messages to the nodes.
        secret: its key.
        notify: see ``Connection``.

    Raises:
        ClusterError: the broker cannot be used.
        LedgerError: the database cannot be used.
        FieldError: a URL is invalid.
    """
    with ClusterDatabase(ledger) as database:
        database.migrate()
        if broker is None:
            yield Connection(database, None, secret, notify)
            return
        with Publisher(broker, secret) as publisher:
            publisher.check()
            yield Connection(database, publisher, secret, notify)
