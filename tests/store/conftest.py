"""The stores that every test of the conformance suite runs against, and how each is made to fail."""

import contextlib
import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, NoReturn

import pytest

from forkresize.store import LocalStore, OutputStore
from tests.store.memory import MemoryStore

Fail = Callable[[str, int], AbstractContextManager[None]]

STORES: dict[str, Callable[[Path], OutputStore]] = {
    "local": lambda tmp_path: LocalStore(str(tmp_path / "store")).with_run("0123abcd"),
    "memory": lambda _: MemoryStore(),
}

_SYSTEM_CALLS = {"put": "write", "stat": "lstat", "open": "open", "delete": "unlink"}


def _fail_local(patch: pytest.MonkeyPatch, _: LocalStore, operation: str, code: int) -> None:
    def refuse(*_: object, **__: object) -> NoReturn:
        raise OSError(code, os.strerror(code))

    patch.setattr(os, _SYSTEM_CALLS[operation], refuse)


def _fail_memory(patch: pytest.MonkeyPatch, store: MemoryStore, operation: str, code: int) -> None:
    patch.setitem(store.faults, operation, code)


FAULTS: dict[type, Callable[[pytest.MonkeyPatch, Any, str, int], None]] = {
    LocalStore: _fail_local,
    MemoryStore: _fail_memory,
}


@pytest.fixture(params=STORES)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> OutputStore:
    """One store after the other, each empty."""
    return STORES[request.param](tmp_path)


@pytest.fixture
def fail(store: OutputStore, monkeypatch: pytest.MonkeyPatch) -> Fail:
    """Let what is behind the store refuse ``put``, ``stat``, ``open`` or ``delete`` with an errno."""

    @contextlib.contextmanager
    def refuse(operation: str, code: int) -> Iterator[None]:
        with monkeypatch.context() as patch:
            FAULTS[type(store)](patch, store, operation, code)
            yield

    return refuse
