"""Memory and descriptors of a server's processes while it works, and how they grow: ProcessWatch."""

import os
import statistics
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Self

_WARM = 1 / 4
"""The initial share of the samples that is ignored, because caches fill up."""

_MB = 1e6


class Sample(NamedTuple):
    """A server at one moment.

    Attributes:
        seconds: since the watch began.
        requests: answered so far.
        memory: resident bytes, by kind of process: ``gateway``, ``supervisor``, and ``workers`` together.
        descriptors: open files of the first process.
    """

    seconds: float
    requests: int
    memory: dict[str, int]
    descriptors: int


class ProcessWatch:
    """Takes samples of a server from a thread, until it is left. A context manager.

    Args:
        pid: of the first process.
        count: returns how many requests were answered.
        every: seconds between two samples.

    Attributes:
        samples: so far.
    """

    def __init__(self, pid: int, count: Callable[[], int], every: float = 1.0) -> None:
        self.samples: list[Sample] = []
        self._pid = pid
        self._count = count
        self._every = every
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, _: type[BaseException] | None, __: BaseException | None, ___: TracebackType | None) -> None:
        self._ended.set()
        self._thread.join()

    def _watch(self) -> None:
        began = time.monotonic()
        while True:
            memory = measure(self._pid)
            descriptors = len(_list(f"/proc/{self._pid}/fd"))
            self.samples.append(Sample(time.monotonic() - began, self._count(), memory, descriptors))
            if self._ended.wait(self._every):
                return

    def report(self) -> list[str]:
        """Return lines with the first, the last and the largest memory, and the growth, by kind of process."""
        steady = self.samples[int(len(self.samples) * _WARM) :]
        lines = [f"  memory from {steady[0].requests:,} to {steady[-1].requests:,} requests, {len(steady)} samples"]
        for kind in steady[-1].memory:
            found = [each.memory.get(kind, 0) for each in steady]
            growth = _slope([each.requests for each in steady], found) * 100_000
            lines.append(f"    {kind:10} {found[0] / _MB:7.1f} MB at first, {found[-1] / _MB:.1f} MB at the end, "
                         f"{max(found) / _MB:.1f} MB at most, {growth / _MB:+.3f} MB per 100,000 requests")  # fmt: skip
        descriptors = [each.descriptors for each in steady]
        lines.append(f"    descriptors of the gateway: {descriptors[0]} at first, {descriptors[-1]} at the end")
        return lines


def measure(pid: int) -> dict[str, int]:
    """Return resident bytes by kind of process; pages that processes share count for each."""
    found = {"gateway": resident(pid)}
    for child in children(pid):
        below = descendants(child)
        found["supervisor"] = found.get("supervisor", 0) + resident(child)
        found["workers"] = found.get("workers", 0) + sum(map(resident, below))
    return found


def descendants(pid: int) -> list[int]:
    """Return the ids of all processes below one, parents first."""
    found = [pid]
    for each in found:
        found += children(each)
    return found[1:]


def children(pid: int) -> list[int]:
    """Return the ids of the processes that a process has started; none if it has ended."""
    tasks = _list(f"/proc/{pid}/task")
    return [int(child) for task in tasks for child in _read(f"/proc/{pid}/task/{task}/children").split()]


def resident(pid: int) -> int:
    """Return the resident memory of a process in bytes; 0 if it has ended."""
    fields = _read(f"/proc/{pid}/statm").split()
    return int(fields[1]) * os.sysconf("SC_PAGE_SIZE") if fields else 0


def _slope(x: list[int], y: list[int]) -> float:
    """Return the slope of the linear regression; 0 if there is none."""
    return statistics.linear_regression(x, y).slope if len(set(x)) > 1 else 0.0


def _read(path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8")
    except (FileNotFoundError, ProcessLookupError):
        return ""


def _list(path: str) -> list[str]:
    try:
        return os.listdir(path)
    except FileNotFoundError:
        return []
