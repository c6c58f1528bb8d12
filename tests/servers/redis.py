"""Redis: a private server that tests may restart."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.servers.program import HOST, accepts_connections, find_free_port, find_program, run_server


class RedisServer:
    """A Redis server.

    Args:
        directory: for its log and its data.
    """

    def __init__(self, directory: Path) -> None:
        self._port = find_free_port()
        self._directory = directory
        self._running = contextlib.ExitStack()

    @property
    def url(self) -> str:
        """Its URL."""
        return f"redis://{HOST}:{self._port}/0"

    def start(self) -> None:
        """Start the server, with the data that it had."""
        program = find_program("redis-server", "redis-server")
        settings = {"port": self._port, "bind": HOST, "dir": self._directory, "appendonly": "yes", "save": "''"}
        options = [part for name, value in settings.items() for part in (f"--{name}", str(value).strip("'"))]
        log = self._directory / "log"
        server = run_server([program, *options], log, lambda: accepts_connections(self._port))
        self.process = self._running.enter_context(server)

    def stop(self) -> None:
        """Stop the server."""
        self._running.close()

    def restart(self) -> None:
        """Stop and start the server."""
        self.stop()
        self.start()


@pytest.fixture(scope="session")
def redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    """A Redis server; mark its tests with ``uses("redis")``."""
    with run_redis(tmp_path_factory.mktemp("redis")) as server:
        yield server


@contextlib.contextmanager
def run_redis(directory: Path) -> Iterator[RedisServer]:
    """Run a new Redis server, with its data in a directory, until the block ends."""
    server = RedisServer(directory)
    server.start()
    try:
        yield server
    finally:
        server.stop()
