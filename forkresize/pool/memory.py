"""How much memory the workers may take together, and who has to wait for it: Budget, Admission. Measures no work."""

import contextlib
import resource
import sys
from contextvars import ContextVar
from pathlib import Path
from typing import Any, Protocol

from forkresize.pool.machine import memory_limit, total_memory

_SHARE = 0.6
"""Of what there is, for a pool that is told nothing else."""

MIN_MEMORY = 64_000_000
"""Bytes with which a single worker gets by."""

_UNASKED = 4
"""A worker may take this part of its share without asking; the rest goes to whoever needs more."""

_SIZE, _RESIDENT = 0, 1
"""Fields of ``/proc/<pid>/statm``, in pages; see proc(5)."""


class Reserve(Protocol):
    """Waits until a job's memory is free."""

    def __call__(self, need: int, /) -> None:
        """Wait; what is free then is the job's until it ends.

        Args:
            need: bytes that the job takes at most, beyond what an idle worker has.

        Raises:
            MemoryError: there will never be so much.
        """


CURRENT_MEMORY_CLIENT: ContextVar[Reserve | None] = ContextVar("CURRENT_MEMORY_CLIENT", default=None)
"""In a worker: how its jobs reserve memory."""


def reserve(need: int) -> None:
    """Wait until a job's memory is free, in a worker of a pool; elsewhere, do nothing. See Reserve."""
    way = CURRENT_MEMORY_CLIENT.get()
    if way is not None:
        way(need)


def default_budget() -> int:
    """Return the bytes that are the workers' if nobody says: 60 % of the machine's, or of the control groups' limit."""
    return max(MIN_MEMORY, int(_SHARE * min(total_memory(), memory_limit())))


def resident(pid: int | str = "self") -> int | None:
    """Return the bytes of memory that a process holds; None where that can't be known."""
    return _pages(pid, _RESIDENT)


def _pages(pid: int | str, field: int) -> int | None:
    # It may have ended, and not every system tells.
    with contextlib.suppress(OSError):
        return int(Path(f"/proc/{pid}/statm").read_bytes().split()[field]) * resource.getpagesize()
    return None


class Budget:
    """The memory that workers may take together.

    Every worker may take a part without asking: what it has when idle, and its allowance. The rest, the room, is lent.

    Attributes:
        total: bytes.
        share: what comes to each worker if all take the same.
        idle: what a worker has before its first job; known from measure() on.
        allowance: what a job may take without asking.
        room: what is left for those who ask.
    """

    def __init__(self, total: int, workers: int) -> None:
        """Divide memory.

        Args:
            total: bytes.
            workers: how many there may be.
        """
        self.total = total
        self.share = total // workers
        self._workers = workers
        self._divide(0)

    def measure(self) -> None:
        """Right before the first fork: take note of how large a worker is."""
        self._divide(resident() or 0)

    def _divide(self, idle: int) -> None:
        self.idle = idle
        self.allowance = max(0, self.share - idle) // _UNASKED
        self.room = self.total - self._workers * (idle + self.allowance)

    def check(self, need: int) -> None:
        """Refuse what a worker can't have even while all others are idle.

        Raises:
            MemoryError: tells both numbers.
        """
        if self.idle + need > self.total:
            raise MemoryError(f"needs about {_told(self.idle + need)}, more than --memory {_told(self.total)}")

    def limit_address_space(self) -> None:
        """In a worker: have the kernel refuse what is beyond the budget, should a job need more than it said."""
        size = _pages("self", _SIZE)
        if size is None or sys.platform == "darwin":
            return
        soft, hard = resource.getrlimit(resource.RLIMIT_AS)
        limits = [limit for limit in (soft, hard, size + self.total) if limit != resource.RLIM_INFINITY]
        resource.setrlimit(resource.RLIMIT_AS, (min(limits), hard))


def _told(count: int) -> str:
    for unit, power in (("GB", 9), ("MB", 6)):
        if count >= 10**power:
            return f"{count / 10**power:.3g} {unit}"
    return f"{count / 1000:.3g} kB"


class Admitted(Protocol):
    """Whoever asks for memory; in the parent's process, the handle of a worker."""

    def admit(self) -> None:
        """Let it go on."""


class AdmissionController:
    """Who has memory and who waits for it; in the parent's process, so that nobody who dies leaves a lock behind.

    First come, first served: nobody is let past one who waits, or a giant would wait for ever.

    Attributes:
        budget: what there is.
    """

    def __init__(self, budget: Budget) -> None:
        self.budget = budget
        self._waiting: dict[Any, int] = {}
        self._held: dict[Any, int] = {}

    def ask(self, member: Admitted, need: int) -> None:
        """Take note that a worker's job needs so many bytes; let it go on as soon as they are there."""
        self.release(member)
        self._waiting[member] = max(0, need - self.budget.allowance)
        self._admit()

    def release(self, member: Admitted) -> None:
        """Take back what a worker has, or what it waits for: its job has ended, or it has."""
        if self._waiting.pop(member, None) is not None or self._held.pop(member, None) is not None:
            self._admit()

    def is_waiting(self, member: Admitted) -> bool:
        """Whether a worker's job has to wait."""
        return member in self._waiting

    def has_outgrown(self, member: Admitted, resident: int) -> bool:
        """Whether a worker has more memory than its share, without having asked for it."""
        return member not in self._held and resident > max(self.budget.share, self.budget.idle)

    def _admit(self) -> None:
        while self._waiting:
            member, need = next(iter(self._waiting.items()))
            # Alone, it gets all there is, and be it too much: it would wait for ever.
            if self._held and sum(self._held.values()) + need > self.budget.room:
                return
            self._held[member] = self._waiting.pop(member)
            member.admit()
