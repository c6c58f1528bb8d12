"""The gateway as a process: it serves, and ends in order."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.gateway.conftest import Gateway, StartGateway

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGINT])
def test_a_gateway_serves_until_a_signal_and_exits_with_success(
    signum: int, photos: Path, start_gateway: StartGateway
) -> None:
    gateway = start_gateway("--root", f"photos={photos}", "--unsigned")
    assert gateway.client.get("livez").json() == {"status": "ok"}
    assert gateway.stop(signum) == 0
    assert f" serving photos at {gateway.url}" in gateway.lines[0]


def test_a_body_does_not_wait_until_the_client_has_acknowledged_its_head(gateway: Gateway) -> None:
    def time_request() -> float:
        started = time.monotonic()
        assert gateway.client.get("livez").status_code == 200
        return time.monotonic() - started

    # Linux acknowledges the first answers on a connection at once, and later ones after 40 ms.
    for _ in range(20):
        time_request()
    assert min(time_request() for _ in range(20)) < 0.035


def test_unknown_paths_and_methods_are_problems(photos: Path, start_gateway: StartGateway) -> None:
    gateway = start_gateway("--root", f"photos={photos}", "--unsigned")
    client = gateway.client
    # No redirect to the path without the slash: it would lead to the host that the client names.
    for response, status in ((client.get("none"), 404), (client.get("livez/"), 404), (client.delete("livez"), 405)):
        assert response.status_code == status
        assert response.headers["content-type"] == "application/problem+json"
        assert response.headers["cache-control"] == "no-store"
        assert response.json()["status"] == status


@pytest.mark.parametrize(
    ("soft", "hard", "needed", "limit"), [(256, 1000, 500, 500), (600, 1000, 500, 600), (256, 400, 500, 400)]
)
def test_a_gateway_may_open_as_many_files_as_its_connections_need(
    soft: int, hard: int, needed: int, limit: int
) -> None:
    program = (
        "import logging, resource; from forkresize.gateway.server import raise_file_limit; logging.basicConfig();"
        f"resource.setrlimit(resource.RLIMIT_NOFILE, ({soft}, {hard})); raise_file_limit({needed});"
        "print(resource.getrlimit(resource.RLIMIT_NOFILE)[0])"
    )
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert int(result.stdout) == limit
    assert ("need a limit of 500 open files, and it is 400" in result.stderr) == (limit < needed)
