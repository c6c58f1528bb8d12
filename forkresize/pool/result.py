"""What comes out of the pool: one Done, Raised or Lost for every item. Holds no processes."""

from enum import StrEnum
from typing import Generic, TypeAlias, TypeVar

from msgspec import Struct

Item = TypeVar("Item")
Result = TypeVar("Result")


class LossReason(StrEnum):
    """Why a job was lost together with its worker."""

    CRASHED = "crashed"
    TIMED_OUT = "timed out"
    PROTOCOL_VIOLATION = "protocol violation"
    INTERRUPTED = "interrupted"


class Completed(Struct, Generic[Item, Result], frozen=True):
    """The work returned.

    Attributes:
        item: what the job was about.
        result: what the work returned.
        attempts: how many workers started the job.
        worker: process id of the last of them.
        seconds: wall time the last of them spent on it.
        stderr: the end of what was written to file descriptor 2 meanwhile, by C libraries too.
    """

    item: Item
    result: Result
    attempts: int
    worker: int
    seconds: float
    stderr: str


class Raised(Struct, Generic[Item], frozen=True):
    """The work raised, or its item or result could not be sent; never tried again.

    Attributes:
        item: what the job was about.
        error: the exception as a traceback's last line has it, such as ``ValueError: no``.
        traceback: the whole traceback.
        attempts: how many workers started the job; 0 if the item could not be sent to any.
        worker: process id of the one that raised.
        seconds: wall time it spent on the job.
        stderr: the end of what was written to file descriptor 2 meanwhile.
    """

    item: Item
    error: str
    traceback: str
    attempts: int
    worker: int
    seconds: float
    stderr: str


class WorkerLost(Struct, Generic[Item], frozen=True):
    """The worker died of the job, or was killed for it.

    Attributes:
        item: what the job was about.
        reason: why.
        signal: name of the signal that ended the worker, such as ``SIGSEGV``; None if it exited.
        exit_code: what the worker exited with; None if a signal ended it.
        attempts: how many workers started the job.
        worker: process id of the last of them.
        seconds: wall time from the job's start to the worker's end.
        stderr: the end of what was written to file descriptor 2 meanwhile.
    """

    item: Item
    reason: LossReason
    signal: str | None
    exit_code: int | None
    attempts: int
    worker: int
    seconds: float
    stderr: str


TaskResult: TypeAlias = Completed[Item, Result] | Raised[Item] | WorkerLost[Item]


class Activity(Struct, Generic[Item], frozen=True):
    """What a worker is doing at the moment.

    Attributes:
        worker: its process id.
        item: what its job is about; None while it has none.
        seconds: wall time since the job's start.
    """

    worker: int
    item: Item | None
    seconds: float
