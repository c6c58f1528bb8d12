"""What a report or a death means for a task: makes the answers. Holds no state and reads no clock."""

from typing import Any

from forkresize.pool.answer import Done, Fault, Item, Lost, Raised
from forkresize.pool.backlog import Task
from forkresize.pool.handle import WorkerHandle
from forkresize.pool.message import Failure, Kind, Report
from forkresize.pool.signals import signal_name
from forkresize.pool.unpickling import AnswerReader


def told(report: Report, task: Task[Item], worker: int, read: AnswerReader) -> Done[Item, Any] | Raised[Item]:
    """Return the answer that a worker's report amounts to.

    Args:
        report: that the work returned or raised.
        task: what it is about.
        worker: process id of who reported.
        read: unpickles what it sent.
    """
    particulars = (task.deaths + 1, worker, report.seconds, decode(report.stderr) if report.stderr else "")
    try:
        content = read(report.payload)
    except Exception as error:  # noqa: BLE001  A result's class may do anything.
        content, returned = Failure.of(error), False
    else:
        returned = report.kind == Kind.RETURNED
    if returned:
        return Done(task.item, content, *particulars)
    if not isinstance(content, Failure):
        content = Failure(f"the worker sent no error but a value of type {type(content).__name__}", "")
    return Raised(task.item, content.error, content.traceback, *particulars)


def unsendable(task: Task[Item], error: Exception, pool: int) -> Raised[Item]:
    """Return the answer for an item that can't be pickled; its worker is the pool's own process."""
    failure = Failure.of(error)
    return Raised(task.item, failure.error, failure.traceback, 0, pool, 0.0, "")


def lost(task: Task[Item], fault: Fault, member: WorkerHandle[Item], exit_code: int, seconds: float) -> Lost[Item]:
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
    return Lost(task.item, fault, signal, code, task.deaths + 1, member.pid, seconds, stderr)


def decode(stderr: bytes | bytearray) -> str:
    """Return standard error as text, whatever bytes it holds."""
    return stderr.decode(errors="replace")
