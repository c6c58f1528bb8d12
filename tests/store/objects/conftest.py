"""Buckets of real servers for tests of what only object stores do."""

from collections.abc import Iterator

import pytest

from forkresize.store.objects.store import ObjectStore
from tests.servers.s3 import S3Server
from tests.store.buckets import Bucket, open_bucket


@pytest.fixture(scope="session")
def bucket(ministack: S3Server) -> Iterator[Bucket]:
    """A bucket of ministack; mark its tests with ``uses("ministack")``."""
    with open_bucket(ministack) as opened:
        yield opened


@pytest.fixture
def store(bucket: Bucket) -> ObjectStore:
    """An empty part of the bucket."""
    return bucket.new_store()
