"""Batches on a cluster while gateways and nodes end: two gateways with one database, RabbitMQ and a node."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.cluster.lab import wait_for
from tests.gateway.conftest import Gateway, StartGateway
from tests.gateway.runs.client import find_batch, read_events
from tests.gateway.runs.conftest import Place, draw_pictures, run_cluster, start_node
from tests.servers.postgresql import PostgresServer
from tests.servers.program import uses

pytestmark = [*uses("batches"), pytest.mark.slow, pytest.mark.timeout(180)]

COUNT = 300

TRACE = "0af7651916cd43dd8448eb211c80319c"


@pytest.fixture
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    """A cluster with one node, and many pictures."""
    draw_pictures(tmp_path / "in/many", COUNT, (1200, 900))
    servers = (request.getfixturevalue(name) for name in ("rabbitmq", "postgresql"))
    with run_cluster(tmp_path, *servers, "--lease", "6s") as place:
        yield place


def options(place: Place) -> list[str]:
    cluster = place.settings.cluster
    assert cluster is not None
    return [
        *("--root", f"photos={place.folder}/in", "--destination", f"web={place.folder}/out"),
        *("--cluster", cluster.broker, "--ledger", cluster.ledger, "--unsigned", "--workers", "1"),
    ]


def start_run(gateway: Gateway, place: Place) -> str:
    """Start a run, and return its identifier once it has made an output."""
    body = {"sources": ["photos/many"], "destination": "web", "recipe": {"renditions": [{"width": 40}]}}
    headers = {"Idempotency-Key": '"one"', "traceparent": f"00-{TRACE}-b7ad6b7169203331-01"}
    response = gateway.client.post("/v1/runs", json=body, headers=headers)
    assert (response.status_code, response.json()["where"]) == (202, "cluster")
    wait_for(place.outputs, "an output")
    run: str = response.json()["id"]
    return run


def read_first_events(gateway: Gateway, run: str, count: int) -> list[int]:
    """Return the numbers of the first events, and hang up."""
    numbers: list[int] = []
    with gateway.client.stream("GET", f"/v1/runs/{run}/events") as response:
        for line in response.iter_lines():
            if line.startswith("id: "):
                numbers.append(int(line.removeprefix("id: ")))
            if len(numbers) == count:
                break
    return numbers


def check_end(gateway: Gateway, place: Place, run: str, known: list[int]) -> Any:
    """Check that a listener has the rest of the events, and that all outputs were made; return the run."""
    events = read_events(gateway, run, str(known[-1]))
    assert known + [number for number, *_ in events] == list(range(1, events[-1][0] + 1))
    ended = gateway.client.get(f"/v1/runs/{run}").json()
    assert (ended["state"], ended["exit_code"], ended["progress"]["failed"]) == ("succeeded", 0, 0)
    assert len(place.outputs()) == COUNT
    assert not list((place.folder / "out/.forkresize").rglob("runs/*"))
    return ended


def test_another_gateway_follows_a_run_whose_gateway_was_stopped(place: Place, start_gateway: StartGateway) -> None:
    first, second = start_gateway(*options(place)), start_gateway(*options(place))
    run = start_run(first, place)
    known = read_first_events(first, run, 3)
    batch = find_batch(first)
    assert second.client.get(f"/v1/runs/{run}").json()["state"] == "running"
    assert first.stop() == 0
    wait_for(lambda: not Path(f"/proc/{batch}").exists(), "the process of the run has ended")
    check_end(second, place, run, known)
    # The key is known to all gateways.
    body = {"sources": ["photos/many"], "destination": "web", "recipe": {"renditions": [{"width": 40}]}}
    again = second.client.post("/v1/runs", json=body, headers={"Idempotency-Key": "one"})
    assert again.json()["id"] == run


def test_a_run_goes_on_when_its_gateway_and_a_node_are_killed(place: Place, start_gateway: StartGateway) -> None:
    first, second = start_gateway(*options(place)), start_gateway(*options(place))
    run = start_run(first, place)
    known = read_first_events(second, run, 3)
    batch = find_batch(first)
    first.process.kill()
    first.process.wait()
    wait_for(lambda: not Path(f"/proc/{batch}").exists(), "the process of the run has ended")
    place.node.kill()
    cluster = place.settings.cluster
    assert cluster is not None
    node = start_node(place.folder, cluster.broker, cluster.ledger, "--lease", "6s")
    try:
        check_end(second, place, run, known)
    finally:
        node.kill()


def test_a_run_is_cancelled_through_another_gateway(place: Place, start_gateway: StartGateway) -> None:
    first, second = start_gateway(*options(place)), start_gateway(*options(place))
    checks = second.client.get("/readyz").json()["checks"]
    assert {name: check["status"] for name, check in checks.items()} == dict.fromkeys(
        ("pool", "store", "database", "broker"), "ok"
    )
    run = start_run(first, place)
    assert second.client.delete(f"/v1/runs/{run}").json()["cancelling"]
    events = read_events(second, run)
    states = [data["state"] for _, kind, data in events if kind == "state"]
    assert states == ["queued", "running", "running", "cancelled"]
    assert first.client.get(f"/v1/runs/{run}").json()["state"] == "cancelled"
    assert 0 < len(place.outputs()) < COUNT
    assert place.settings.cluster is not None
    with psycopg.connect(place.settings.cluster.ledger) as connection:
        ((trace,),) = connection.execute("SELECT traceparent FROM forkresize.batch").fetchall()
    assert trace.startswith(f"00-{TRACE}-")


def test_a_run_outlives_a_restart_of_the_database(
    place: Place, start_gateway: StartGateway, postgresql: PostgresServer
) -> None:
    gateway = start_gateway(*options(place))
    run = start_run(gateway, place)
    known = read_first_events(gateway, run, 3)
    postgresql.stop()
    response = gateway.client.get(f"/v1/runs/{run}")
    assert (response.status_code, response.headers["retry-after"]) == (503, "5")
    assert "postgresql" not in response.text
    postgresql.start()
    wait_for(lambda: gateway.client.get(f"/v1/runs/{run}").status_code == 200, "the database is back")
    check_end(gateway, place, run, known)
