"""The routes of batches, on a gateway that runs as an installed command."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest
from msgspec.structs import fields

from forkresize.daemon import gateway as gateway_command
from forkresize.gateway.runs.queries import MAX_NUMBER
from forkresize.gateway.runs.settings import RunsSettings
from tests.gateway.conftest import DEADLINE, Gateway, StartGateway, run_gateway
from tests.gateway.runs.client import SMALL, options, read_events, submit, wait_for_end
from tests.gateway.runs.conftest import draw_pictures

pytestmark = pytest.mark.slow


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


def test_a_stream_after_an_event_that_does_not_exist_yet_ends_with_its_run(gateway: Gateway) -> None:
    # The second one waits for the first.
    runs = [submit(gateway, f"web/future-{number}").json()["id"] for number in range(2)]
    _, kind, data = read_events(gateway, runs[1], str(MAX_NUMBER))[-1]
    assert (kind, data["state"]) == ("state", "succeeded")


def test_head_of_a_stream_does_not_listen(gateway: Gateway) -> None:
    runs = [submit(gateway, f"web/head-{number}").json()["id"] for number in range(2)]
    with httpx.Client(base_url=gateway.url, limits=httpx.Limits(max_connections=1), timeout=DEADLINE) as client:
        head = client.head(f"/v1/runs/{runs[1]}/events")
        # On the same connection, the next request waits until this one is over.
        state = client.get(f"/v1/runs/{runs[1]}").json()["state"]
    assert (head.status_code, head.headers["content-type"]) == (200, "text/event-stream; charset=utf-8")
    assert state in {"queued", "running"}
    for run in runs:
        wait_for_end(gateway, run)


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


def test_pictures_on_demand_get_far_more_of_a_processor_than_batches() -> None:
    (batches,) = (each.default for each in fields(RunsSettings) if each.name == "nice")
    # Linux gives a process 1.25 times as much for each step.
    assert batches - gateway_command._NICE >= 10  # noqa: SLF001  No program needs it.


def test_a_gateway_without_a_destination_does_no_batches(start_gateway: StartGateway, folder: Path) -> None:
    plain = start_gateway("--root", f"photos={folder}/in", "--unsigned", "--workers", "1")
    assert submit(plain, "web").status_code == 404


def test_a_state_directory_belongs_to_one_gateway(gateway: Gateway, folder: Path) -> None:
    message = "another gateway uses the state directory"
    with pytest.raises(AssertionError, match=message), run_gateway(*options(folder)):
        raise NotImplementedError
    assert gateway.client.get("/v1/runs").status_code == 200
