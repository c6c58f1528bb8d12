"""The servers that tests start."""

import os
import re
import signal
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

from tests.servers.program import accepts_connections, find_free_port, find_program, run_server, uses
from tests.servers.s3 import S3Server

SLEEPER = "import sys, time; print('up', flush=True); time.sleep(600)"


def test_a_missing_program_skips_the_test_with_the_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("FORKRESIZE_REQUIRE_SERVERS", raising=False)
    with pytest.raises(pytest.skip.Exception, match="install storage: no-such-server is not on PATH"):
        find_program("no-such-server", "storage")


def test_a_missing_program_fails_the_test_where_servers_are_required(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORKRESIZE_REQUIRE_SERVERS", "1")
    with pytest.raises(pytest.fail.Exception, match="install storage: no-such-server is not on PATH"):
        find_program("no-such-server", "storage")


def test_a_server_runs_while_the_block_does(tmp_path: Path) -> None:
    log = tmp_path / "log"
    with run_server([sys.executable, "-c", SLEEPER], log, lambda: log.read_text() == "up\n") as process:
        assert process.poll() is None
    assert process.returncode == -signal.SIGTERM


def test_a_server_that_exits_fails_with_the_end_of_its_log(tmp_path: Path) -> None:
    with (
        pytest.raises(pytest.fail.Exception, match=r"exit code 3\n(?s:.*)no room"),
        run_server([sys.executable, "-c", "print('no room'); raise SystemExit(3)"], tmp_path / "log", lambda: False),
    ):
        pytest.fail("it cannot be ready")


@pytest.mark.slow
def test_a_server_ends_when_the_process_that_started_it_is_killed(tmp_path: Path) -> None:
    find_program("setpriv", "util-linux")
    port = find_free_port()
    program = f"""
import os, signal, sys
from pathlib import Path
from tests.servers.program import accepts_connections, run_server
command = [sys.executable, "-m", "http.server", "--bind", "127.0.0.1", "{port}"]
with run_server(command, Path("log"), lambda: accepts_connections({port})):
    os.kill(os.getpid(), signal.SIGKILL)
"""
    root = Path(__file__).parents[2]
    result = subprocess.run(
        [sys.executable, "-c", program],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(root)},
        timeout=60,
        check=False,
    )
    assert result.returncode == -signal.SIGKILL
    deadline = time.monotonic() + 10
    while accepts_connections(port):
        assert time.monotonic() < deadline


@pytest.mark.slow
@pytest.mark.server
@pytest.mark.xdist_group("ministack")
def test_ministack_answers_on_the_loopback_interface(ministack: S3Server) -> None:
    request = urllib.request.Request(f"{ministack.endpoint}/shelf", method="PUT")  # noqa: S310 -- it is an http URL.
    with urllib.request.urlopen(request, timeout=10) as response:  # noqa: S310 -- same.
        assert response.status == 200


GROUPED = """
import os, pytest
from pathlib import Path

@pytest.mark.parametrize("number", range(8))
@pytest.mark.parametrize("server", [pytest.param(name, marks=pytest.mark.xdist_group(name)) for name in "ab"])
def test_server(server, number):
    with open(Path(__file__).with_name("log"), "a") as log:
        print(server, os.getpid(), file=log)
"""


@pytest.mark.slow
def test_tests_of_one_server_run_in_one_process(tmp_path: Path) -> None:
    (tmp_path / "test_grouped.py").write_text(GROUPED)
    root = Path(__file__).parents[2]
    command = "-m pytest -q -p tests.servers.grouping -n 2 --dist=loadgroup -c /dev/null test_grouped.py".split()
    env = {name: value for name, value in os.environ.items() if not name.startswith(("COVERAGE", "PYTEST"))}
    subprocess.run(
        [sys.executable, *command],
        cwd=tmp_path,
        env={**env, "PYTHONPATH": str(root)},
        timeout=100,
        check=True,
        capture_output=True,
    )
    lines = (tmp_path / "log").read_text().splitlines()
    assert len(lines) == 16
    assert len({*lines}) == 2


ORDERED = """
import pytest

def test_quick(): pass

@pytest.mark.slow
def test_slow(): pass

@pytest.mark.xdist_group("redis")
def test_redis(): pass

@pytest.mark.xdist_group("cluster")
def test_cluster(): pass
"""


@pytest.mark.slow
def test_the_longest_group_begins_first_and_quick_tests_end(tmp_path: Path) -> None:
    (tmp_path / "test_ordered.py").write_text(ORDERED)
    command = "-m pytest -v -p tests.servers.grouping -n 1 --dist=loadgroup --no-loadscope-reorder -c /dev/null".split()
    env = {name: value for name, value in os.environ.items() if not name.startswith(("COVERAGE", "PYTEST"))}
    done = subprocess.run(
        [sys.executable, *command, "test_ordered.py"],
        cwd=tmp_path,
        env={**env, "PYTHONPATH": str(Path(__file__).parents[2])},
        timeout=100,
        check=True,
        capture_output=True,
        text=True,
    )
    assert re.findall(r"PASSED.*::test_(\w+)", done.stdout) == ["cluster", "redis", "slow", "quick"]


def test_the_marks_of_a_server_name_its_group() -> None:
    assert [mark.name for mark in uses("ministack")] == ["server", "xdist_group"]
    assert uses("ministack")[1].args == ("ministack",)
