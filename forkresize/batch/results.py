"""From what the pool answers to what became of the outputs. Decides nothing about the run."""

import re
from typing import TypedDict

from msgspec.structs import replace

from forkresize import storage
from forkresize.batch.wire import WireOutcome
from forkresize.job import Job
from forkresize.outcome import Failed, Outcome, Reason, Written, about, truncate_warnings
from forkresize.pool import Completed, LossReason, Raised, TaskResult, WorkerLost


class Execution(TypedDict):
    """What the parent says of all outcomes of a job."""

    attempts: int
    worker: int | None
    seconds: float


_REASONS = {
    LossReason.CRASHED: Reason.CRASHED,
    LossReason.TIMED_OUT: Reason.TIMED_OUT,
    LossReason.PROTOCOL_VIOLATION: Reason.PROTOCOL_VIOLATION,
    LossReason.INTERRUPTED: Reason.INTERRUPTED,
}

_NO_MEMORY = re.compile(r"memory allocation of \d+ bytes failed|std::bad_alloc")
"""What Rust and C++ say on standard error when they get no memory, before they end the process."""


def outcomes_from_result(answer: TaskResult[Job, list[WireOutcome]], tag: str) -> list[Outcome]:
    """Return the outcomes of the job that was answered, and remove what a lost worker may have left of its outputs.

    Args:
        answer: what the pool says.
        tag: the run's, for temporary names.
    """
    said = answer.stderr.splitlines()
    # Some worker died of it, even if a later one did not.
    if isinstance(answer, WorkerLost) or answer.attempts > 1:
        said += _remove_leftovers(answer.item, tag)
    common = Execution(attempts=answer.attempts, worker=answer.worker, seconds=answer.seconds)
    if not isinstance(answer, Completed):
        return [replace(_failed(answer), **common, warnings=truncate_warnings(said))]
    if not _matches_request(answer.result, answer.item):
        astray = Failed(
            **about(answer.item), reason=Reason.PROTOCOL_VIOLATION, error="its worker told of what it was not asked"
        )
        return [replace(astray, **common, warnings=truncate_warnings(said))]
    return [_outcome(told, answer.item, common, said) for told in answer.result]


def _matches_request(answer: list[WireOutcome], job: Job) -> bool:
    """Whether there is one outcome for each output, or one for all of them together."""
    if [told.of_all for told in answer] == [True]:
        return not issubclass(answer[0].kind, Written)
    asked = sorted(output.rendition for output in job.outputs)
    of_each = not any(told.of_all for told in answer)
    return of_each and sorted(told.rendition for told in answer) == asked


def _outcome(told: WireOutcome, job: Job, common: Execution, said: list[str]) -> Outcome:
    paths = {output.rendition: output.path for output in job.outputs}
    particulars = told.particulars()
    if said:
        particulars["warnings"] = truncate_warnings((*particulars["warnings"], *said))
    destination = None if told.of_all else paths[told.rendition]
    return told.kind(source=job.source, destination=destination, **common, **particulars)


def _remove_leftovers(job: Job, tag: str) -> list[str]:
    told = []
    for output in job.outputs:
        try:
            storage.remove_temporary(output.path, tag)
        except OSError as error:
            told.append(f"a temporary file was left behind: {error}")
    return told


def _failed(answer: Raised[Job] | WorkerLost[Job]) -> Outcome:
    if isinstance(answer, Raised):
        reason, error, signal = Reason.INTERNAL, answer.error, None
    else:
        reason, error, signal = _reason(answer), _describe_loss(answer), answer.signal
    return Failed(**about(answer.item), reason=reason, error=error, signal=signal)


def _reason(lost: WorkerLost[Job]) -> Reason:
    if lost.reason is LossReason.CRASHED and _NO_MEMORY.search(lost.stderr):
        return Reason.MEMORY_LIMIT
    return _REASONS[lost.reason]


def _describe_loss(lost: WorkerLost[Job]) -> str:
    if lost.reason is LossReason.TIMED_OUT:
        return f"stopped after {lost.seconds:.1f} s; --timeout gives it longer"
    if lost.reason is LossReason.PROTOCOL_VIOLATION:
        return "its worker sent what no worker sends, as one does that was taken over, and was ended"
    if lost.signal == "SIGKILL" and lost.reason is LossReason.CRASHED:
        return "killed by SIGKILL, as the kernel does when memory runs out"
    return f"ended by {lost.signal}" if lost.signal else f"left with exit code {lost.exit_code}"
