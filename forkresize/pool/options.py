"""How a pool is to be run: PoolOptions. Holds numbers only."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolOptions:
    """How a pool is to be run.

    Attributes:
        workers: how many jobs run at a time; None for as many as there are CPUs this process may use.
        timeout: seconds a job may take before its worker is killed; None for no limit. Such a job is not tried again.
        retries: how often a job whose worker died is tried again, alone, when all others are answered.
        max_tasks: jobs after which a worker is replaced; 0 for never.
        tick: seconds between two calls of ``on_tick``.

    Raises:
        ValueError: a number is out of its range.
    """

    workers: int | None = None
    timeout: float | None = None
    retries: int = 1
    max_tasks: int = 0
    tick: float = 0.1

    def __post_init__(self) -> None:
        if self.workers is not None and self.workers < 1:
            raise ValueError(f"workers: {self.workers} is not at least 1")
        if self.timeout is not None and not self.timeout > 0:
            raise ValueError(f"timeout: {self.timeout} is not more than 0")
        for name in ("retries", "max_tasks", "tick"):
            if getattr(self, name) < 0:
                raise ValueError(f"{name}: {getattr(self, name)} is less than 0")
