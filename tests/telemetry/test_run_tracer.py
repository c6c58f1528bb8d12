"""The command sends the trace of its run, from a process that neither has threads nor loads a library for that."""

import os
import subprocess
import time
from pathlib import Path

import pytest

from tests.protocols import Draw, Run
from tests.servers.otlp import TraceReceiver
from tests.servers.program import HOST, find_free_port

RENDERED = ["decode", "resize", "encode"]
CALLER = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"

pytestmark = pytest.mark.slow


def settings(traces: TraceReceiver, **more: str) -> dict[str, str]:
    return {"OTEL_EXPORTER_OTLP_ENDPOINT": traces.endpoint, "OTEL_TRACES_SAMPLER": "always_on", **more}


def test_trace_of_a_run_has_its_pictures_and_their_phases_with_their_own_times(
    traces: TraceReceiver, forkresize: Run, draw: Draw, tmp_path: Path
) -> None:
    for number in range(3):
        draw(tmp_path / f"in/{number}.jpg", size=(900, 600), seed=number)
    before = time.time()
    result = forkresize("in", "out", "--width", "300,600", env=settings(traces, TRACEPARENT=CALLER))
    assert (result.returncode, result.stderr) == (0, "")
    (run,) = traces.named("run")
    assert (run.trace, run.parent) == tuple(CALLER.split("-")[1:3])
    assert (run.service, run.error, run.attributes["forkresize.written"]) == ("forkresize", None, 6)
    pictures = traces.below(run)
    assert [picture.name for picture in pictures] == ["picture"] * 3
    assert {Path(str(picture.attributes["forkresize.source"])).name for picture in pictures} == {
        f"{number}.jpg" for number in range(3)
    }
    for picture in pictures:
        phases = traces.below(picture)
        assert [phase.name for phase in phases] == [*RENDERED, "encode"]
        assert before <= run.started <= picture.started <= picture.ended <= run.ended <= time.time()
        assert all(picture.started <= phase.started <= phase.ended <= picture.ended + 0.001 for phase in phases)
        assert sum(phase.ended - phase.started for phase in phases) > 0.5 * (picture.ended - picture.started)
        assert {phase.attributes.get("forkresize.width") for phase in phases[2:]} == {300, 600}


def test_failures_are_always_sent_and_a_share_of_the_successes(
    traces: TraceReceiver, forkresize: Run, draw: Draw, tmp_path: Path
) -> None:
    for number in range(4):
        draw(tmp_path / f"in/{number}.png", seed=number)
    # Its name is not text.
    Path(os.fsdecode(os.fsencode(tmp_path) + b"/in/\xffdamaged.jpg")).write_bytes(b"\xff\xd8\xff\xe0 no picture")
    sampler = {"OTEL_TRACES_SAMPLER": "traceidratio", "OTEL_TRACES_SAMPLER_ARG": "0"}
    result = forkresize("in", "out", "--width", "20", env=settings(traces, **sampler))
    assert result.returncode == 1
    (run,) = traces.named("run")
    (picture,) = traces.named("picture")
    assert str(picture.attributes["forkresize.source"]).endswith("damaged.jpg")
    assert picture.error is not None
    assert picture.error.startswith(str(picture.attributes["error.type"]))
    assert run.error == "exit code 1: 1 outputs failed"
    assert picture.parent == run.span


@pytest.mark.parametrize(
    "off",
    [
        {"OTEL_TRACES_SAMPLER": "always_off"},
        {"OTEL_SDK_DISABLED": "true"},
        {"OTEL_TRACES_EXPORTER": "none"},
        {"OTEL_TRACES_SAMPLER": "parentbased_always_on", "TRACEPARENT": f"{CALLER[:-1]}0"},
    ],
    ids=lambda off: next(iter(off)),
)
def test_nothing_is_sent_if_the_variables_say_so(
    off: dict[str, str], traces: TraceReceiver, forkresize: Run, draw: Draw, tmp_path: Path
) -> None:
    draw(tmp_path / "in/a.png")
    assert forkresize("in", "out", "--width", "20", env=settings(traces, **off)).returncode == 0
    assert traces.spans == []


def test_the_command_has_one_thread_while_it_has_workers_and_never_loads_opentelemetry(
    traces: TraceReceiver, command: list[str], draw: Draw, tmp_path: Path
) -> None:
    for number in range(6):
        draw(tmp_path / f"in/{number}.png", size=(2400, 1600), seed=number)
    env = {**os.environ, **settings(traces)}
    run = [*command, "in", "out", "--width", "600", "--workers", "2"]
    process = subprocess.Popen(run, cwd=tmp_path, env=env)
    threads, workers, loaded = set(), 0, ""
    while process.poll() is None:
        try:
            tasks = os.listdir(f"/proc/{process.pid}/task")
            children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
            maps = Path(f"/proc/{process.pid}/maps").read_text()
        except (FileNotFoundError, ProcessLookupError):
            break
        threads.add(len(tasks))
        workers = max(workers, len(children))
        loaded = max(loaded, maps, key=len)
        time.sleep(0.005)
    assert process.wait() == 0
    assert threads - {0} == {1}
    assert workers >= 2
    assert "PIL" in loaded
    assert "opentelemetry" not in loaded
    assert len(traces.named("picture")) == 6


def test_a_collector_that_is_not_there_costs_a_warning_and_a_bounded_time(
    forkresize: Run, draw: Draw, tmp_path: Path
) -> None:
    draw(tmp_path / "in/a.png")
    started = time.monotonic()
    result = forkresize(
        "in", "out", "--width", "20", env={"OTEL_EXPORTER_OTLP_ENDPOINT": f"http://{HOST}:{find_free_port()}"}
    )
    assert result.returncode == 0
    assert "forkresize: the traces could not be sent: " in result.stderr
    assert len(result.stderr.splitlines()) == 1
    assert time.monotonic() - started < 20


@pytest.mark.parametrize(
    ("variables", "problem"),
    [
        ({"OTEL_TRACES_EXPORTER": "zipkin"}, "OTEL_TRACES_EXPORTER=zipkin is not supported: use otlp or none"),
        ({"OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}, "OTEL_EXPORTER_OTLP_PROTOCOL=grpc is not supported"),
    ],
)
def test_what_cannot_be_sent_is_a_warning(
    variables: dict[str, str], problem: str, traces: TraceReceiver, forkresize: Run, draw: Draw, tmp_path: Path
) -> None:
    draw(tmp_path / "in/a.png")
    result = forkresize("in", "out", "--width", "20", env=settings(traces, **variables))
    assert result.returncode == 0
    assert f"no traces are sent: {problem}" in result.stderr
    assert traces.spans == []
