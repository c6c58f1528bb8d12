"""Fixtures of all pool tests. Each test fails if it leaves a process or a descriptor behind."""

import contextlib
import importlib
import os
import resource
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from forkresize.pool import Pool, PoolOptions, PoolProcess, TaskResult
from tests.children import child_processes
from tests.pool.processes import Start

Run = Callable[..., list[TaskResult[Any, Any]]]


@pytest.fixture
def faults() -> ModuleType:
    return importlib.import_module(".faults", __package__)


@pytest.fixture
def run() -> Run:
    """Run all items through a pool; return the results in the order of the items."""

    def run_all(work: Callable[[Any], object], items: Iterable[Any], **options: Any) -> list[TaskResult[Any, Any]]:
        with Pool(work, options=PoolOptions(**{"workers": 2, **options})) as pool:
            return sorted(pool.imap_unordered(items), key=lambda result: str(result.item).zfill(9))

    return run_all


@pytest.fixture
def wait_until() -> Callable[[Callable[[], object]], None]:
    """Wait until a condition holds; fail after 20 seconds."""

    def wait(holds: Callable[[], object]) -> None:
        deadline = time.monotonic() + 20
        while not holds():
            assert time.monotonic() < deadline
            time.sleep(0.002)

    return wait


@pytest.fixture
def is_asleep() -> Callable[[int], bool]:
    """Return whether a process waits for something; skip the test where ``/proc`` does not show that."""
    if not os.path.exists("/proc/self/stat"):
        pytest.skip("needs /proc")

    def state_is_sleeping(pid: int) -> bool:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rpartition(")")[2].split()[0] == "S"

    return state_is_sleeping


@pytest.fixture
def exhaust_descriptors() -> Iterator[Callable[[int], None]]:
    """Open files up to a lowered limit, with room for a number of further ones."""
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    # This process may have many open already.
    lowered = max(map(int, os.listdir("/dev/fd"))) + 16
    opened: list[int] = []

    def exhaust(room: int) -> None:
        resource.setrlimit(resource.RLIMIT_NOFILE, (lowered, limits[1]))
        with contextlib.suppress(OSError):
            while True:
                opened.append(os.open(os.devnull, os.O_RDONLY))
        for _ in range(room):
            os.close(opened.pop())

    yield exhaust
    resource.setrlimit(resource.RLIMIT_NOFILE, limits)
    for descriptor in opened:
        os.close(descriptor)


@pytest.fixture(autouse=True)
def leaves_nothing_behind(faults: ModuleType) -> Iterator[None]:
    if os.path.exists("/proc/self/fd"):
        faults.note_foreign_sockets()
    descriptors, children = len(os.listdir("/dev/fd")), child_processes()
    yield
    assert child_processes() <= children
    # Fewer, if those that another test of this process has left are collected now.
    assert len(os.listdir("/dev/fd")) <= descriptors


@pytest.fixture
def start(monkeypatch: pytest.MonkeyPatch) -> Iterator[Start]:
    """Make a pool process whose work is ``process_work:run`` unless it is named.

    It is terminated in the end: after a failure, a task may never end.
    """
    monkeypatch.syspath_prepend(Path(__file__).parent)
    with contextlib.ExitStack() as stack:

        def make(work: str = "run", **options: Any) -> PoolProcess[Any]:
            settings = PoolOptions(**{"workers": 2, **options})
            pool: PoolProcess[Any] = PoolProcess(f"process_work:{work}", options=settings)
            stack.callback(pool.terminate)
            return pool

        yield make
