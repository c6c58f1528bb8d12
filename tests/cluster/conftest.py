"""Databases with the tables of a cluster, and clusters with a real broker."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from forkresize.cluster.app import queue_name
from forkresize.cluster.database import ClusterDatabase
from forkresize.cluster.publisher import Publisher
from forkresize.cluster.spec import QUEUES
from tests.cluster.lab import BROKERS, Lab
from tests.servers.postgresql import PostgresServer


@pytest.fixture
def url(postgresql: PostgresServer) -> str:
    """The URL of an empty database with the cluster's tables."""
    url = postgresql.new_database()
    with ClusterDatabase(url) as database:
        database.migrate()
    return url


@pytest.fixture
def database(url: str) -> Iterator[ClusterDatabase]:
    """A connection to it."""
    with ClusterDatabase(url) as database:
        yield database


@pytest.fixture(params=BROKERS)
def broker(request: pytest.FixtureRequest) -> Any:
    """A broker whose queues are empty."""
    server = request.getfixturevalue(request.param)
    with Publisher(server.url) as publisher:
        publisher.check()
        for name in QUEUES:
            publisher._connection.default_channel.queue_purge(queue_name(name))  # noqa: SLF001 -- no other way is needed.
    return server


@pytest.fixture
def lab(broker: Any, postgresql: PostgresServer, tmp_path: Path) -> Iterator[Lab]:
    """A cluster whose pictures are files."""
    for name in ("in", "out"):
        (tmp_path / name).mkdir()
    urls = (tmp_path / "in").as_uri(), (tmp_path / "out").as_uri()
    lab = Lab(broker.url, postgresql.new_database(), *urls, tmp_path)
    yield lab
    lab.close()
