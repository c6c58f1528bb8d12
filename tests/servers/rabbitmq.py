"""RabbitMQ: a private broker that tests may restart."""

import contextlib
import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.servers.program import HOST, accepts_connections, find_free_port, find_program, run_server
from tests.servers.user import as_ordinary_user, ordinary_directory


class RabbitServer:
    """A RabbitMQ broker.

    Args:
        directory: for its log and its data; the user of ``as_ordinary_user`` owns it.
    """

    def __init__(self, directory: Path) -> None:
        self._port = find_free_port()
        self._directory = directory
        self._distribution_port = find_free_port()
        self._epmd_port = find_free_port()
        self._running = contextlib.ExitStack()

    @property
    def url(self) -> str:
        """Its URL, with the user that RabbitMQ has from the start, whom it accepts from this machine only."""
        return f"amqp://guest:guest@{HOST}:{self._port}//"

    @property
    def env(self) -> dict[str, str]:
        """The variables that keep it apart from other brokers of this machine."""
        home = str(self._directory)
        return {
            "HOME": home,
            "RABBITMQ_NODENAME": f"test{self._port}@localhost",
            "RABBITMQ_NODE_IP_ADDRESS": HOST,
            "RABBITMQ_NODE_PORT": str(self._port),
            "RABBITMQ_DIST_PORT": str(self._distribution_port),
            "RABBITMQ_MNESIA_BASE": f"{home}/data",
            "RABBITMQ_LOG_BASE": f"{home}/logs",
            "RABBITMQ_PID_FILE": f"{home}/pid",
            "RABBITMQ_ENABLED_PLUGINS_FILE": f"{home}/plugins",
            "RABBITMQ_CONF_ENV_FILE": f"{home}/environment",
            "ERL_EPMD_PORT": str(self._epmd_port),
            "ERL_EPMD_ADDRESS": HOST,
        }

    def start(self) -> None:
        """Start the broker, with the messages that it had."""
        command = [*as_ordinary_user(), _find_server()]
        log = self._directory / "output"
        server = run_server(command, log, lambda: accepts_connections(self._port), self.env)
        self.process = self._running.enter_context(server)

    def stop(self) -> None:
        """Stop the broker."""
        self._running.close()

    def restart(self) -> None:
        """Stop and start the broker."""
        self.stop()
        self.start()

    def kill_port_mapper(self) -> None:
        """End Erlang's port mapper, which the broker started and left."""
        program = find_program("epmd", "erlang-base")
        env = {"ERL_EPMD_PORT": str(self._epmd_port)}
        subprocess.run([program, "-kill"], env=env, check=False, capture_output=True, timeout=30)


def _find_server() -> str:
    program = find_program("rabbitmq-server", "rabbitmq-server")
    # Debian's program on PATH refuses all users but root and rabbitmq; the one behind it does not.
    behind = "/usr/lib/rabbitmq/bin/rabbitmq-server"
    return behind if os.access(behind, os.X_OK) else program


@pytest.fixture(scope="session")
def rabbitmq() -> Iterator[RabbitServer]:
    """A RabbitMQ broker; mark its tests with ``uses("rabbitmq")``."""
    with run_rabbitmq() as server:
        yield server


@contextlib.contextmanager
def run_rabbitmq(configure: Callable[[Path], object] = lambda _: None) -> Iterator[RabbitServer]:
    """Run a new RabbitMQ broker until the block ends.

    Args:
        configure: writes ``environment`` and other files of settings into a directory.
    """
    _find_server()
    with ordinary_directory("rabbitmq") as directory:
        configure(directory)
        server = RabbitServer(directory)
        try:
            server.start()
            yield server
        finally:
            server.stop()
            server.kill_port_mapper()
