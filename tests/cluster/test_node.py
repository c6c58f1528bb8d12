"""Nodes as processes, with real brokers, databases and stores."""

import json
import os
import signal
from pathlib import Path

import msgspec
import pytest

from forkresize.cluster.manifest import Header, manifest_key, write_manifest
from forkresize.job import Job, Output
from forkresize.store.files import temporary_path
from tests.cluster.lab import ON_REDIS, Lab, wait_for


def test_chunks_are_done_from_end_to_end(lab: Lab) -> None:
    lab.add_pictures(10)
    lab.start_node()
    lab.publish(4)
    lab.wait_until_finished()
    assert lab.outputs() == [f"small/picture-{number:04d}.jpg" for number in range(10)]
    assert [outcome.outcomes[0].detail.status for outcome in lab.outcomes()] == ["written"] * 10
    records = lab.records()
    assert [record.key for record in records] == lab.outputs()
    assert {(record.status, record.run) for record in records} == {("written", lab.run)}
    progress = lab.progress
    assert (progress.pictures_done, progress.counts["written"], progress.lost) == (10, 10, 0)


@ON_REDIS
def test_the_process_with_the_credentials_has_one_child_which_has_no_threads(lab: Lab) -> None:
    lab.add_pictures(4)
    node = lab.start_node()
    lab.publish(4)
    lab.wait_until_finished()
    pid = node.process.pid
    tasks = Path(f"/proc/{pid}/task").glob("*/children")
    children = [child for task in tasks for child in task.read_text().split()]
    commands = [Path(f"/proc/{child}/cmdline").read_bytes() for child in children]
    # Only the pool's supervisor, which is another program.
    assert len(children) == 1, commands
    assert b"forkresized" not in commands[0]
    threads = os.listdir(f"/proc/{children[0]}/task")
    assert threads == children


@ON_REDIS
def test_what_is_outside_the_allowed_urls_is_not_touched(lab: Lab, tmp_path: Path) -> None:
    secret = tmp_path / "secret.jpg"
    lab.add_pictures(3)
    secret.write_bytes((tmp_path / "in/picture-0000.jpg").read_bytes())
    (tmp_path / "in/link.jpg").symlink_to(secret)
    good = lab.jobs[0]
    forged = [
        msgspec.structs.replace(good, source=msgspec.structs.replace(good.source, path=path))
        for path in (str(secret), str(tmp_path / "in/../secret.jpg"), str(tmp_path / "in/link.jpg"), "s3://other/x.jpg")
    ]
    keys = ("../out.jpg", "/tmp/out.jpg", ".forkresize/runs/out.jpg", "a//b.jpg")  # noqa: S108 -- it is refused.
    forged += [Job(good.source, (Output(key),)) for key in keys]
    forged.append(msgspec.structs.replace(good, in_place=True))
    lab.jobs = [good] * len(forged)
    lab.publish(1, relay=False)
    for number, job in enumerate(forged, 1):
        header = Header(run=lab.run, chunk=number, spec=lab.spec.digest, lines=0)
        lab.destination.put(manifest_key(lab.run, number), write_manifest([job], header))
    lab.start_node()
    lab.wait_until_finished()
    chunks = lab.database.runs.finished_chunks(lab.run)
    assert len(chunks) == len(forged)
    assert all(chunk.error and not chunk.outcomes for chunk in chunks), chunks
    assert lab.outputs() == []
    assert sorted(os.listdir(tmp_path / "out")) == [".forkresize"]


