"""The routes of batches, on a gateway that runs as an installed command."""

import json
import os
import signal
import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.cluster.lab import wait_for
from tests.gateway.conftest import DEADLINE, Gateway, StartGateway, run_gateway
from tests.gateway.runs.conftest import draw_pictures

pytestmark = pytest.mark.slow

SMALL = {"renditions": [{"width": 40}]}


def options(folder: Path) -> list[str]:
    return [
        *("--root", f"photos={folder}/in", "--destination", f"web={folder}/out", "--state-dir", f"{folder}/state"),
        *("--unsigned", "--workers", "1", "--batch-workers", "1"),
    ]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Pictures, and some that are damaged."""
    folder = tmp_path_factory.mktemp("batches")
    draw_pictures(folder / "in/good", 5)
    draw_pictures(folder / "in/bad", 3)
    for path in (folder / "in/bad").iterdir():
        path.write_bytes(path.read_bytes()[:200])
    return folder


@pytest.fixture(scope="module")
def gateway(folder: Path) -> Iterator[Gateway]:
    """A gateway that does batches."""
    with run_gateway(*options(folder)) as found:
        yield found


def submit(gateway: Gateway, destination: str, source: str = "photos/good", **headers: str) -> Any:
    body = {"sources": [source], "destination": destination, "recipe": SMALL}
    return gateway.client.post("/v1/runs", json=body, headers=headers)


def read_events(gateway: Gateway, run: str, last: str | None = None) -> list[tuple[int, str, Any]]:
    """Return the events of a stream until it ends: number, kind and data."""
    headers = {} if last is None else {"Last-Event-ID": last}
    response = gateway.client.get(f"/v1/runs/{run}/events", headers=headers)
    assert response.status_code == 200, response.text
    assert response.headers["content-type"].startswith("text/event-stream")
    blocks = (
        dict(line.split(": ", 1) for line in block.splitlines()) for block in response.text.split("\n\n") if block
    )
    return [(int(each["id"]), each["event"], json.loads(each["data"])) for each in blocks if "id" in each]


def wait_for_end(gateway: Gateway, run: str) -> Any:
    read_events(gateway, run)
    return gateway.client.get(f"/v1/runs/{run}").json()


def test_a_run_is_accepted_followed_and_found(gateway: Gateway, folder: Path) -> None:
    response = submit(gateway, "web/first")
    run = response.json()
    assert (response.status_code, response.headers["location"]) == (202, f"/v1/runs/{run['id']}")
    assert (run["state"], run["where"], run["request"]["destination"]) == ("queued", "here", "web/first")
    events = read_events(gateway, run["id"])
    assert [number for number, *_ in events] == list(range(1, len(events) + 1))
    assert [data["state"] for _, kind, data in events if kind == "state"] == ["queued", "running", "succeeded"]
    ended = gateway.client.get(run["links"]["self"]).json()
    assert (ended["state"], ended["exit_code"], ended["error"]) == ("succeeded", 0, None)
    assert ended["progress"]["written"] == 5
    assert ended["created"] <= ended["started"] <= ended["ended"]
    assert len(list((folder / "out/first").glob("*.jpg"))) == 5
    assert gateway.client.get("/v1/runs?limit=1&state=succeeded").json()["runs"] == [ended]


def test_failures_are_read_page_by_page(gateway: Gateway) -> None:
    run = submit(gateway, "web/failures", "photos/bad").json()["id"]
    assert wait_for_end(gateway, run)["state"] == "failed"
    url, found = f"/v1/runs/{run}/failures?limit=2", []
    while url:
        page = gateway.client.get(url).json()
        found += page["failures"]
        url = page["next"]
    assert [each["number"] for each in found] == [1, 2, 3]
    assert {each["source"] for each in found} == {f"photos/bad/00{number}.jpg" for number in range(3)}
    assert {each["destination"] for each in found} == {f"web/failures/00{number}.jpg" for number in range(3)}
    assert {each["reason"] for each in found} == {"damaged or truncated"}


def test_runs_are_listed_page_by_page(gateway: Gateway) -> None:
    ids = [submit(gateway, f"web/page-{number}").json()["id"] for number in range(3)]
    first = gateway.client.get("/v1/runs?limit=2").json()
    assert [run["id"] for run in first["runs"]] == ids[:0:-1]
    second = gateway.client.get(first["next"]).json()
    assert second["runs"][0]["id"] == ids[0]
    wait_for_end(gateway, ids[-1])


def test_a_stream_continues_after_the_last_event(gateway: Gateway) -> None:
    run = submit(gateway, "web/stream").json()["id"]
    events = read_events(gateway, run)
    assert read_events(gateway, run, "2") == events[2:]
    # A browser connects again after the end of a stream, until it is answered with 204.
    response = gateway.client.get(f"/v1/runs/{run}/events", headers={"Last-Event-ID": str(events[-1][0])})
    assert (response.status_code, response.content) == (204, b"")


@pytest.mark.parametrize("last", ["x", "-1", "1.5", "99999999999999", "٣"])
def test_an_id_that_no_event_has_is_refused(gateway: Gateway, last: str) -> None:
    response = gateway.client.get(f"/v1/runs/{'0' * 32}/events", headers={b"Last-Event-ID": last.encode()})
    assert (response.status_code, response.json()["field"]) == (400, "Last-Event-ID")


def test_a_key_starts_one_run(gateway: Gateway) -> None:
    first = submit(gateway, "web/key", **{"Idempotency-Key": '"one"'})
    again = submit(gateway, "web/key", **{"Idempotency-Key": "one"})
    assert (again.status_code, again.headers["location"]) == (202, first.headers["location"])
    other = submit(gateway, "web/another", **{"Idempotency-Key": '"one"'})
    assert (other.status_code, other.json()["field"]) == (422, "Idempotency-Key")
    invalid = submit(gateway, "web/key", **{"Idempotency-Key": '"'})
    assert (invalid.status_code, invalid.json()["field"]) == (400, "Idempotency-Key")
    wait_for_end(gateway, first.json()["id"])


def test_many_requests_with_one_key_start_one_run(gateway: Gateway) -> None:
    with ThreadPoolExecutor(16) as threads:
        responses = list(threads.map(lambda _: submit(gateway, "web/race", **{"Idempotency-Key": "race"}), range(16)))
    assert {response.status_code for response in responses} <= {202, 409}
    runs = {response.json()["id"] for response in responses if response.status_code == 202}
    assert len(runs) == 1
    assert all("retry-after" in response.headers for response in responses if response.status_code == 409)
    wait_for_end(gateway, runs.pop())


@pytest.mark.parametrize(
    ("body", "status", "field"),
    [
        (b"{", 400, None),
        (b'{"sources": ["photos"]}', 400, None),
        (b'{"sources": ["https://example.com/a.jpg"], "destination": "web", "recipe": {}}', 400, "recipe"),
        (
            b'{"sources": ["s3://other"], "destination": "web", "recipe": {"renditions": [{"width": 1}]}}',
            400,
            "sources",
        ),
        (
            b'{"sources": ["photos"], "destination": "photos", "recipe": {"renditions": [{"width": 1}]}}',
            400,
            "destination",
        ),
        (b'{"sources": ["photos"], "destination": "web", "preset": "none"}', 400, "preset"),
        (b" " * 300_000, 413, None),
    ],
)
def test_a_bad_request_is_a_problem(gateway: Gateway, body: bytes, status: int, field: str | None) -> None:
    response = gateway.client.post("/v1/runs", content=body, headers={"Content-Type": "application/json"})
    assert (response.status_code, response.headers["content-type"]) == (status, "application/problem+json")
    assert response.json().get("field") == field
    assert response.headers["cache-control"] == "no-store"


@pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded", ""])
def test_a_form_of_another_site_starts_nothing(gateway: Gateway, content_type: str) -> None:
    body = json.dumps({"sources": ["photos"], "destination": "web/csrf", "recipe": SMALL}).encode()
    response = gateway.client.post("/v1/runs", content=body, headers={"Content-Type": content_type})
    assert response.status_code == 415


@pytest.mark.parametrize("query", ["limit=0", "limit=501", "state=unknown", "before=x", "other=1", "limit=1&limit=2"])
def test_a_bad_query_is_a_problem(gateway: Gateway, query: str) -> None:
    response = gateway.client.get(f"/v1/runs?{query}")
    assert (response.status_code, response.headers["content-type"]) == (400, "application/problem+json")


@pytest.mark.parametrize("path", ["", "/events", "/failures"])
def test_a_run_that_is_unknown_is_not_found(gateway: Gateway, path: str) -> None:
    assert gateway.client.get(f"/v1/runs/{'0' * 32}{path}").status_code == 404
    assert gateway.client.get(f"/v1/runs/..%2f..%2fetc{path}").status_code == 404


@pytest.mark.parametrize(("path", "methods"), [("/v1/runs", "GET, HEAD, POST"), ("/v1/runs/x", "DELETE, GET, HEAD")])
def test_a_method_that_a_path_lacks_is_answered_with_those_that_it_has(
    gateway: Gateway, path: str, methods: str
) -> None:
    response = gateway.client.put(path)
    assert (response.status_code, response.headers["allow"]) == (405, methods)


def test_a_run_is_cancelled_and_stays(gateway: Gateway) -> None:
    working = submit(gateway, "web/work").json()["id"]
    waiting = submit(gateway, "web/wait").json()["id"]
    for _ in range(2):
        response = gateway.client.delete(f"/v1/runs/{waiting}")
        assert (response.status_code, response.json()["state"]) == (202, "cancelled")
    wait_for_end(gateway, working)
    assert gateway.client.delete(f"/v1/runs/{working}").json()["state"] == "succeeded"
    assert gateway.client.delete(f"/v1/runs/{'0' * 32}").status_code == 404


def test_a_gateway_without_a_destination_does_no_batches(start_gateway: StartGateway, folder: Path) -> None:
    plain = start_gateway("--root", f"photos={folder}/in", "--unsigned", "--workers", "1")
    assert submit(plain, "web").status_code == 404


class Stream:
    """A listener that reads as slowly as it likes."""

    def __init__(self, gateway: Gateway, run: str) -> None:
        address = urlsplit(gateway.url)
        self.socket = socket.create_connection((address.hostname or "", address.port or 0), timeout=DEADLINE)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        self.socket.sendall(
            f"GET /v1/runs/{run}/events HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode()
        )

    def read_all(self) -> bytes:
        data = b""
        with self.socket:
            while piece := self.socket.recv(1 << 16):
                data += piece
        return data


@pytest.fixture
def busy(tmp_path: Path, start_gateway: StartGateway) -> tuple[Gateway, Path]:
    """A gateway, and many pictures."""
    draw_pictures(tmp_path / "in", 400, (1200, 900))
    return start_gateway(*options(tmp_path)), tmp_path


def start_busy(gateway: Gateway, folder: Path) -> str:
    """Start a run, and return its identifier once it has made an output."""
    run: str = submit(gateway, "web", "photos").json()["id"]
    wait_for(lambda: list(folder.glob("out/*.jpg")), "an output")
    return run


def find_batch(gateway: Gateway) -> int:
    """Return the id of the process of a batch."""
    children = Path(f"/proc/{gateway.process.pid}/task").glob("*/children")
    for child in (int(text) for path in children for text in path.read_text().split()):
        if b"batch_process" in Path(f"/proc/{child}/cmdline").read_bytes():
            return child
    raise AssertionError("no batch is at work")


def test_sigterm_ends_streams_and_interrupts_the_run_with_all_outputs_whole(
    busy: tuple[Gateway, Path], start_gateway: StartGateway
) -> None:
    gateway, folder = busy
    run = start_busy(gateway, folder)
    later = submit(gateway, "web/later", "photos").json()["id"]
    stream = Stream(gateway, run)
    wait_for(lambda: stream.socket.recv(4096), "the first events")
    began = time.monotonic()
    assert gateway.stop() == 0
    assert time.monotonic() - began < 20
    stream.read_all()
    again = start_gateway(*options(folder))
    found = again.client.get(f"/v1/runs/{run}").json()
    assert found["state"] == "interrupted"
    assert "the same request continues the run" in found["error"]
    assert found["progress"]["written"] == len(list(folder.glob("out/*.jpg")))
    # What waited goes on.
    assert again.client.get(f"/v1/runs/{later}").json()["state"] in {"queued", "running", "succeeded"}
    again.client.delete(f"/v1/runs/{later}")
    wait_for_end(again, later)


def test_a_killed_gateway_ends_its_batch_and_the_next_one_shows_it_as_interrupted(
    busy: tuple[Gateway, Path], start_gateway: StartGateway
) -> None:
    gateway, folder = busy
    run = start_busy(gateway, folder)
    batch = find_batch(gateway)
    gateway.process.kill()
    gateway.process.wait()
    wait_for(lambda: not os.path.exists(f"/proc/{batch}"), "the batch has ended")
    assert not [path for path in folder.rglob("*") if "forkresize-" in path.name]
    again = start_gateway(*options(folder))
    assert again.client.get(f"/v1/runs/{run}").json()["state"] == "interrupted"
    # The lock of its destination is free, and what it made stays.
    made = len(list(folder.glob("out/*.jpg")))
    found = submit(again, "web", "photos").json()["id"]
    wait_for(lambda: again.client.get(f"/v1/runs/{found}").json()["progress"]["unchanged"] > 0, "known outputs")
    again.client.delete(f"/v1/runs/{found}")
    assert wait_for_end(again, found)["progress"]["unchanged"] <= made


def test_a_batch_that_crashes_does_not_take_the_gateway(busy: tuple[Gateway, Path]) -> None:
    gateway, folder = busy
    run = start_busy(gateway, folder)
    os.kill(find_batch(gateway), signal.SIGKILL)
    ended = wait_for_end(gateway, run)
    assert (ended["state"], ended["error"]) == ("failed", "the process of the run ended by SIGKILL")
    assert wait_for_end(gateway, submit(gateway, "web/2", "photos/000.jpg").json()["id"])["state"] == "succeeded"


def test_ctrl_c_is_for_the_gateway_and_a_batch_has_low_priority(busy: tuple[Gateway, Path]) -> None:
    gateway, folder = busy
    start_busy(gateway, folder)
    batch = find_batch(gateway)
    # A terminal sends SIGINT to the group of the command in the foreground.
    assert os.getsid(batch) == batch
    assert os.getpriority(os.PRIO_PROCESS, batch) == 10
    assert gateway.stop(signal.SIGINT) == 0


def test_only_so_many_runs_wait(busy: tuple[Gateway, Path]) -> None:
    gateway, folder = busy
    start_busy(gateway, folder)
    batch = find_batch(gateway)
    os.kill(batch, signal.SIGSTOP)
    try:
        for number in range(100):
            assert submit(gateway, f"web/{number}").status_code == 202
        response = submit(gateway, "web/more")
        assert (response.status_code, response.headers["retry-after"]) == (503, "30")
        assert len(gateway.client.get("/v1/runs?state=queued&limit=200").json()["runs"]) == 100
    finally:
        os.kill(batch, signal.SIGCONT)


def test_a_listener_that_does_not_read_delays_no_other(gateway: Gateway) -> None:
    run = submit(gateway, "web/slow", "photos/bad").json()["id"]
    slow = [Stream(gateway, run) for _ in range(20)]
    events = read_events(gateway, run)
    received = [stream.read_all() for stream in slow]
    assert all(data.count(b"\nid: ") == len(events) for data in received)


def test_a_state_directory_belongs_to_one_gateway(gateway: Gateway, folder: Path) -> None:
    message = "another gateway uses the state directory"
    with pytest.raises(AssertionError, match=message), run_gateway(*options(folder)):
        raise NotImplementedError
    assert gateway.client.get("/v1/runs").status_code == 200
