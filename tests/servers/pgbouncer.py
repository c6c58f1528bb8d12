"""PgBouncer: a pooler that gives each transaction any session of a PostgreSQL server."""

import os
import signal
from collections.abc import Iterator

import pytest

from tests.servers.postgresql import PostgresServer
from tests.servers.program import HOST, accepts_connections, find_free_port, find_program, run_server
from tests.servers.user import as_ordinary_user, ordinary_directory

_CONFIG = """
[databases]
* = host={host} port={server_port} user=test
[pgbouncer]
listen_addr = {host}
listen_port = {port}
unix_socket_dir =
auth_type = any
pool_mode = transaction
max_client_conn = 50
default_pool_size = 3
"""


@pytest.fixture(scope="session")
def pgbouncer_port(postgresql: PostgresServer) -> Iterator[int]:
    """The port of a PgBouncer in front of the server; mark its tests with ``uses("postgresql")``."""
    program = find_program("pgbouncer", "pgbouncer")
    port = find_free_port()
    with ordinary_directory("pgbouncer") as directory:
        config = directory / "pgbouncer.ini"
        config.write_text(_CONFIG.format(host=HOST, port=port, server_port=postgresql.port))
        os.chmod(config, 0o644)
        command = [*as_ordinary_user(), program, str(config)]
        with run_server(command, directory / "log", lambda: accepts_connections(port), stop=signal.SIGINT):
            yield port
