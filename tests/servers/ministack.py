"""ministack: an S3 server with conditional writes, in memory. It checks no secrets."""

from collections.abc import Iterator
from typing import NamedTuple

import pytest

from tests.servers.program import HOST, accepts_connections, find_free_port, find_program, run_server


class S3Server(NamedTuple):
    """How to reach an S3 server.

    Attributes:
        endpoint: its URL.
        access_key: a user that may do everything.
        secret_key: the user's.
    """

    endpoint: str
    access_key: str
    secret_key: str

    @property
    def env(self) -> dict[str, str]:
        """The variables that lead AWS's clients to it."""
        return {
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_ACCESS_KEY_ID": self.access_key,
            "AWS_SECRET_ACCESS_KEY": self.secret_key,
            "AWS_REGION": "us-east-1",
            "AWS_EC2_METADATA_DISABLED": "true",
        }


@pytest.fixture(scope="session")
def ministack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    """A ministack server; mark its tests with ``uses("ministack")``."""
    program = find_program("ministack", "ministack (from PyPI, in an environment of its own)")
    port = find_free_port()
    env = {"GATEWAY_PORT": str(port), "BIND_HOST": HOST, "MINISTACK_HOST": HOST, "SERVICES": "s3"}
    log = tmp_path_factory.mktemp("ministack") / "log"
    with run_server([program], log, lambda: accepts_connections(port), env):
        yield S3Server(f"http://{HOST}:{port}", "test-access", "test-secret")
