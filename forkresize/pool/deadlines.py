"""When a worker's task is overdue, and when to check that again."""

import math
from typing import Any

from forkresize.pool.handle import WorkerHandle

_START_GRACE = 10.0
"""Seconds that a worker on a busy machine may take to start a task it was assigned, beyond the task's timeout."""


def deadline(worker: WorkerHandle[Any], resumed_at: float) -> float:
    """Return when a worker's current task is overdue, by the clock of the worker; infinite without a task.

    Args:
        worker: a worker that does not wait for memory.
        resumed_at: when all processes last continued after being stopped together, as by Ctrl-Z; time before that is
            ignored.
    """
    first = worker.progress.first
    if first is None:
        return math.inf
    task, since = worker.progress.read()
    grace = 0.0 if task is not None else _START_GRACE
    return max(since, resumed_at) + grace + first.timeout


def earliest_deadline(worker: WorkerHandle[Any], now: float) -> float:
    """Return a time before which none of a worker's tasks becomes overdue that starts now or later."""
    return min((now + task.timeout for task in worker.tasks.values()), default=math.inf)
