"""What a gateway needs is checked against real servers, and what is not there is noticed in time."""

import time
from pathlib import Path

import pytest

from forkresize.errors import ClusterError, LedgerError
from forkresize.gateway.checks import check_broker, check_database, check_derivatives, check_stores
from forkresize.store import LocalStore
from tests.servers.postgresql import PostgresServer
from tests.servers.program import HOST, find_free_port
from tests.servers.redis import RedisServer


@pytest.mark.slow
@pytest.mark.server
@pytest.mark.xdist_group("postgresql")
def test_database_that_answers_is_there(postgresql: PostgresServer) -> None:
    check_database(postgresql.new_database())


@pytest.mark.slow
@pytest.mark.server
@pytest.mark.xdist_group("redis")
def test_broker_that_answers_is_there(redis: RedisServer) -> None:
    check_broker(redis.url)


def test_servers_that_are_not_there_are_noticed_soon() -> None:
    started = time.monotonic()
    with pytest.raises(LedgerError):
        check_database(f"postgresql://user:geheim@{HOST}:{find_free_port()}/none")
    with pytest.raises(ClusterError, match=r"redis://127\.0\.0\.1"):
        check_broker(f"redis://{HOST}:{find_free_port()}/0")
    assert time.monotonic() - started < 10


def test_directory_that_vanished_is_noticed(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    store = LocalStore(str(tmp_path / "in"))
    check_stores([store])
    (tmp_path / "in").rmdir()
    with pytest.raises(FileNotFoundError):
        check_stores([store])


def test_a_place_for_what_is_made_may_be_missing_but_not_be_a_file(tmp_path: Path) -> None:
    check_derivatives(LocalStore(str(tmp_path / "a/b")))
    (tmp_path / "a").touch()
    with pytest.raises(NotADirectoryError):
        check_derivatives(LocalStore(str(tmp_path / "a/b")))
