"""The decision which task is to blame for the death of a worker."""

from typing import Any

from forkresize.pool.handle import WorkerHandle
from forkresize.pool.result import LossReason
from forkresize.pool.signals import STOP_SIGNALS, StopSignals
from forkresize.pool.task import Task

_GROUP_SIGNAL_DELAY = 0.05
"""Seconds within which a signal to the process group reaches the parent after it has ended a worker."""

_MAX_REQUEUES = 20
_MAX_REQUEUES_BY_REASON = {LossReason.PROTOCOL_VIOLATION: 0, LossReason.TIMED_OUT: 1, LossReason.MEMORY_LIMIT: 1}
"""How many workers may end with a task that they had not started, by their own account, before it is to blame."""


def find_culprit(
    worker: WorkerHandle[Any], reason: LossReason, overdue: Task[Any] | None
) -> tuple[Task[Any] | None, float]:
    """Return the task to blame for a worker's death, and the time since which the worker was on it."""
    task, since = worker.progress.read()
    if reason is LossReason.TIMED_OUT and task is not overdue:
        return None, since  # It had started the next task, which is innocent.
    if task is None and (worker.ready or reason is LossReason.PROTOCOL_VIOLATION):
        # What a worker records about itself is no more trustworthy than its messages.
        task = worker.progress.first_requeued(_MAX_REQUEUES_BY_REASON.get(reason, _MAX_REQUEUES))
    return task, since


def is_interrupted(reason: LossReason, exit_code: int, signals: StopSignals) -> bool:
    """Return whether a worker ended because the user stopped the run, as a signal to the whole process group does."""
    by_stop_signal = -exit_code in STOP_SIGNALS
    if reason is LossReason.CRASHED and by_stop_signal and signals.first is None:
        signals.wait(_GROUP_SIGNAL_DELAY)
    return signals.forced or (signals.first is not None and by_stop_signal)
