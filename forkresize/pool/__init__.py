"""A pool of forked workers that survives the death of any of them. See Pool, and PoolProcess for threaded programs."""

from typing import TYPE_CHECKING

from forkresize.pool.client import request_file, reserve
from forkresize.pool.files import WithFiles, sealed_memfd
from forkresize.pool.memory import MIN_MEMORY, default_budget
from forkresize.pool.options import PoolOptions, Serializer
from forkresize.pool.pool import Pool
from forkresize.pool.queue import NothingYet
from forkresize.pool.result import (
    Activity,
    Completed,
    LossReason,
    Raised,
    SupervisorLostError,
    TaskError,
    TaskResult,
    WorkerLost,
    WorkerLostError,
)
from forkresize.pool.sandbox import SandboxMode, SandboxPolicy, require_support
from forkresize.pool.signals import ignore_stops, leaving_announced, raise_on_stop, sigio_ignored, signal_name
from forkresize.pool.system import available_cpus
from forkresize.pool.task import Receiver

if TYPE_CHECKING:
    from forkresize.pool.forked_iterator import ForkedIterator
    from forkresize.pool.process import PoolProcess

__all__ = [
    "MIN_MEMORY",
    "Activity",
    "Completed",
    "ForkedIterator",
    "LossReason",
    "NothingYet",
    "Pool",
    "PoolOptions",
    "PoolProcess",
    "Raised",
    "Receiver",
    "SandboxMode",
    "SandboxPolicy",
    "Serializer",
    "SupervisorLostError",
    "TaskError",
    "TaskResult",
    "WithFiles",
    "WorkerLost",
    "WorkerLostError",
    "available_cpus",
    "default_budget",
    "ignore_stops",
    "leaving_announced",
    "raise_on_stop",
    "request_file",
    "require_support",
    "reserve",
    "sealed_memfd",
    "sigio_ignored",
    "signal_name",
]


def __getattr__(name: str) -> object:
    # These take a while to load, and many programs do without.
    if name == "ForkedIterator":
        from forkresize.pool.forked_iterator import ForkedIterator

        return ForkedIterator
    if name == "PoolProcess":
        from forkresize.pool.process import PoolProcess

        return PoolProcess
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
