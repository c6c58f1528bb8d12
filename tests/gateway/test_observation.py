"""A gateway is seen from outside: its log, its metrics and its traces say the same of a request."""

import json
import re
import socket
import subprocess
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from forkresize.telemetry.metrics import PHASES
from tests.gateway.conftest import DEADLINE, Gateway, StartGateway
from tests.servers.otlp import TraceReceiver
from tests.servers.program import find_program

pytestmark = pytest.mark.slow

CALLER = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


def observed(start_gateway: StartGateway, photos: Path, *more: str) -> tuple[Gateway, str]:
    """Return a gateway with a log in JSON, and the URL of its metrics."""
    gateway = start_gateway(
        "--root", f"photos={photos}", "--unsigned", "--log-format", "json", "--metrics-port", "0", *more
    )
    (event,) = find_events(gateway, "metrics are at ")
    return gateway, event["event"].removeprefix("metrics are at ")


def find_events(gateway: Gateway, beginning: str) -> list[dict[str, Any]]:
    """Wait for events of the log; return them."""
    deadline = time.monotonic() + DEADLINE
    while True:
        events = [json.loads(line) for line in gateway.lines]
        if found := [event for event in events if event["event"].startswith(beginning)]:
            return found
        assert time.monotonic() < deadline, gateway.lines
        time.sleep(0.02)


def last_event(gateway: Gateway, number: int) -> dict[str, Any]:
    """Wait until so many requests are logged; return the last one."""
    deadline = time.monotonic() + DEADLINE
    while len(found := find_events(gateway, "request")) < number:
        assert time.monotonic() < deadline, gateway.lines
        time.sleep(0.02)
    return found[-1]


def read_metrics(url: str) -> dict[str, float]:
    """Return the samples at an address, by name and labels."""
    lines = [line for line in httpx.get(url).text.splitlines() if not line.startswith("#")]
    return {name: float(value) for name, _, value in (line.rpartition(" ") for line in lines)}


def wait_for_metric(url: str, name: str, value: float) -> dict[str, float]:
    """Wait until a sample has a value; return all of them."""
    deadline = time.monotonic() + DEADLINE
    while (samples := read_metrics(url)).get(name) != value:
        assert time.monotonic() < deadline, samples.get(name)
        time.sleep(0.05)
    return samples


def test_log_metrics_and_trace_of_a_request_agree(
    traces: TraceReceiver, photos: Path, start_gateway: StartGateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", traces.endpoint)
    monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "100")
    gateway, metrics = observed(start_gateway, photos)
    response = gateway.client.get("v1/roots", headers={"traceparent": CALLER})
    (event,) = find_events(gateway, "request")
    (span,) = traces.wait_for("GET /v1/roots")
    assert (span.trace, span.parent) == tuple(CALLER.split("-")[1:3])
    assert (span.kind, span.service, span.error) == ("server", "forkresize-gateway", None)
    assert span.attributes["http.response.status_code"] == event["status"] == response.status_code == 200
    assert (event["trace"], event["span"]) == (span.trace, span.span)
    assert (event["method"], event["route"], event["bytes"]) == ("GET", "/v1/roots", len(response.content))
    assert event["seconds"] == pytest.approx(span.ended - span.started, abs=1e-4)
    samples = read_metrics(metrics)
    assert samples['forkresize_gateway_requests_total{method="GET",route="/v1/roots",status="200"}'] == 1
    assert samples['forkresize_gateway_request_duration_seconds_sum{route="/v1/roots"}'] == pytest.approx(
        event["seconds"], abs=1e-5
    )
    assert samples['forkresize_gateway_response_bytes_total{route="/v1/roots"}'] == len(response.content)
    gateway.client.head("v1/roots")
    sent = wait_for_metric(
        metrics, 'forkresize_gateway_requests_total{method="HEAD",route="/v1/roots",status="200"}', 1
    )['forkresize_gateway_response_bytes_total{route="/v1/roots"}']
    assert sent == len(response.content)
    assert gateway.stop() == 0