@ON_REDIS
def test_a_manifest_that_is_not_signed_or_is_of_another_run_is_given_up(lab: Lab) -> None:
    lab.key = b"k" * 32
    lab.env["FORKRESIZE_CLUSTER_KEY"] = lab.key.decode()
    lab.add_pictures(5)
    lab.publish(1, relay=False)
    digest = lab.spec.digest
    cases = [
        (Header(run=lab.run, chunk=1, spec=digest, lines=0), None, "no valid signature"),
        (Header(run=lab.run, chunk=1, spec=digest, lines=0), b"l" * 32, "no valid signature"),
        (Header(run=lab.run + 1, chunk=1, spec=digest, lines=0), lab.key, "that of another run"),
        (Header(run=lab.run, chunk=1, spec="0" * 64, lines=0), lab.key, "that of another run"),
    ]
    for number, (header, key, _) in enumerate(cases, 1):
        lab.destination.put(manifest_key(lab.run, number), write_manifest([lab.jobs[number - 1]], header, key))
    lab.destination.delete(manifest_key(lab.run, 5))
    lab.start_node()
    lab.wait_until_finished()
    errors = {chunk.number: chunk.error for chunk in lab.database.runs.finished_chunks(lab.run)}
    for number, (_, __, text) in enumerate(cases, 1):
        assert text in errors[number]
    assert "is missing" in errors[5]
    assert lab.outputs() == []


@ON_REDIS
def test_the_temporary_file_of_another_node_is_not_touched(lab: Lab, tmp_path: Path) -> None:
    lab.add_pictures(2)
    temporary = tmp_path / "out" / temporary_path("small/picture-0000.jpg", "")
    temporary.parent.mkdir(parents=True)
    temporary.touch()
    lab.start_node()
    lab.publish(2)
    lab.wait_until_finished()
    assert [outcome.outcomes[0].detail.status for outcome in lab.outcomes()] == ["written"] * 2
    assert temporary.exists()


@ON_REDIS
def test_a_run_whose_recipe_a_node_cannot_read_waits_for_another_node(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Lab, "spec", msgspec.structs.replace(lab.spec, recipe='{"of": "a later version"}'))
    lab.add_pictures(1)
    node = lab.start_node("--lease", "600s")
    lab.publish(1)
    refusal = f"{node.name}: recipe: unsupported version None: this program reads version 1"
    wait_for(lambda: lab.database.runs.waiting(lab.run) == refusal, "the run has the reason")
    assert f"run {lab.run} is left to other nodes: recipe: unsupported version None" in node.log
    assert (lab.progress.lost, lab.database.runs.working()) == (0, [])


@ON_REDIS
def test_a_run_that_a_node_may_not_touch_waits_for_another_node(lab: Lab, tmp_path: Path) -> None:
    lab.add_pictures(2)
    node = lab.start_node(allow=(f"{lab.urls[0]}-other", lab.urls[1]))
    lab.publish(2)
    wait_for(lambda: "is not allowed on this node" in node.log, "the node refuses")
    assert node.log.count("is not allowed on this node") == 1
    refusal = f"{node.name}: {lab.urls[0]} is not allowed on this node, which may use {lab.urls[0]}-other"
    wait_for(lambda: f"run {lab.run} waits: {refusal}" in lab.status(), "the status says why")
    assert lab.progress.pictures_done == 0
    lab.start_node()
    lab.wait_until_finished()
    assert json.loads(lab.status("--json"))["runs"][0]["refusal"] == ""
    assert len(lab.outcomes()) == 2


@ON_REDIS
def test_status_shows_nodes_queues_runs_and_chunks(lab: Lab) -> None:
    lab.add_pictures(6)
    node = lab.start_node()
    lab.publish(3)
    lab.wait_until_finished()
    found = json.loads(lab.status("--json"))
    assert [(each["name"], each["state"], each["workers"]) for each in found["nodes"]] == [(node.name, "ready", 1)]
    assert found["nodes"][0]["allow"] == list(lab.urls)
    assert found["queues"] == {"interactive": 0, "batch": 0}
    (run,) = found["runs"]
    assert (run["run"], run["state"], run["pictures"], run["pictures_done"]) == (lab.run, "closed", 6, 6)
    assert run["chunks"] == {"pending": 0, "leased": 0, "done": 2, "cancelled": 0}
    table = lab.status()
    assert f"{node.name}  ready" in table
    assert "6/6" in table
    assert "no chunk is worked on" in table
    node.send(signal.SIGKILL)
    node.wait()
    wait_for(lambda: json.loads(lab.status("--json"))["nodes"][0]["state"] == "lost", "the node is lost")
