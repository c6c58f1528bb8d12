"""PostgreSQL: a private cluster of databases, which tests may restart."""

import contextlib
import itertools
import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.servers.program import HOST, find_free_port, find_program, run_server
from tests.servers.user import as_ordinary_user, ordinary_directory


class PostgresServer:
    """A PostgreSQL server.

    Args:
        directory: for its data.
        log: for its output.
    """

    def __init__(self, directory: Path, log: Path) -> None:
        self.port = find_free_port()
        self._directory = directory
        self._log = log
        self._numbers = itertools.count(1)
        self._running = contextlib.ExitStack()

    @property
    def url(self) -> str:
        """The URL of a database that exists."""
        return f"postgresql://test@{HOST}:{self.port}/postgres"

    def new_database(self) -> str:
        """Create a database; return its URL."""
        import psycopg

        name = f"test{next(self._numbers)}"
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}")
        return f"postgresql://test@{HOST}:{self.port}/{name}"

    def start(self) -> None:
        """Start the server, with the data that it had."""
        settings = {"port": self.port, "listen_addresses": HOST, "unix_socket_directories": "", "fsync": "off"}
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        program = _find("postgres")
        command = [*as_ordinary_user(), program, "-D", str(self._directory), *options]
        self._process = self._running.enter_context(run_server(command, self._log, self._is_ready, stop=signal.SIGINT))

    def _is_ready(self) -> bool:
        import psycopg

        with contextlib.suppress(psycopg.OperationalError), psycopg.connect(self.url):
            return True
        return False

    def stop(self) -> None:
        """Stop the server; connections are cut."""
        self._running.close()

    @contextlib.contextmanager
    def requiring_passwords_of(self, role: str) -> Iterator[None]:
        """Ask for the password of a role while the block runs; other roles are trusted."""
        rules = self._directory / "pg_hba.conf"
        before = rules.read_text("utf-8")
        rules.write_text(f"host all {role} all scram-sha-256\n{before}", "utf-8")
        self._process.send_signal(signal.SIGHUP)
        self._wait_for_rules(role, 1)
        try:
            yield
        finally:
            rules.write_text(before, "utf-8")
            self._process.send_signal(signal.SIGHUP)

    def _wait_for_rules(self, role: str, count: int) -> None:
        import psycopg

        statement = "SELECT count(*) FROM pg_hba_file_rules WHERE %s = ANY(user_name)"
        with psycopg.connect(self.url) as connection:
            assert connection.execute(statement, (role,)).fetchone() == (count,)

    def crash(self) -> None:
        """Stop the server at once, without a checkpoint, as ``pg_ctl stop --mode immediate`` does."""
        self._process.send_signal(signal.SIGQUIT)
        self.stop()

    def restart(self) -> None:
        """Stop and start the server."""
        self.stop()
        self.start()


def _find(command: str) -> str:
    initdb = find_program("initdb", "postgresql")
    beside = Path(os.path.realpath(initdb)).with_name(command)
    if beside.exists():
        return str(beside)
    versions = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{command}"))
    return str(versions[-1]) if versions else find_program(command, "postgresql")


@pytest.fixture(scope="session")
def postgresql() -> Iterator[PostgresServer]:
    """A PostgreSQL server; mark its tests with ``uses("postgresql")``."""
    with run_postgresql() as server:
        yield server


@contextlib.contextmanager
def run_postgresql() -> Iterator[PostgresServer]:
    """Run a new PostgreSQL server until the block ends."""
    initdb = _find("initdb")
    with ordinary_directory("postgresql") as directory:
        command = [initdb, "-D", str(directory / "data"), "-U", "test", "--auth", "trust", "--no-sync", "-E", "UTF8"]
        subprocess.run([*as_ordinary_user(), *command, "--locale", "C"], check=True, stdout=subprocess.DEVNULL)
        server = PostgresServer(directory / "data", directory / "log")
        server.start()
        try:
            yield server
        finally:
            server.stop()
