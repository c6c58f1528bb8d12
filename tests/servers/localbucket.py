"""localbucket: an S3 server that ignores If-Match, and forgets the metadata of objects."""

from collections.abc import Iterator

import pytest

from tests.servers.program import HOST, accepts_connections, find_free_port, find_program, run_server
from tests.servers.s3 import S3Server


@pytest.fixture(scope="session")
def localbucket(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    """A localbucket server; mark its tests with ``uses("localbucket")``."""
    program = find_program("localbucket", "localbucket (from PyPI, in an environment of its own)")
    port = find_free_port()
    folder = tmp_path_factory.mktemp("localbucket")
    command = [program, "--host", HOST, "--port", str(port), str(folder)]
    with run_server(command, folder.with_name(f"{folder.name}.log"), lambda: accepts_connections(port)):
        yield S3Server(f"http://{HOST}:{port}", "test-access", "test-secret")
