"""How a pool is to be run: PoolOptions. Holds values only."""

from msgspec import Struct

from forkresize.pool.memory import MIN_MEMORY
from forkresize.pool.sandbox import SandboxPolicy
from forkresize.pool.serializer import PICKLE, Serializer

MAX_NICE = 19
"""As far as a process can give way on every system."""


class PoolOptions(Struct, frozen=True, kw_only=True):
    """How a pool is to be run.

    Attributes:
        workers: how many jobs run at a time; None for as many as there are CPUs this process may use.
        timeout: seconds a job may take before its worker is killed; None for no limit. Such a job is not tried again.
        retries: how often a job whose worker died is tried again, alone, when all others are answered.
        max_tasks: jobs after which a worker is replaced; 0 for never.
        memory: bytes that all workers together may take; None for 60 % of what there is.
        tick: seconds between two calls of ``on_tick``.
        sandbox: what the workers are held to; None for nothing.
        stop_after: seconds after which no further job is started; None for no limit.
        serializer: how results come from the workers.
        nice: how much the workers give way to other processes, 0 to 19; see nice(1).

    Raises:
        ValueError: a number is out of its range.
    """

    workers: int | None = None
    timeout: float | None = None
    retries: int = 1
    max_tasks: int = 0
    memory: int | None = None
    tick: float = 0.1
    sandbox: SandboxPolicy | None = None
    stop_after: float | None = None
    nice: int = 0
    serializer: Serializer = PICKLE

    def __post_init__(self) -> None:
        if self.workers is not None and self.workers < 1:
            raise ValueError(f"workers: {self.workers} is not at least 1")
        if self.memory is not None and self.memory < MIN_MEMORY:
            raise ValueError(f"memory: {self.memory} is not at least {MIN_MEMORY}")
        if self.timeout is not None and not self.timeout > 0:
            raise ValueError(f"timeout: {self.timeout} is not more than 0")
        if self.stop_after is not None and self.stop_after < 0:
            raise ValueError(f"stop_after: {self.stop_after} is less than 0")
        if not 0 <= self.nice <= MAX_NICE:
            raise ValueError(f"nice: {self.nice} is not from 0 to {MAX_NICE}")
        for name in ("retries", "max_tasks", "tick"):
            if getattr(self, name) < 0:
                raise ValueError(f"{name}: {getattr(self, name)} is less than 0")
