"""The stores that every test of the conformance suite runs against."""

from collections.abc import Callable
from pathlib import Path

import pytest

from forkresize.store import LocalStore, OutputStore
from tests.store.memory import MemoryStore

STORES: dict[str, Callable[[Path], OutputStore]] = {
    "local": lambda tmp_path: LocalStore(str(tmp_path / "store")).with_run("0123abcd"),
    "memory": lambda _: MemoryStore(),
}


@pytest.fixture(params=STORES)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> OutputStore:
    """One store after the other, each empty."""
    return STORES[request.param](tmp_path)
