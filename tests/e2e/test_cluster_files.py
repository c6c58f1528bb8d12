"""The installed commands on a cluster whose pictures are in directories that all machines share."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from benchmarks.cluster_world import wait_until
from tests.protocols import Draw
from tests.servers.postgresql import PostgresServer
from tests.servers.program import uses

pytestmark = [pytest.mark.slow, *uses("redis"), pytest.mark.timeout(240)]

PROGRAMS = Path(sys.executable).parent
SOURCES = 24
_DEADLINE = 90


class Files:
    """A node that may use two directories, and the command as its client."""

    def __init__(self, folder: Path, broker: str, ledger: str) -> None:
        self.folder = folder
        self.sources = ["in ä"]
        self.cluster = ["--cluster", broker, "--ledger", ledger]
        self._nodes: list[subprocess.Popen[bytes]] = []

    def start_node(self) -> "subprocess.Popen[bytes]":
        allowed = [part for name in ("in ä", "out") for part in ("--allow", (self.folder / name).as_uri())]
        log = self.folder / f"node-{len(self._nodes)}.log"
        with log.open("wb") as output:
            node = subprocess.Popen(
                [PROGRAMS / "forkresized", "node", "-j", "1", *self.cluster, *allowed],
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        self._nodes.append(node)
        wait_until(lambda: " is ready" in log.read_text(), _DEADLINE, f"node that is ready: {log.read_text()}")
        return node

    def run(self, destination: str, *options: str) -> dict[str, Any]:
        """Run the command in the folder, and return its summary."""
        command = [str(PROGRAMS / "forkresize"), *self.sources, destination, "--width", "24,48", "--json", *options]
        done = subprocess.run(command, cwd=self.folder, capture_output=True, text=True, timeout=_DEADLINE, check=False)
        assert done.returncode == 0, done.stderr
        summary: dict[str, Any] = json.loads(done.stdout)
        return summary

    def files(self, name: str) -> dict[str, bytes]:
        """Return all files below a directory but those of the ledger and the lock, by their relative paths."""
        root = self.folder / name
        found = {str(path.relative_to(root)): path for path in root.rglob("*") if path.is_file()}
        return {key: path.read_bytes() for key, path in found.items() if not key.startswith(".forkresize/")}

    def close(self) -> None:
        for node in self._nodes:
            os.killpg(node.pid, signal.SIGKILL)
            node.wait()


@pytest.fixture
def files(redis: Any, postgresql: PostgresServer, tmp_path: Path, draw: Draw) -> Iterator[Files]:
    for number in range(SOURCES):
        draw(tmp_path / f"in ä/{number % 3}/{number:02}.jpg", size=(160, 120), seed=number)
    files = Files(tmp_path, redis.url, postgresql.new_database())
    yield files
    files.close()


def test_directories_that_all_nodes_have_work_as_on_one_machine(files: Files) -> None:
    assert files.run("calm", "--no-ledger")["written"] == 2 * SOURCES
    files.start_node()
    first = files.run("out", *files.cluster)
    assert (first["written"], first["failed"]) == (2 * SOURCES, 0)
    assert files.files("out") == files.files("calm")
    assert not list((files.folder / "out/.forkresize").glob("runs/*/*"))
    again = files.run(str(files.folder / "out"), *files.cluster)
    assert (again["written"], again["unchanged"]) == (0, 2 * SOURCES)
    # The same records serve a run without the cluster, and the other way round.
    alone = files.run("out", *files.cluster[2:])
    assert (alone["written"], alone["unchanged"]) == (0, 2 * SOURCES)
    (files.folder / "in ä/0/00.jpg").unlink()
    pruned = files.run("out", "--prune", *files.cluster)
    assert (pruned["pruned"], pruned["unchanged"]) == (2, 2 * SOURCES - 2)


def test_files_that_are_named_one_by_one_are_read_by_nodes(files: Files) -> None:
    files.sources = ["in ä/0/00.jpg", "in ä/1"]
    expected = files.run("calm", "--no-ledger")
    files.start_node()
    found = files.run("out", *files.cluster)
    assert (found["written"], found["failed"]) == (expected["written"], 0)
    assert files.files("out") == files.files("calm")