def test_pictures_are_traced_with_their_phases_and_failures_always(
    traces: TraceReceiver, photos: Path, tmp_path: Path, start_gateway: StartGateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = (photos / "one.jpg").read_bytes()
    (tmp_path / "one.jpg").write_bytes(data)
    (tmp_path / "broken.jpg").write_bytes(data[:-500])
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", traces.endpoint)
    monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "100")
    monkeypatch.setenv("OTEL_TRACES_SAMPLER", "parentbased_traceidratio")
    monkeypatch.setenv("OTEL_TRACES_SAMPLER_ARG", "0")
    (tmp_path / "thumb.toml").write_text('[[renditions]]\nsize = "30x20"\nformat = "webp"\n')
    store = ["--preset", f"thumb={tmp_path / 'thumb.toml'}", "--store", str(tmp_path / "web")]
    gateway, metrics = observed(start_gateway, tmp_path, *store)
    picture, broken = (f"i/unsafe/rs:fit:100:0/plain/photos/{name}@webp" for name in ("one.jpg", "broken.jpg"))
    made = gateway.client.get(picture)
    assert made.status_code == 200
    assert gateway.client.get(picture, headers={"if-none-match": made.headers["etag"]}).status_code == 304
    assert gateway.client.get(picture, headers={"traceparent": CALLER}).status_code == 200
    assert gateway.client.get(broken).status_code == 422
    request, failed = traces.wait_for("GET /i/{signature}/{path:path}", 2)
    assert (failed.attributes["http.response.status_code"], failed.parent) == (422, "")
    assert [child.attributes["error.type"] for child in traces.below(failed)] == ["damaged or truncated"]
    (event,) = find_events(gateway, "picture failed")
    assert (event["source"], event["reason"], event["trace"]) == (
        "photos/broken.jpg",
        "damaged or truncated",
        failed.trace,
    )
    assert (request.trace, request.parent) == tuple(CALLER.split("-")[1:3])
    assert request.attributes["forkresize.source"] == "photos/one.jpg"
    (child,) = traces.below(request)
    phases = traces.below(child)
    assert [phase.name for phase in phases if phase.name != "queue"] == ["fetch", "decode", "resize", "encode"]
    assert all(request.started <= phase.started <= phase.ended <= request.ended for phase in phases)
    thumb = "i/unsafe/pr:thumb/plain/photos/one.jpg"
    first, second = (gateway.client.get(thumb, headers={"traceparent": CALLER}) for _ in range(2))
    assert (first.status_code, second.status_code) == (200, 200)
    (put,) = traces.wait_for("put")
    assert put.parent in {span.span for span in traces.wait_for("GET /i/{signature}/{path:path}", 4)}
    assert (put.trace, put.attributes["forkresize.bytes"]) == (request.trace, len(first.content))
    samples = wait_for_metric(metrics, 'forkresize_gateway_phase_duration_seconds_count{phase="put"}', 1)
    counts = {phase: samples[f'forkresize_gateway_phase_duration_seconds_count{{phase="{phase}"}}'] for phase in PHASES}
    assert counts == {"queue": 4, "fetch": 4, "decode": 3, "resize": 3, "encode": 3, "put": 1}
    assert samples['forkresize_gateway_answers_total{result="not_modified"}'] == 1
    assert samples['forkresize_gateway_answers_total{result="made"}'] == 4
    assert samples['forkresize_gateway_answers_total{result="stored"}'] == 1
    assert samples['forkresize_gateway_pictures_total{status="written"}'] == 3
    assert samples['forkresize_gateway_failures_total{reason="damaged or truncated"}'] == 1
    assert samples["forkresize_gateway_pool_workers"] >= 1
    wait_for_metric(metrics, "forkresize_gateway_derivatives_unrecorded", 0)
    wait_for_metric(metrics, "forkresize_gateway_ledger_lag_seconds", 0)


def test_what_requests_choose_is_neither_a_label_nor_logged_and_promtool_accepts_the_metrics(
    photos: Path, start_gateway: StartGateway
) -> None:
    promtool = find_program("promtool", "prometheus")
    gateway, metrics = observed(start_gateway, photos)
    before = set(read_metrics(metrics))
    for number in range(20):
        gateway.client.get(f"SECRET{number}?token=SECRET", headers={"authorization": "Bearer SECRET"})
        gateway.client.request("PROPFIND", "livez")
    labels = set(read_metrics(metrics)) - before
    assert {label for label in labels if "requests_total" in label} == {
        'forkresize_gateway_requests_total{method="GET",route="(none)",status="404"}',
        'forkresize_gateway_requests_total{method="OTHER",route="(none)",status="405"}',
    }
    assert len(labels) < 50
    text = httpx.get(metrics).text
    result = subprocess.run([promtool, "check", "metrics"], input=text, capture_output=True, text=True, check=False)
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")
    ours = re.findall(r"^# TYPE (forkresize_\w+) (\w+)", text, re.MULTILINE)
    assert len(ours) > 15
    assert all(kind != "counter" or name.endswith("_total") for name, kind in ours)
    assert len(find_events(gateway, "request")) > 0
    assert gateway.stop() == 0
    assert not [line for line in gateway.lines if "SECRET" in line]


def test_metrics_port_that_is_taken_is_an_error(photos: Path, start_gateway: StartGateway) -> None:
    _, metrics = observed(start_gateway, photos)
    port = metrics.split(":")[2].partition("/")[0]
    with pytest.raises(AssertionError, match=f"--metrics-port: cannot listen on 127.0.0.1:{port}: "):
        start_gateway("--root", f"photos={photos}", "--unsigned", "--metrics-port", port)


def test_metrics_are_not_among_what_is_served(gateway: Gateway) -> None:
    assert gateway.client.get("metrics").status_code == 404


