"""A database, and how to look into it."""

from collections.abc import Callable
from typing import Any

import psycopg
import pytest

from tests.servers.postgresql import PostgresServer

Query = Callable[..., list[tuple[Any, ...]]]


@pytest.fixture
def url(postgresql: PostgresServer) -> str:
    """The URL of a new database."""
    return postgresql.new_database()


@pytest.fixture
def query(url: str) -> Query:
    """Execute a statement in that database, on a connection of its own; return its rows."""

    def execute(statement: str, *parameters: object) -> list[tuple[Any, ...]]:
        with psycopg.connect(url, autocommit=True) as connection:
            cursor = connection.execute(statement, parameters)
            return cursor.fetchall() if cursor.description else []

    return execute
