"""A cluster whose pictures lie in a bucket."""

import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.cluster.lab import ON_REDIS, Lab
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
    lab = Lab(broker.url, postgresql.new_database(), "s3://photos/in", "s3://web/out", tmp_path)
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
    url = f"{ministack.endpoint}/web/out/{lab.jobs[0].outputs[0].key}"
    with urllib.request.urlopen(url, timeout=30) as response:  # noqa: S310 -- it is an http URL.
        assert response.headers["Content-Type"] == "image/jpeg"
        assert response.headers["Cache-Control"] == "max-age=60"
