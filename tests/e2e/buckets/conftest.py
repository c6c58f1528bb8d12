"""Buckets of a real S3 server, and the installed command with them."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import boto3
import pytest

from tests.e2e.buckets.bucket import SECRET, Bucket, picture
from tests.protocols import Run
from tests.servers.s3 import S3Server


@pytest.fixture
def env(ministack: S3Server, tmp_path: Path) -> dict[str, str]:
    return {**ministack.env, "XDG_STATE_HOME": str(tmp_path / "state")}


@pytest.fixture
def make_bucket(ministack: S3Server) -> Callable[[str], Bucket]:
    client = boto3.client(
        "s3",
        endpoint_url=ministack.endpoint,
        aws_access_key_id=ministack.access_key,
        aws_secret_access_key=ministack.secret_key,
        region_name="us-east-1",
    )
    return lambda name: Bucket(client, f"{name}-{os.urandom(4).hex()}")


@pytest.fixture
def photos(make_bucket: Callable[[str], Bucket]) -> Bucket:
    bucket = make_bucket("photos")
    for number in range(6):
        bucket.put(f"in/trip/{number}.jpg", picture(number))
    bucket.put("in/a.png", picture(9, form="PNG"))
    bucket.put("in/notes.txt", b"hello")
    return bucket


@pytest.fixture
def web(make_bucket: Callable[[str], Bucket]) -> Bucket:
    return make_bucket("web")


@pytest.fixture
def run(forkresize: Run, env: dict[str, str]) -> Callable[..., dict[str, Any]]:
    """Run the command, and return its summary; the exit code has to be as expected."""

    def run_command(*arguments: str, code: int = 0, **extra: str) -> dict[str, Any]:
        done = forkresize(*arguments, "--json", env={**env, **extra})
        assert done.returncode == code, done.stderr
        assert SECRET not in done.stdout + done.stderr
        summary: dict[str, Any] = json.loads(done.stdout) if done.stdout else {}
        return {**summary, "stderr": done.stderr}

    return run_command
