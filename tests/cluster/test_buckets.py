"""A cluster whose pictures lie in a bucket."""

import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from forkresize.ledger import OutputRecord, open_ledger
from forkresize.outcome import Failed, Reason
from tests.cluster.lab import ON_REDIS, Lab, wait_for
from tests.servers.fault_proxy import Fault, FaultProxy, Kind
from tests.servers.postgresql import PostgresServer
from tests.servers.s3 import S3Server


@pytest.fixture
def lab(
    broker: Any, postgresql: PostgresServer, ministack: S3Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Lab]:
    """A cluster whose pictures are objects."""
    for name, value in ministack.env.items():
        monkeypatch.setenv(name, value)
    for bucket in ("photos", "web"):
        ministack.create_bucket(bucket)
    lab = Lab(broker.url, postgresql.new_database(), "s3://photos/in", f"s3://web/{tmp_path.name}", tmp_path)
    yield lab
    lab.close()


@ON_REDIS
def test_pictures_of_a_bucket_are_made_into_another(lab: Lab, ministack: S3Server) -> None:
    lab.add_pictures(12)
    lab.start_node(allow=("s3://photos/in", "s3://web"))
    lab.publish(5)
    lab.wait_until_finished()
    assert lab.outputs() == [job.outputs[0].key for job in lab.jobs]
    assert [outcome.outcomes[0].detail.status for outcome in lab.outcomes()] == ["written"] * 12
    records = {record.key: record for record in lab.records()}
    for job in lab.jobs:
        found = lab.destination.stat(job.outputs[0].key)
        record = records[job.outputs[0].key]
        assert found is not None
        assert (record.etag, record.size) == (found.etag, found.size)
        assert (record.source_etag, record.root) == (job.source.etag, "s3://photos/in")
    url = f"{ministack.endpoint}/{lab.urls[1].removeprefix('s3://')}/{lab.jobs[0].outputs[0].key}"
    with urllib.request.urlopen(url, timeout=30) as response:  # noqa: S310 -- it is an http URL.
        assert response.headers["Content-Type"] == "image/jpeg"
        assert response.headers["Cache-Control"] == "max-age=60"


@ON_REDIS
def test_an_output_that_another_program_has_put_since_the_listing_is_not_replaced(lab: Lab) -> None:
    lab.add_pictures(2)
    taken, free = (job.outputs[0].key for job in lab.jobs)
    lab.destination.put(taken, b"of another program")
    lab.before = ("",)
    lab.start_node()
    lab.publish(2)
    lab.wait_until_finished()
    refused, made = (outcome.outcomes[0].detail for outcome in lab.outcomes())
    assert isinstance(refused, Failed)
    assert (refused.reason, refused.error) == (Reason.NOT_WRITTEN, f"{lab.urls[1]}/{taken}: it exists already")
    assert made.status == "written"
    with lab.destination.open(taken) as file:
        assert file.read() == b"of another program"
    assert lab.outputs() == sorted([taken, free])


@ON_REDIS
def test_an_output_that_was_listed_is_replaced_and_one_that_has_changed_is_not(lab: Lab) -> None:
    lab.add_pictures(2)
    listed, changed = (job.outputs[0].key for job in lab.jobs)
    lab.before = (lab.destination.put(listed, b"old").etag,)
    lab.destination.put(changed, b"new")
    lab.start_node()
    lab.publish(2)
    lab.wait_until_finished()
    made, refused = (outcome.outcomes[0].detail for outcome in lab.outcomes())
    assert made.status == "written"
    assert isinstance(refused, Failed)
    assert refused.error == f"{lab.urls[1]}/{changed}: it was changed by another program; run again"


@ON_REDIS
def test_an_output_that_a_lost_node_has_put_counts_as_written(lab: Lab) -> None:
    lab.add_pictures(3)
    lab.before = ("",)
    lab.start_node()
    lab.publish(3)
    lab.wait_until_finished()
    first = {key: lab.destination.stat(key) for key in lab.outputs()}
    with psycopg.connect(lab.ledger) as connection:
        # As if its node had died before it could report.
        connection.execute("UPDATE forkresize.chunk SET state = 'pending', sequence = NULL, outcomes = NULL")
    lab.database.outbox.announce([(lab.run, 1)])
    wait_for(lambda: lab.progress.is_finished and lab.database.runs.finished_chunks(lab.run, 1), "it is done again")
    (chunk,) = lab.database.runs.finished_chunks(lab.run)
    assert (chunk.attempt, lab.progress.counts["written"]) == (2, 3)
    assert {key: lab.destination.stat(key) for key in lab.outputs()} == first


@ON_REDIS
def test_what_a_node_with_other_codecs_put_before_it_was_stopped_is_replaced(lab: Lab) -> None:
    lab.add_pictures(3)
    lab.before = ("",)
    lab.publish(3, relay=False)
    recorded, foreign, changed = (job.outputs[0].key for job in lab.jobs)
    rows = []
    for job in (lab.jobs[0], lab.jobs[2]):
        etag = lab.destination.put(job.outputs[0].key, b"of other codecs").etag
        row = OutputRecord(job.outputs[0].key, lab.urls[0], "", 1, 1, None, b"", "written", run=lab.run, etag=etag)
        rows.append(row)
    with open_ledger(lab.urls[1], lab.ledger) as ledger:
        ledger.join_run(lab.run)
        ledger.record(rows)
    for key in (foreign, changed):
        lab.destination.put(key, b"of another program")
    with psycopg.connect(lab.ledger) as connection:
        connection.execute("UPDATE forkresize.chunk SET attempts = 1")
    lab.start_node()
    lab.database.outbox.announce([(lab.run, 1)])
    lab.wait_until_finished()
    made, *refused = (outcome.outcomes[0].detail for outcome in lab.outcomes())
    assert made.status == "written"
    # Without its row, or with that of other content, it may be anyone's.
    assert [each.error.partition(": ")[2] for each in refused if isinstance(each, Failed)] == [
        "it exists already",
        "it was changed by another program; run again",
    ]
    assert {key for key in lab.outputs() if _read(lab, key) == b"of another program"} == {foreign, changed}
    assert _read(lab, recorded).startswith(b"\xff\xd8")


def _read(lab: Lab, key: str) -> bytes:
    with lab.destination.open(key) as file:
        return file.read()


@ON_REDIS
def test_a_manifest_whose_end_is_missing_is_read_again(lab: Lab, ministack: S3Server) -> None:
    proxy = FaultProxy(ministack.endpoint)
    lab.env["AWS_ENDPOINT_URL"] = proxy.endpoint
    lab.add_pictures(4)
    with proxy.fail(Fault(Kind.SHORT, 2, ("GET",), path="/.forkresize/runs/")):
        lab.start_node(allow=("s3://photos/in", "s3://web"))
        lab.publish(2)
        lab.wait_until_finished()
        assert ("GET", True) in {(method, "/.forkresize/runs/" in path) for method, path in proxy.requests}
    assert [outcome.outcomes[0].detail.status for outcome in lab.outcomes()] == ["written"] * 4
    proxy.stop()
