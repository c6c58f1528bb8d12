"""Settings of a pool: PoolOptions, and the Serializer of its tasks and results."""

from collections.abc import Callable
from typing import Any

from msgspec import Struct

from forkresize.errors import FieldError
from forkresize.pool.memory import MIN_MEMORY
from forkresize.pool.protocol import MAX_PAYLOAD
from forkresize.pool.sandbox import SandboxPolicy

MAX_NICE = 19
"""The highest niceness of every system."""

_MINIMUM = {"workers": 1, "memory": MIN_MEMORY, "retries": 0, "max_tasks": 0, "tick": 0, "stop_after": 0, "nice": 0}


class Serializer(Struct, frozen=True):
    """How a task or a result becomes bytes in one process and a value again in another.

    Attributes:
        encode: returns the bytes of a value.
        decode: returns the value of the bytes, or raises any exception. Results may be arbitrary bytes if a worker was
            taken over by its input. Pickle is unsafe for them: it can call anything and allocate any memory.
        validates: whether ``decode`` checks what it gets, so that a result that it refuses shows that the worker was
            taken over. The worker is killed then; otherwise the error counts as that of the task.
        max_bytes: the most bytes of a result. A worker that sends more is killed.
    """

    encode: Callable[[Any], bytes]
    decode: Callable[[bytes | bytearray], Any]
    validates: bool = False
    max_bytes: int = MAX_PAYLOAD


def _pickle(value: Any) -> bytes:
    import pickle

    return pickle.dumps(value, protocol=pickle.HIGHEST_PROTOCOL)


def _unpickle(data: bytes | bytearray) -> Any:
    import pickle

    return pickle.loads(data)  # noqa: S301 (for what is trusted, see below)


PICKLE = Serializer(_pickle, _unpickle)
"""For tasks, and for results of workers that can be trusted."""


class PoolOptions(Struct, frozen=True, kw_only=True):
    """Settings of a pool.

    Attributes:
        workers: maximum number of workers; None for the number of CPUs this process may use.
        timeout: seconds a task may take before its worker is killed; None for no limit. It is not retried.
        retries: how often a task whose worker died is retried: alone, when no other task waits.
        max_tasks: tasks after which a worker is replaced; 0 for never.
        memory: bytes that all workers together may use; None for 60 % of what is available.
        tick: seconds between two calls of ``on_tick``.
        sandbox: what the workers may do; None for no restrictions.
        stop_after: seconds after which no further task is started; None for no limit.
        nice: niceness that is added to the workers', 0 to 19; see nice(1).
        serializer: how results cross from the workers.
        task_serializer: how tasks cross to the workers.
        batches: whether a worker holds several short tasks, up to 32, that are sent to it together; otherwise two. Not
            for a source of items that waits for results.

    Raises:
        FieldError: a number is out of range.
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
    task_serializer: Serializer = PICKLE
    batches: bool = False

    def __post_init__(self) -> None:
        for name, minimum in _MINIMUM.items():
            value = getattr(self, name)
            if value is not None and not value >= minimum:
                raise FieldError(name, f"invalid value {value}: must be at least {minimum}")
        if self.timeout is not None and not self.timeout > 0:
            raise FieldError("timeout", f"invalid value {self.timeout}: must be greater than 0")
        if self.nice > MAX_NICE:
            raise FieldError("nice", f"invalid value {self.nice}: must be at most {MAX_NICE}")
