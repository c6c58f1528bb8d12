"""Batches on the machine of a gateway whose pictures are in a bucket."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from forkresize.store.objects import open_store
from tests.cluster.lab import draw_jpeg
from tests.gateway.conftest import Gateway, run_gateway
from tests.gateway.runs.client import submit, wait_for_end
from tests.servers.program import uses
from tests.servers.s3 import S3Server

pytestmark = [*uses("ministack"), pytest.mark.slow]


@pytest.fixture
def gateway(ministack: S3Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Gateway]:
    """A gateway that reads and writes a bucket, some of whose pictures are damaged."""
    for name, value in ministack.env.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("HOME", str(tmp_path))
    ministack.create_bucket("batches")
    store = open_store("s3://batches/private/in")
    for number in range(8):
        store.put(f"2026/{number}.jpg", draw_jpeg(number)[: 300 if number < 2 else None])
    options = ["--root", "photos=s3://batches/private/in", "--destination", "web=s3://batches/out", "--unsigned"]
    with run_gateway(*options, "--state-dir", str(tmp_path / "state"), "--workers", "1") as found:
        yield found


def test_a_batch_reads_and_writes_buckets(gateway: Gateway) -> None:
    for expected in ((6, 0), (0, 6)):
        run = submit(gateway, "web/small", "photos/2026").json()["id"]
        ended = wait_for_end(gateway, run)
        assert (ended["state"], ended["progress"]["failed"]) == ("failed", 2)
        assert (ended["progress"]["written"], ended["progress"]["unchanged"]) == expected
        failures = gateway.client.get(f"/v1/runs/{run}/failures").text
        assert "photos/2026/0.jpg" in failures
        assert "private" not in failures
    assert len(list(open_store("s3://batches/out/small").scan())) == 6


def test_a_prefix_without_pictures_has_nothing_to_do(gateway: Gateway) -> None:
    ended = wait_for_end(gateway, submit(gateway, "web", "photos/none").json()["id"])
    assert ended["progress"]["sources"] == 0
    assert ended["state"] == "succeeded"
