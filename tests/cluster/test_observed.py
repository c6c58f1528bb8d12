"""A node is seen from outside: the trace from the run to the phases of a picture, its metrics and its log."""

import json
import re
import subprocess
from pathlib import Path

import httpx

from forkresize.job import Job, Output
from forkresize.telemetry.context import TraceContext
from tests.cluster.lab import ON_RABBITMQ, ON_REDIS, Lab, wait_for
from tests.protocols import Run
from tests.servers.otlp import TraceReceiver
from tests.servers.program import find_program

PHASES = {"fetch", "queue", "decode", "resize", "encode", "put"}


def observe(lab: Lab, traces: TraceReceiver, sampler: str = "always_on") -> str:
    """Start a node with traces, metrics and a log in JSON; return the address of its metrics."""
    lab.env |= {
        "OTEL_EXPORTER_OTLP_ENDPOINT": traces.endpoint,
        "OTEL_TRACES_SAMPLER": sampler,
        "OTEL_TRACES_SAMPLER_ARG": "0",
        "OTEL_BSP_SCHEDULE_DELAY": "100",
    }
    node = lab.start_node("--metrics-port", "0", "--log-format", "json")
    found = wait_for(lambda: re.search(r"metrics are at (http\S+/metrics)", node.log), "metrics are served")
    return str(found[1])


def read_metrics(url: str) -> dict[str, float]:
    lines = [line for line in httpx.get(url).text.splitlines() if not line.startswith("#")]
    return {name: float(value) for name, _, value in (line.rpartition(" ") for line in lines)}


@ON_RABBITMQ
def test_a_run_is_traced_from_the_command_to_the_phases_of_its_pictures(
    lab: Lab, traces: TraceReceiver, forkresize: Run, tmp_path: Path
) -> None:
    lab.add_pictures(5)
    metrics = observe(lab, traces)
    cluster = ["--cluster", lab.broker, "--ledger", lab.ledger]
    result = forkresize(*lab.urls, "--width", "80", *cluster, env=lab.env)
    assert result.returncode == 0, result.stderr
    (run,) = traces.wait_for("run")
    pictures = traces.wait_for("picture", 5)
    chunks = traces.wait_for("chunk", len({picture.trace for picture in pictures}))
    assert (run.service, chunks[0].service) == ("forkresize", "forkresize-node")
    for chunk in chunks:
        assert chunk.links == [(run.trace, run.span)]
        assert (chunk.kind, chunk.parent, chunk.error) == ("consumer", "", None)
        assert chunk.trace != run.trace
        assert run.started <= chunk.started <= chunk.ended <= run.ended
    below = [picture for chunk in chunks for picture in traces.below(chunk)]
    assert sorted(picture.span for picture in below) == sorted(picture.span for picture in pictures)
    for picture in pictures:
        phases = traces.below(picture)
        assert {phase.name for phase in phases} == PHASES
        assert [phase.name for phase in phases if phase.name != "queue"] == [
            "fetch",
            "decode",
            "resize",
            "encode",
            "put",
        ]
        assert all(picture.started <= phase.started <= phase.ended <= picture.ended for phase in phases)
    samples = read_metrics(metrics)
    assert samples["forkresize_node_chunks_taken_total"] == len(chunks)
    assert samples['forkresize_node_chunks_ended_total{result="done"}'] == len(chunks)
    assert samples['forkresize_node_pictures_total{status="written"}'] == 5
    assert {samples[f'forkresize_node_phase_duration_seconds_count{{phase="{phase}"}}'] for phase in PHASES} == {5}
    assert samples['forkresize_cluster_nodes{state="ready"}'] == 1
    assert samples["forkresize_cluster_database_up"] == 1
    promtool = find_program("promtool", "prometheus")
    text = httpx.get(metrics).text
    checked = subprocess.run([promtool, "check", "metrics"], input=text, capture_output=True, text=True, check=False)
    assert (checked.returncode, checked.stdout, checked.stderr) == (0, "", "")


@ON_REDIS
def test_failures_are_sent_by_a_node_although_no_success_is_sampled_and_messages_carry_the_context(
    lab: Lab, traces: TraceReceiver
) -> None:
    context = TraceContext.new()
    lab.add_pictures(3)
    gone = lab.jobs[0].source
    lab.jobs.append(Job(type(gone)(f"{gone.path}.gone", "gone.jpg", 10, 0), (Output("small/gone.jpg"),)))
    lab.traceparent = context.traceparent
    metrics = observe(lab, traces, "parentbased_traceidratio")
    lab.publish(4)
    lab.wait_until_finished()
    (chunk,) = traces.wait_for("chunk")
    assert chunk.links == [(context.trace_id, context.span_id)]
    (picture,) = traces.named("picture")
    assert (picture.parent, picture.trace) == (chunk.span, chunk.trace)
    assert picture.error is not None
    assert picture.error.startswith("cannot be read: ")
    samples = read_metrics(metrics)
    assert samples['forkresize_node_failures_total{reason="cannot be read"}'] == 1
    assert samples["forkresize_node_lease_age_seconds"] == 0
    assert all(json.loads(line)["event"] for line in lab.nodes[0].log.splitlines())
