"""The stores that every test of the conformance suite runs against, and how each is made to fail."""

import contextlib
import errno
import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import NoReturn

import pytest

from forkresize.store import LocalStore, OutputStore
from tests.servers.fault_proxy import Fault, Kind
from tests.servers.program import uses
from tests.store.buckets import BUCKETS, Bucket, open_bucket
from tests.store.memory import MemoryStore

Fail = Callable[[str, int], AbstractContextManager[None]]

STORES: dict[str, Callable[[Path], OutputStore]] = {
    "local": lambda tmp_path: LocalStore(str(tmp_path / "store")).with_run("0123abcd"),
    "memory": lambda _: MemoryStore(),
}

_SYSTEM_CALLS = {"put": "write", "stat": "lstat", "open": "open", "delete": "unlink"}
_METHODS = {"put": ("PUT",), "stat": ("HEAD",), "open": ("GET",), "delete": ("DELETE", "POST")}
_STATUS = {errno.EACCES: 403, errno.EIO: 500, errno.ENOSPC: 507}


@contextlib.contextmanager
def _fail_local(_: LocalStore, operation: str, code: int) -> Iterator[None]:
    def refuse(*_: object, **__: object) -> NoReturn:
        raise OSError(code, os.strerror(code))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, _SYSTEM_CALLS[operation], refuse)
        yield


@contextlib.contextmanager
def _fail_memory(store: MemoryStore, operation: str, code: int) -> Iterator[None]:
    store.faults[operation] = code
    yield
    del store.faults[operation]


@pytest.fixture(scope="session")
def open_bucket_of(request: pytest.FixtureRequest) -> Iterator[Callable[[str], Bucket]]:
    """Return the bucket of a server, which is started for the first of its tests."""
    opened: dict[str, Bucket] = {}
    with contextlib.ExitStack() as proxies:

        def find(server: str) -> Bucket:
            if server not in opened:
                opened[server] = proxies.enter_context(open_bucket(request.getfixturevalue(server)))
            return opened[server]

        yield find


def listing(store: OutputStore, prefix: str = "", after: str = "") -> list[str]:
    """Return the keys in a store, sorted by their bytes."""
    found = [info.key for info in store.scan(prefix, after)]
    return found if store.capabilities.ordered_listing else sorted(found, key=os.fsencode)


@pytest.fixture(params=[*STORES, *(pytest.param(server, marks=uses(server)) for server in BUCKETS)])
def store(request: pytest.FixtureRequest, tmp_path: Path, open_bucket_of: Callable[[str], Bucket]) -> OutputStore:
    """One store after the other, each empty."""
    if request.param in STORES:
        return STORES[request.param](tmp_path)
    return open_bucket_of(request.param).new_store()


@pytest.fixture
def fail(store: OutputStore, request: pytest.FixtureRequest, open_bucket_of: Callable[[str], Bucket]) -> Fail:
    """Let what is behind the store refuse ``put``, ``stat``, ``open`` or ``delete`` with an errno."""

    def refuse(operation: str, code: int) -> AbstractContextManager[None]:
        if isinstance(store, LocalStore):
            return _fail_local(store, operation, code)
        if isinstance(store, MemoryStore):
            return _fail_memory(store, operation, code)
        proxy = open_bucket_of(request.node.callspec.params["store"]).proxy
        return proxy.fail(Fault(Kind.STATUS, 1000, _METHODS[operation], _STATUS[code], b""))

    return refuse
