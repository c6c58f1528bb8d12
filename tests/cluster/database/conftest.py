"""A database of its own for each test of the cluster's tables."""

from collections.abc import Iterator

import pytest

from forkresize.cluster.database import ClusterDatabase
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
