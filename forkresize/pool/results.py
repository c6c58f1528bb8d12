"""What a report or a death means for a task: makes the answers. Holds no state and reads no clock."""

from collections.abc import Callable
from typing import Any

from forkresize.pool.handle import WorkerHandle
from forkresize.pool.protocol import Failure, MessageType, WorkerMessage, decode_failure
from forkresize.pool.queue import Task
from forkresize.pool.result import Completed, Item, LossReason, Raised, WorkerLost
from forkresize.pool.signals import signal_name


def from_message(
    report: WorkerMessage, task: Task[Item], worker: int, decode_result: Callable[[bytes | bytearray], Any]
) -> Completed[Item, Any] | Raised[Item]:
    """Return the answer that a worker's report amounts to.

    Args:
        report: that the work returned or raised.
        task: what it is about.
        worker: process id of who reported.
        decode_result: tells what the payload of a result is.
    """
    particulars = (task.deaths + 1, worker, report.seconds, decode(report.stderr) if report.stderr else "")
    try:
        if report.kind == MessageType.RETURNED:
            return Completed(task.item, decode_result(report.payload), *particulars)
        failure = decode_failure(report.payload)
    except Exception as error:  # noqa: BLE001  What it sent may be anything.
        failure = Failure.of(error)
    return Raised(task.item, failure.error, failure.traceback, *particulars)


def from_pickling_error(task: Task[Item], error: Exception, pool: int) -> Raised[Item]:
    """Return the answer for an item that can't be pickled; its worker is the pool's own process."""
    failure = Failure.of(error)
    return Raised(task.item, failure.error, failure.traceback, 0, pool, 0.0, "")


def from_loss(
    task: Task[Item], fault: LossReason, member: WorkerHandle[Item], exit_code: int, seconds: float
) -> WorkerLost[Item]:
    """Return the answer for a task that its worker died of.

    Args:
        task: what the worker was on; this death is not yet counted.
        fault: why it died.
        member: the dead worker.
        exit_code: its exit code, or the negated number of the signal that ended it.
        seconds: wall time that it was on the task.
    """
    signal = signal_name(-exit_code) if exit_code < 0 else None
    code = None if exit_code < 0 else exit_code
    stderr = decode(member.station.stderr.read())
    return WorkerLost(task.item, fault, signal, code, task.deaths + 1, member.pid, seconds, stderr)


def decode(stderr: bytes | bytearray) -> str:
    """Return standard error as text, whatever bytes it holds."""
    return stderr.decode(errors="replace")