def test_batches_are_traced_from_their_request_and_logged(
    traces: TraceReceiver, photos: Path, tmp_path: Path, start_gateway: StartGateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", traces.endpoint)
    monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "100")
    monkeypatch.setenv("OTEL_TRACES_SAMPLER", "always_on")
    places = [f"--destination=web={tmp_path / 'out'}", f"--state-dir={tmp_path / 'state'}", "--batch-workers=1"]
    gateway, metrics = observed(start_gateway, photos, *places)
    body = {"sources": ["photos"], "destination": "web/all", "recipe": {"renditions": [{"width": 40}]}}
    response = gateway.client.post("/v1/runs", json=body)
    assert response.status_code == 202, response.text
    identifier = response.json()["id"]
    (run,) = traces.wait_for("run")
    (request,) = traces.wait_for("POST /v1/runs")
    assert (run.trace, run.parent) == (request.trace, request.span)
    assert run.attributes["forkresize.run"] == request.attributes["forkresize.run"] == identifier
    assert len([span for span in traces.below(run) if span.name == "picture"]) == 3
    (started,), (ended,) = find_events(gateway, "run started"), find_events(gateway, "run ended")
    assert (started["run"], ended["run"], ended["state"]) == (identifier, identifier, "succeeded")
    samples = read_metrics(metrics)
    assert samples['forkresize_gateway_runs_ended_total{state="succeeded"}'] == 1
    assert samples["forkresize_gateway_runs_in_progress"] == 0


def test_a_refused_request_is_logged_by_its_field_without_values(photos: Path, start_gateway: StartGateway) -> None:
    gateway, _ = observed(start_gateway, photos)
    cases = (
        ("/i/unsafe/w:SECRET/plain/photos/one.jpg", "w"),
        ("/i/unsafe/pr:SECRET/plain/photos/one.jpg", "preset"),
        ("/i/unsafe/w:8/plain/photos/SECRET.jpg", "key"),
        ("/i/unsafe/w:8/plain/SECRET/one.jpg", "root"),
        (f"/i/unsafe/SECRET{'x' * 43}:1/plain/photos/one.jpg", None),
        ("/iiif/3/photos%2Fone.jpg/SECRET/max/0/default.jpg", "region"),
        ("/iiif/3/SECRET", "identifier"),
        ("/v1/roots/SECRET/keys", "root"),
        ("/v1/roots/photos/keys?limit=SECRET", "limit"),
        ("/v1/roots/photos/keys?limit=1&limit=SECRET", "limit"),
    )
    for number, (path, field) in enumerate(cases, 1):
        response = gateway.client.get(path)
        assert 400 <= response.status_code < 500
        event = last_event(gateway, number)
        assert (event["status"], event.get("field")) == (response.status_code, field), path
    host = gateway.client.get("/iiif/3/photos%2Fone.jpg/info.json", headers={"host": "SECRET/"})
    assert host.status_code == 400
    assert last_event(gateway, len(cases) + 1)["field"] == "host"
    assert gateway.stop() == 0
    assert not [line for line in gateway.lines if "SECRET" in line]


def test_what_the_server_refuses_by_itself_is_counted_and_logged(photos: Path, start_gateway: StartGateway) -> None:
    gateway, metrics = observed(start_gateway, photos)
    address = urlsplit(gateway.url)
    with socket.create_connection((str(address.hostname), int(address.port or 0)), DEADLINE) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nX\x00: SECRET\r\n\r\n")
        assert connection.recv(12) == b"HTTP/1.1 400"
    (event,) = find_events(gateway, "request refused")
    assert event["status"] == 400
    assert "SECRET" not in json.dumps(event)
    samples = read_metrics(metrics)
    assert samples['forkresize_gateway_requests_total{method="OTHER",route="(none)",status="400"}'] == 1


def test_pictures_that_cannot_be_inspected_or_fetched_are_counted_and_logged(
    photos: Path, tmp_path: Path, start_gateway: StartGateway
) -> None:
    # The header ends before it says how large the picture is.
    (tmp_path / "broken.jpg").write_bytes((photos / "one.jpg").read_bytes()[:30])
    (tmp_path / "large.jpg").write_bytes((photos / "one.jpg").read_bytes())
    gateway, metrics = observed(start_gateway, tmp_path, "--max-size", "2K")
    assert gateway.client.get("i/unsafe/c:10:10/plain/photos/broken.jpg").status_code in {415, 422}
    (event,) = find_events(gateway, "picture failed")
    assert event["source"] == "photos/broken.jpg"
    assert gateway.client.get("i/unsafe/w:10/plain/photos/large.jpg").status_code == 413
    samples = read_metrics(metrics)
    assert samples[f'forkresize_gateway_failures_total{{reason="{event["reason"]}"}}'] == 1
    assert samples['forkresize_gateway_failures_total{reason="too many bytes"}'] == 1
    assert samples['forkresize_gateway_pictures_total{status="failed"}'] == 1
