"""How much memory the workers may use together, and which of them waits for it: Budget, AdmissionController."""

import resource
import sys
from typing import Protocol

from forkresize.pool.system import address_space, lower_limit, memory_limit, resident_memory, total_memory

_DEFAULT_SHARE = 0.6
"""Default budget, as a fraction of the available memory."""

MIN_MEMORY = 64_000_000
"""Bytes that a single worker needs."""

_ALLOWANCE_DIVISOR = 4
"""A worker may use this fraction of its share without a reservation; the rest is shared among those that reserve."""


def default_budget() -> int:
    """Return the default budget in bytes: 60 % of the machine's memory or of the control groups' limit."""
    return max(MIN_MEMORY, int(_DEFAULT_SHARE * min(total_memory(), memory_limit())))


class Budget:
    """The memory that all workers may use together.

    Each worker may use its baseline and its allowance without asking. The rest is shared and has to be reserved.
    """

    def __init__(self, total: int, workers: int) -> None:
        """Divide the memory."""
        self.total = total
        self.share = total // workers  # Of each worker, if they divide the total evenly.
        self._workers = workers
        self._divide(0)

    def measure(self) -> None:
        """Right before the first fork: take this process's size as the workers' baseline."""
        self._divide(resident_memory() or 0)

    def _divide(self, baseline: int) -> None:
        self.baseline = baseline  # What a worker uses before its first task; known after measure().
        self.allowance = max(0, self.share - baseline) // _ALLOWANCE_DIVISOR
        self.shared = self.total - self._workers * (baseline + self.allowance)

    def fits(self, size: int) -> bool:
        """Return whether a worker can get this much while all others are idle."""
        return self.baseline + size <= self.total

    def check(self, size: int) -> None:
        """Refuse what a worker cannot get even while all others are idle.

        Raises:
            MemoryError: names both numbers.
        """
        if not self.fits(size):
            needed, total = format_bytes(self.baseline + size), format_bytes(self.total)
            raise MemoryError(f"needs about {needed}, more than the memory budget of {total}")

    def limit_address_space(self) -> None:
        """In a worker: have the kernel refuse memory beyond the budget, in case a task needs more than it reserved."""
        size = address_space()
        if size is None or sys.platform == "darwin":
            return
        lower_limit(resource.RLIMIT_AS, size + self.total)

    def limit_files(self) -> None:
        """In a sandboxed worker: have the kernel refuse files that are larger than the budget.

        Outputs are made in memory, so no honest one is. Memfds that are not mapped count against no other limit.
        """
        lower_limit(resource.RLIMIT_FSIZE, self.total)


def format_bytes(count: int) -> str:
    """Return a size for a person, such as ``1.9 GB``."""
    for unit, power in (("GB", 9), ("MB", 6)):
        if count >= 10**power:
            return f"{count / 10**power:.3g} {unit}"
    return f"{count / 1000:.3g} kB"


class MemoryClient(Protocol):
    """A worker as the admission controller sees it."""

    def grant_memory(self) -> None:
        """Let its task continue: the memory is reserved."""


class AdmissionController:
    """Which worker holds memory and which waits; kept in the pool's process, so that no dead worker holds a lock.

    First come, first served: small requests do not overtake a large one, which would otherwise never be granted.
    """

    def __init__(self, budget: Budget) -> None:
        self.budget = budget
        self._waiting: dict[MemoryClient, int] = {}
        self._held: dict[MemoryClient, int] = {}

    def reserve(self, worker: MemoryClient, size: int) -> None:
        """Reserve this many bytes for a worker's task, which continues as soon as they are available."""
        self.release(worker)
        self._waiting[worker] = max(0, size - self.budget.allowance)
        self._admit()

    def release(self, worker: MemoryClient) -> None:
        """Release what a worker holds or waits for, because its task or the worker has ended."""
        if self._waiting.pop(worker, None) is not None or self._held.pop(worker, None) is not None:
            self._admit()

    def is_waiting(self, worker: MemoryClient) -> bool:
        """Return whether a worker's task waits for memory."""
        return worker in self._waiting

    def has_reserved(self, worker: MemoryClient) -> bool:
        """Return whether a worker holds a reservation."""
        return worker in self._held

    def share_of(self, worker: MemoryClient) -> int:
        """Return how many bytes a worker may use: an equal part of the budget, or what it reserved if that is more."""
        budget = self.budget
        reserved = budget.allowance + self._held[worker] if worker in self._held else 0
        return max(budget.share, budget.baseline + reserved)

    def _admit(self) -> None:
        while self._waiting:
            worker, size = next(iter(self._waiting.items()))
            # If nothing else holds memory, admit it even if it exceeds the budget: it would never run otherwise.
            if self._held and sum(self._held.values()) + size > self.budget.shared:
                return
            self._held[worker] = self._waiting.pop(worker)
            worker.grant_memory()
