"""What happens to a task: Completed, Raised or WorkerLost; and what a worker is doing, Activity."""

from enum import StrEnum
from typing import Generic, TypeAlias, TypeVar

from msgspec import Struct

from forkresize.errors import BrokenPoolError, ForkresizeError

Item = TypeVar("Item")
Result = TypeVar("Result")


class LossReason(StrEnum):
    """Why a worker was lost together with its task."""

    CRASHED = "crashed"
    TIMED_OUT = "timed out"
    PROTOCOL_VIOLATION = "protocol violation"
    MEMORY_LIMIT = "memory limit"
    INTERRUPTED = "interrupted"


class _TaskResult(Struct, Generic[Item], frozen=True, kw_only=True, tag=True):
    """What all results of a task have in common.

    Attributes:
        item: the task's item.
        attempts: how many workers started the task; 0 if the item could not be serialized.
        worker: process id of the last of them; of the pool's own process if there was none.
        seconds: wall time the last of them spent on it, without waiting for memory.
        stderr: the end of what was written to file descriptor 2 during the task, by C libraries too.
        started: when the last of them began, by its own account and ``time.monotonic``; 0 if none did.
        stages: what else was done for the task, by name, with start and end by ``time.monotonic``; the pool adds none.
    """

    item: Item
    attempts: int
    worker: int
    seconds: float
    stderr: str
    started: float = 0.0
    stages: tuple[tuple[str, float, float], ...] = ()


class Completed(_TaskResult[Item], Generic[Item, Result], frozen=True, kw_only=True):
    """The work function returned.

    Attributes:
        result: what it returned.
    """

    result: Result


class Raised(_TaskResult[Item], frozen=True, kw_only=True):
    """The work function raised, or its item or result could not be serialized. Never retried.

    Attributes:
        error: the last line of the traceback, such as ``ValueError: no``.
        traceback: the whole traceback.
    """

    error: str
    traceback: str


class WorkerLost(_TaskResult[Item], frozen=True, kw_only=True):
    """The worker died of the task or was killed because of it.

    Attributes:
        reason: why.
        signal: name of the signal that ended the worker, such as ``SIGSEGV``; None if it exited.
        exit_code: the worker's exit code; None if a signal ended it.
        detail: what the worker took too much of, if it was that, such as ``used 512 MB, its share is 200 MB``.
    """

    reason: LossReason
    signal: str | None
    exit_code: int | None
    detail: str = ""

    def describe(self) -> str:
        """Return how the worker ended, such as ``killed by SIGSEGV``."""
        if self.reason is LossReason.MEMORY_LIMIT:
            return self.detail
        if self.reason is LossReason.TIMED_OUT:
            return f"killed after {self.seconds:.1f} s"
        if self.reason is LossReason.PROTOCOL_VIOLATION:
            return f"worker {self.detail or 'sent an invalid message'} and was killed"
        return f"killed by {self.signal}" if self.signal else f"exited with code {self.exit_code}"


TaskResult: TypeAlias = Completed[Item, Result] | Raised[Item] | WorkerLost[Item]


class Activity(Struct, Generic[Item], frozen=True):
    """What a worker is doing at the moment.

    Attributes:
        worker: its process id.
        item: the item of its task; None while it has none.
        seconds: wall time since the task's start.
    """

    worker: int
    item: Item | None
    seconds: float


class TaskError(ForkresizeError):
    """The exception of a future whose task raised in its worker.

    Attributes:
        result: the details: Raised, or WorkerLost in the subclass.
    """

    def __init__(self, text: str, result: Raised[None] | WorkerLost[None]) -> None:
        super().__init__(text)
        self.result = result


class WorkerLostError(TaskError):
    """The exception of a future whose task cost its worker: see WorkerLost."""


class SupervisorLostError(BrokenPoolError):
    """The exception of a future whose task was in progress each time when the supervisor's process died."""

    def __init__(self, text: str, task: object) -> None:
        super().__init__(text)
        self.task = task
