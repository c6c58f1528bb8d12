"""Buckets of real servers, behind a proxy that makes them fail."""

import contextlib
import itertools
from collections.abc import Iterator
from typing import NamedTuple

import pytest

from forkresize.store.objects import StoreOptions, open_store
from forkresize.store.objects.store import ObjectStore
from tests.servers.azurite import AzureServer
from tests.servers.fault_proxy import FaultProxy
from tests.servers.s3 import S3Server

BUCKETS = ("ministack", "swift", "localbucket", "azurite")
"""The servers, each the name of its fixture."""

OPTIONS = StoreOptions(retries=3, first_delay=0.01, stall_timeout=1.5, timeout=3, lock_seconds=30)
"""Short enough for tests."""

_numbers = itertools.count()


class Bucket(NamedTuple):
    """A bucket that is empty at first.

    Attributes:
        store: all of it.
        proxy: in front of its server.
        server: the server itself.
    """

    store: ObjectStore
    proxy: FaultProxy
    server: S3Server | AzureServer

    def new_store(self) -> ObjectStore:
        """Return a part of it that is empty."""
        return self.store.at(f"test {next(_numbers)}")


@contextlib.contextmanager
def open_bucket(server: S3Server | AzureServer, options: StoreOptions = OPTIONS) -> Iterator[Bucket]:
    """Create a bucket behind a proxy, and open it."""
    name = f"pictures-{next(_numbers)}"
    server.create_bucket(name)
    proxy = FaultProxy(server.endpoint)
    with pytest.MonkeyPatch.context() as patch:
        for variable, value in server._replace(endpoint=proxy.endpoint).env.items():
            patch.setenv(variable, value)
        store = open_store(f"{server.scheme}://{name}", options)
    assert isinstance(store, ObjectStore)
    # Afterwards, stores that ignore conditions are known.
    store.probe()
    try:
        yield Bucket(store, proxy, server)
    finally:
        proxy.stop()
