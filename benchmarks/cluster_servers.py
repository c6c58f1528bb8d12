"""The servers of a cluster for benchmarks: the same private instances that tests start."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from benchmarks.cluster_world import Broker, Database
from tests.servers.ministack import run_ministack
from tests.servers.postgresql import run_postgresql
from tests.servers.rabbitmq import run_rabbitmq
from tests.servers.redis import run_redis
from tests.servers.s3 import S3Server


@contextmanager
def start_servers(folder: Path, broker: str) -> Iterator[tuple[Database, Broker, S3Server]]:
    """Run PostgreSQL, a broker and an S3 server until the block ends.

    Args:
        folder: for their files.
        broker: rabbitmq or redis.
    """
    start_broker: AbstractContextManager[Broker] = run_rabbitmq() if broker == "rabbitmq" else run_redis(folder)
    with run_postgresql() as database, start_broker as running, run_ministack(folder) as s3:
        yield database, running, s3
