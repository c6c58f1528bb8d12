"""What a node is started with."""

from msgspec import Struct

from forkresize.cluster.database.chunks import LEASE_SECONDS
from forkresize.cluster.spec import QUEUES
from forkresize.pool import PoolOptions, SandboxMode
from forkresize.store.objects import StoreOptions


class NodeSettings(Struct, frozen=True, kw_only=True):
    """The settings of a node.

    Attributes:
        cluster: URL of the broker.
        ledger: URL of the database.
        allow: URLs that the node may read and write below.
        name: what other nodes are not called, also after a restart.
        key: the cluster's key; None for none.
        queues: the queues that it takes chunks from.
        chunks: how many chunks it works on at the same time, so that transfers of one overlap with another.
        pool: number of workers and their limits.
        sandbox: how many layers of the sandbox workers have.
        stores: limits of requests to stores.
        lease_seconds: how long a lease holds without a sign of life.
        metrics_host: the address that Prometheus finds metrics at.
        metrics_port: the port; 0 for any free one; None for no metrics.
        transfer_memory: bytes of sources and outputs that this process holds at most, for each chunk.
    """

    cluster: str
    ledger: str
    allow: tuple[str, ...]
    name: str
    key: bytes | None = None
    queues: tuple[str, ...] = QUEUES
    chunks: int = 2
    pool: PoolOptions = PoolOptions()
    sandbox: SandboxMode = SandboxMode.AUTO
    stores: StoreOptions = StoreOptions()
    lease_seconds: float = LEASE_SECONDS
    metrics_host: str = "127.0.0.1"
    metrics_port: int | None = None
    transfer_memory: int = 256_000_000
