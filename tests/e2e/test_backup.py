"""The documented backups of a ledger, taken during a run: after they are restored, nothing is lost or made twice."""

import json
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from benchmarks.chaos_cluster import find_faults
from benchmarks.cluster_world import BUCKET, World, draw_patches, wait_until
from tests.servers.postgresql import PostgresServer
from tests.servers.program import find_program
from tests.servers.redis import RedisServer
from tests.servers.s3 import S3Server

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

SOURCES = 40
COMMAND = (str(Path(sys.executable).parent / "forkresize"), "in", "out", "--width", "40", "--json")
_DEADLINE = 120
_BETWEEN_RUNS = 3.0


def run(folder: Path) -> dict[str, int]:
    """Return the summary of a run that succeeds."""
    done = subprocess.run(COMMAND, cwd=folder, capture_output=True, text=True, timeout=_DEADLINE, check=False)
    assert done.returncode == 0, done.stderr
    summary: dict[str, int] = json.loads(done.stdout)
    return summary


def read_outputs(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in (folder / "out").glob("*.jpg")}


def draw(folder: Path, first: int, count: int) -> None:
    for number in range(first, first + count):
        data = draw_patches(random.Random(number), (1600, 1200))  # noqa: S311 -- seeded on purpose.
        (folder / f"in/{number:03}.jpg").write_bytes(data)


def test_a_copy_of_an_sqlite_ledger_that_is_in_use_can_be_restored(tmp_path: Path) -> None:
    ledger = tmp_path / "out/.forkresize/ledger.db"
    (tmp_path / "in").mkdir()
    draw(tmp_path, 0, SOURCES)
    assert run(tmp_path)["written"] == SOURCES
    draw(tmp_path, SOURCES, SOURCES)
    # Outputs that are made within two seconds of a run count as its own, as long as it has not ended.
    made = max(path.stat().st_ctime for path in (tmp_path / "out").glob("*.jpg"))
    wait_until(lambda: time.time() > made + _BETWEEN_RUNS, _DEADLINE, "the time between two runs")
    with subprocess.Popen([*COMMAND, "-j", "1"], cwd=tmp_path, stdout=subprocess.DEVNULL) as command:
        out = tmp_path / "out"
        wait_until(lambda: len(list(out.glob("*.jpg"))) > SOURCES, _DEADLINE, "output of the second run")
        command.send_signal(signal.SIGSTOP)
        with closing(sqlite3.connect(ledger)) as connection:
            connection.execute("VACUUM INTO ?", (str(tmp_path / "backup.db"),))
        assert command.poll() is None
        command.send_signal(signal.SIGCONT)
    outputs = read_outputs(tmp_path)
    assert len(outputs) == 2 * SOURCES
    for path in ledger.parent.glob("ledger.db*"):
        path.unlink()
    shutil.copy(tmp_path / "backup.db", ledger)
    again = run(tmp_path)
    # What the interrupted run had not recorded at the time of the backup is made again.
    assert again["unchanged"] >= SOURCES
    assert (again["written"] + again["unchanged"], again["failed"]) == (2 * SOURCES, 0)
    assert read_outputs(tmp_path) == outputs
    assert run(tmp_path)["unchanged"] == 2 * SOURCES


def test_without_its_ledger_a_run_keeps_outputs_that_are_newer_than_their_sources(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    draw(tmp_path, 0, 4)
    run(tmp_path)
    shutil.rmtree(tmp_path / "out/.forkresize")
    os.utime(tmp_path / "in/000.jpg")
    (tmp_path / "out/001.jpg").unlink()
    assert (run(tmp_path)["written"], run(tmp_path)["unchanged"]) == (2, 4)


@pytest.fixture
def world(redis: RedisServer, postgresql: PostgresServer, ministack: S3Server, tmp_path: Path) -> Iterator[World]:
    """A cluster with two nodes, and pictures in a bucket."""
    with World(tmp_path, postgresql, redis, ministack) as world:
        world.draw_sources(SOURCES, seed=1, size=(800, 600))
        yield world


@pytest.mark.server
@pytest.mark.xdist_group("cluster")
def test_a_dump_of_a_database_in_use_can_be_restored(world: World, postgresql: PostgresServer) -> None:
    destination = f"s3://{BUCKET}/backup"
    dump = world.folder / "forkresize.dump"
    for name in ("a", "b"):
        world.start_ready_node(name)
    command = world.start_command(destination)
    wait_until(lambda: world.query("SELECT FROM forkresize.chunk WHERE state = 'done'"), _DEADLINE, "finished chunk")
    copy("pg_dump", "--format=custom", "--schema=forkresize", f"--file={dump}", world.ledger)
    assert command.wait(_DEADLINE) == 0
    expected = world.list_objects("backup")
    assert len(expected) == 2 * SOURCES

    for node in world.nodes.values():
        os.killpg(node.pid, signal.SIGKILL)
        node.wait()
    world.ledger = postgresql.new_database()
    copy("pg_restore", "--no-owner", "--exit-on-error", f"--dbname={world.ledger}", str(dump))
    ((recorded,),) = world.query("SELECT count(*) FROM forkresize.output")
    assert recorded > 0
    world.start_ready_node("c")
    assert world.start_command(destination).wait(_DEADLINE) == 0
    assert world.read_summary()["unchanged"] >= recorded
    assert list(find_faults(world, "backup", 0, expected)) == []
    assert world.start_command(destination).wait(_DEADLINE) == 0
    assert world.read_summary()["unchanged"] == 2 * SOURCES


def copy(program: str, *arguments: str) -> None:
    """Run a program of PostgreSQL."""
    subprocess.run([find_program(program, "postgresql-client"), *arguments], check=True, timeout=_DEADLINE)
