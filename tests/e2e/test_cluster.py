"""The installed commands on a cluster: real servers, two nodes, and the command as their client."""

import json
import os
import signal
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks.chaos_cluster import run_round
from benchmarks.cluster_world import BUCKET, Broker, World, wait_until
from tests.servers.postgresql import PostgresServer
from tests.servers.s3 import S3Server

pytestmark = [pytest.mark.slow, pytest.mark.server, pytest.mark.xdist_group("cluster"), pytest.mark.timeout(300)]

SOURCES = 60
_DEADLINE = 120


@pytest.fixture(scope="module", params=["rabbitmq", "redis"])
def broker(request: pytest.FixtureRequest) -> Broker:
    """Each broker."""
    server: Broker = request.getfixturevalue(request.param)
    return server


@pytest.fixture(scope="module")
def world(
    broker: Broker, postgresql: PostgresServer, ministack: S3Server, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[World]:
    """A cluster with two nodes, and pictures in a bucket."""
    with World(tmp_path_factory.mktemp("cluster"), postgresql, broker, ministack) as world:
        world.draw_sources(SOURCES, seed=1)
        for name in ("node-a", "node-b"):
            world.start_node(name)
        yield world


@pytest.fixture(scope="module")
def expected(world: World) -> dict[str, str]:
    """The outputs of a run on one machine, and their ETags."""
    assert world.run_plain(f"s3://{BUCKET}/calm", "--no-ledger")["written"] == 2 * SOURCES
    return _outputs(world, "calm")


@pytest.fixture
def prefix(request: pytest.FixtureRequest, broker: Broker) -> str:
    """A destination of its own for each test."""
    return f"{request.node.originalname}-{type(broker).__name__}"


def _outputs(world: World, prefix: str) -> dict[str, str]:
    return {key: tag for key, tag in world.list_objects(prefix).items() if not key.startswith(".forkresize/")}


def _left(world: World, prefix: str) -> list[str]:
    return [key for key in world.list_objects(prefix) if key.startswith(".forkresize/")]


def test_two_nodes_make_what_one_machine_makes(
    world: World, expected: dict[str, str], prefix: str, tmp_path: Path
) -> None:
    report = tmp_path / "report.jsonl"
    assert world.start_command(f"s3://{BUCKET}/{prefix}", "--report", str(report)).wait(_DEADLINE) == 0
    summary = world.read_summary()
    assert (summary["written"], summary["failed"], summary["workers"]) == (2 * SOURCES, 0, 2)
    assert _outputs(world, prefix) == expected
    assert _left(world, prefix) == []
    records = [json.loads(line) for line in report.read_text().splitlines()]
    assert len({record["destination"] for record in records}) == len(records) == 2 * SOURCES
    # A node that begins late may find nothing left.
    assert {str(record["worker"]).partition(".")[0] for record in records} <= {"node-a", "node-b"}
    assert world.start_command(f"s3://{BUCKET}/{prefix}").wait(_DEADLINE) == 0
    assert world.read_summary()["unchanged"] == 2 * SOURCES


def test_a_detached_run_is_followed_to_its_end(world: World, expected: dict[str, str], prefix: str) -> None:
    detached = world.start_program("forkresize", *_arguments(world, prefix), "--detach")
    assert detached.wait(_DEADLINE) == 0
    number = (world.folder / "forkresize.out").read_text().strip()
    following = world.start_program("forkresize", "--attach", number, "--ledger", world.ledger, "--json")
    assert following.wait(_DEADLINE) == 0
    summary = json.loads((world.folder / "forkresize.out").read_text())
    assert (summary["written"], summary["exit_code"]) == (2 * SOURCES, 0)
    assert _outputs(world, prefix) == expected
    assert _left(world, prefix) == []


def test_a_run_without_the_cluster_notices_a_detached_one(world: World, prefix: str) -> None:
    for node in world.nodes.values():
        os.killpg(node.pid, signal.SIGSTOP)
    try:
        assert world.start_program("forkresize", *_arguments(world, prefix), "--detach").wait(_DEADLINE) == 0
        number = (world.folder / "forkresize.out").read_text().strip()
        with pytest.raises(
            RuntimeError, match=rf"ended with 75: (?s:.)*run {number} of the cluster(?s:.)*--attach {number}"
        ):
            world.run_plain(f"s3://{BUCKET}/{prefix}", "--ledger", world.ledger)
    finally:
        for node in world.nodes.values():
            os.killpg(node.pid, signal.SIGCONT)
    # It waits for the nodes.
    summary = world.run_plain(f"s3://{BUCKET}/{prefix}", "--ledger", world.ledger, "--lock-wait", "2m")
    assert (summary["written"], summary["unchanged"]) == (0, 2 * SOURCES)
    assert world.start_program("forkresize", "--attach", number, "--ledger", world.ledger).wait(_DEADLINE) == 0
    assert _left(world, prefix) == []


def _arguments(world: World, prefix: str) -> list[str]:
    return [f"s3://{BUCKET}/in", f"s3://{BUCKET}/{prefix}", "--width", "24,48", *world.cluster]


def test_a_signal_cancels_what_no_node_has_started_and_the_next_run_continues(
    world: World, expected: dict[str, str], prefix: str
) -> None:
    command = world.start_command(f"s3://{BUCKET}/{prefix}")
    wait_until(lambda: world.has_outputs(prefix) or command.poll() is not None, _DEADLINE, "output")
    command.send_signal(signal.SIGINT)
    code = command.wait(_DEADLINE)
    first = world.read_summary()
    assert code in {128 + signal.SIGINT, 0}
    assert first["written"] == len(_outputs(world, prefix))
    assert _left(world, prefix) == []
    assert world.start_command(f"s3://{BUCKET}/{prefix}").wait(_DEADLINE) == 0
    second = world.read_summary()
    assert (second["written"], second["unchanged"]) == (2 * SOURCES - first["written"], first["written"])
    assert _outputs(world, prefix) == expected


def test_a_killed_command_is_continued_by_the_next_one(world: World, expected: dict[str, str], prefix: str) -> None:
    command = world.start_command(f"s3://{BUCKET}/{prefix}")
    wait_until(lambda: world.has_outputs(prefix) or command.poll() is not None, _DEADLINE, "output")
    command.kill()
    command.wait(_DEADLINE)
    world.shorten_lock(prefix, 1)
    assert world.start_command(f"s3://{BUCKET}/{prefix}").wait(_DEADLINE) == 0
    summary = world.read_summary()
    assert summary["written"] + summary["unchanged"] == 2 * SOURCES
    assert _outputs(world, prefix) == expected
    assert _left(world, prefix) == []


def test_the_work_of_a_killed_node_is_done_by_another_one(
    world: World, expected: dict[str, str], prefix: str, tmp_path: Path
) -> None:
    report = tmp_path / "report.jsonl"
    command = world.start_command(f"s3://{BUCKET}/{prefix}", "--report", str(report))
    wait_until(lambda: world.has_outputs(prefix) or command.poll() is not None, _DEADLINE, "output")
    os.killpg(world.nodes["node-a"].pid, signal.SIGKILL)
    code = command.wait(_DEADLINE)
    world.nodes["node-a"].wait(_DEADLINE)
    world.start_node("node-a")
    assert code == 0
    sources = Counter(json.loads(line)["destination"] for line in report.read_text().splitlines())
    assert set(sources.values()) == {1}
    assert len(sources) == 2 * SOURCES
    assert _outputs(world, prefix) == expected


def test_a_run_without_a_terminal_says_that_no_node_is_there(
    world: World, postgresql: PostgresServer, prefix: str
) -> None:
    cluster = ["--cluster", world.broker.url, "--ledger", postgresql.new_database()]
    run = world.start_program("forkresize", f"s3://{BUCKET}/in", f"s3://{BUCKET}/{prefix}", "--width", "24", *cluster)
    log = world.folder / "forkresize.log"
    wait_until(lambda: "forkresize: no node of the cluster is connected" in log.read_text(), _DEADLINE, "remark")
    run.send_signal(signal.SIGTERM)
    assert run.wait(_DEADLINE) == 128 + signal.SIGTERM


def test_a_restart_of_all_nodes_during_a_run_loses_and_fails_nothing(
    world: World, expected: dict[str, str], prefix: str
) -> None:
    command = world.start_command(f"s3://{BUCKET}/{prefix}")
    wait_until(lambda: world.has_outputs(prefix) or command.poll() is not None, _DEADLINE, "output")
    nodes = [world.nodes.pop(name) for name in ("node-a", "node-b")]
    for node in nodes:
        node.send_signal(signal.SIGTERM)
    assert [node.wait(_DEADLINE) for node in nodes] == [0, 0]
    for name in ("node-a", "node-b"):
        world.start_node(name)
    assert command.wait(_DEADLINE) == 0
    summary = world.read_summary()
    assert (summary["written"], summary["failed"], summary["workers_lost"]) == (2 * SOURCES, 0, 0)
    assert _outputs(world, prefix) == expected
    assert _left(world, prefix) == []


def test_a_run_survives_a_monkey(world: World, expected: dict[str, str], broker: Broker) -> None:
    done, faults = run_round(world, seed=len(type(broker).__name__), times=5, expected=expected, pause=0.5)
    assert faults == [], f"after {dict(done)}; see the logs in {world.folder}"
