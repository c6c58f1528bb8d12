"""What all tests of the pool share: the faults, and that none leaves a process or a descriptor behind."""

import importlib
import os
import time
from collections.abc import Callable, Iterable, Iterator
from types import ModuleType
from typing import Any

import pytest

from forkresize.pool import Pool, PoolOptions, TaskResult

Run = Callable[..., list[TaskResult[Any, Any]]]


@pytest.fixture
def faults() -> ModuleType:
    return importlib.import_module(".faults", __package__)


@pytest.fixture
def run() -> Run:
    """Run all items through a pool and return the answers in the order of the items."""

    def run_all(work: Callable[[Any], object], items: Iterable[Any], **options: Any) -> list[TaskResult[Any, Any]]:
        with Pool(work, options=PoolOptions(**{"workers": 2, **options})) as pool:
            return sorted(pool.imap_unordered(items), key=lambda answer: str(answer.item).zfill(9))

    return run_all


@pytest.fixture
def wait_until() -> Callable[[Callable[[], object]], None]:
    """Wait until something holds; fail if it does not within 20 seconds."""

    def wait(holds: Callable[[], object]) -> None:
        deadline = time.monotonic() + 20
        while not holds():
            assert time.monotonic() < deadline
            time.sleep(0.002)

    return wait


@pytest.fixture(autouse=True)
def leaves_nothing_behind() -> Iterator[None]:
    before = len(os.listdir("/dev/fd"))
    yield
    with pytest.raises(ChildProcessError):
        os.waitpid(-1, os.WNOHANG)
    assert len(os.listdir("/dev/fd")) == before
