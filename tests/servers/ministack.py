"""ministack: an S3 server with conditional writes, in memory. It checks no secrets."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.servers.program import HOST, accepts_connections, find_free_port, find_program, run_server
from tests.servers.s3 import S3Server


@pytest.fixture(scope="session")
def ministack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    """A ministack server; mark its tests with ``uses("ministack")``."""
    with run_ministack(tmp_path_factory.mktemp("ministack")) as server:
        yield server


@contextlib.contextmanager
def run_ministack(directory: Path) -> Iterator[S3Server]:
    """Run a new ministack server, with its log in a directory, until the block ends."""
    program = find_program("ministack", "ministack (from PyPI, in an environment of its own)")
    port = find_free_port()
    env = {"GATEWAY_PORT": str(port), "BIND_HOST": HOST, "MINISTACK_HOST": HOST, "SERVICES": "s3"}
    with run_server([program], directory / "log", lambda: accepts_connections(port), env):
        yield S3Server(f"http://{HOST}:{port}", "test-access", "test-secret")
