"""Pictures in a bucket, known to a ledger in PostgreSQL, from a gateway that runs as a command."""

import json
import os
from pathlib import Path

import boto3
import pytest

from forkresize.recipe import Recipe
from forkresize.recipefile import dumps
from tests.e2e.buckets.bucket import Bucket, picture
from tests.gateway.conftest import run_gateway
from tests.protocols import Run
from tests.servers.postgresql import PostgresServer
from tests.servers.program import uses
from tests.servers.s3 import S3Server

pytestmark = [*uses("ministack"), pytest.mark.slow, pytest.mark.timeout(180)]


def test_a_gateway_and_a_batch_share_a_bucket_and_a_database(
    ministack: S3Server, postgresql: PostgresServer, forkresize: Run, tmp_path: Path
) -> None:
    client = boto3.client(
        "s3",
        endpoint_url=ministack.endpoint,
        aws_access_key_id=ministack.access_key,
        aws_secret_access_key=ministack.secret_key,
        region_name="us-east-1",
    )
    bucket = Bucket(client, f"site-{os.urandom(4).hex()}")
    bucket.put("in/trip/one.jpg", picture(1))
    bucket.put("in/two.jpg", picture(2))
    (tmp_path / "thumb.toml").write_text(dumps(Recipe.of(width=16, format="webp")))
    env = {**os.environ, **ministack.env, "XDG_STATE_HOME": str(tmp_path / "state")}
    ledger = postgresql.new_database()
    batch = [
        bucket.url("in"),
        bucket.url("web/photos/thumb"),
        "--recipe",
        str(tmp_path / "thumb.toml"),
        "--ledger",
        ledger,
        "--json",
    ]

    def run_batch() -> tuple[int, int]:
        done = forkresize(*batch, env=env)
        assert done.returncode == 0, done.stderr
        summary = json.loads(done.stdout)
        return summary["written"], summary["unchanged"]

    options = ["--root", f"photos={bucket.url('in')}", "--preset", "thumb=thumb.toml", "--workers", "1", "--unsigned"]
    options += ["--store", bucket.url("web"), "--store-ledger", ledger]
    with run_gateway(*options, cwd=tmp_path, env=env) as gateway:
        made = gateway.client.get("/i/unsafe/pr:thumb/plain/photos/trip/one.jpg")
        assert made.headers["content-type"] == "image/webp"
        assert gateway.stop() == 0
    assert bucket.keys("web/photos/thumb/trip/") == ["web/photos/thumb/trip/one.webp"]
    assert bucket.get("web/photos/thumb/trip/one.webp") == made.content
    assert bucket.head("web/photos/thumb/trip/one.webp")["ContentType"] == "image/webp"
    assert run_batch() == (1, 1)

    # A picture that no worker could make shows that it came from the bucket.
    with run_gateway(*options, "--max-pixels", "1", cwd=tmp_path, env=env) as gateway:
        for key, output in (("trip/one.jpg", "trip/one.webp"), ("two.jpg", "two.webp")):
            served = gateway.client.get(f"/i/unsafe/pr:thumb/plain/photos/{key}")
            assert served.content == bucket.get(f"web/photos/thumb/{output}")
    assert run_batch() == (0, 2)
