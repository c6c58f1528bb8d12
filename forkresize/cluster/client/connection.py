"""What a client needs of a cluster: its database, its broker, its key, and somebody to inform."""

from collections.abc import Callable
from typing import Protocol

from msgspec import Struct

from forkresize.batch.backend import FindReplaced
from forkresize.cluster.database import ClusterDatabase
from forkresize.cluster.spec import RunSpec
from forkresize.store import OutputStore


class Publisher(Protocol):
    """Publishes messages to the broker."""

    def publish(self, run: int, chunk: int, queue: str, traceparent: str, /) -> object:
        """Publish the message for a chunk; see ``forkresize.cluster.publisher``.

        Raises:
            ClusterError: the broker cannot be reached.
        """


class Connection(Struct, frozen=True):
    """A cluster, as its clients use it.

    Attributes:
        database: the truth about runs and chunks.
        publisher: announces chunks; None leaves that to the nodes.
        secret: signs manifests; None for a cluster without a key.
        notify: is called with remarks on the run.
    """

    database: ClusterDatabase
    publisher: Publisher | None
    secret: bytes | None
    notify: Callable[[str], object]


class Request(Struct, frozen=True, kw_only=True):
    """What a client asks of a cluster.

    Attributes:
        spec: what all chunks have in common.
        store: the destination.
        detach: whether to leave when all chunks are published.
        stop_after: seconds after which what no node has started is cancelled; None for no limit.
        patience: seconds to wait for a detached run that is at work on the destination.
        owner: who asks, for people.
        traceparent: context of the span that the chunks follow from; empty for none.
        find_replaced: returns the object that an output is to replace, by its key; None if puts are not bound to it.
    """

    spec: RunSpec
    store: OutputStore
    detach: bool = False
    stop_after: float | None = None
    patience: float = 0.0
    owner: str = ""
    traceparent: str = ""
    find_replaced: FindReplaced | None = None
