"""From what the pool answers to what became of the outputs. Decides nothing about the run."""

import re
from typing import TypedDict

from msgspec.structs import replace

from forkresize import storage
from forkresize.batch.wire import Told
from forkresize.job import Job
from forkresize.outcome import Failed, Outcome, Reason, Written, about, limited
from forkresize.pool import Answer, Done, Fault, Lost, Raised


class Common(TypedDict):
    """What the parent says of all outcomes of a job."""

    attempts: int
    worker: int | None
    seconds: float


_REASONS = {
    Fault.CRASHED: Reason.CRASHED,
    Fault.TIMED_OUT: Reason.TIMED_OUT,
    Fault.ASTRAY: Reason.ASTRAY,
    Fault.INTERRUPTED: Reason.INTERRUPTED,
}

_NO_MEMORY = re.compile(r"memory allocation of \d+ bytes failed|std::bad_alloc")
"""What Rust and C++ say on standard error when they get no memory, before they end the process."""


def outcomes_of(answer: Answer[Job, list[Told]], tag: str) -> list[Outcome]:
    """Return the outcomes of the job that was answered, and remove what a lost worker may have left of its outputs.

    Args:
        answer: what the pool says.
        tag: the run's, for temporary names.
    """
    said = answer.stderr.splitlines()
    # Some worker died of it, even if a later one did not.
    if isinstance(answer, Lost) or answer.attempts > 1:
        said += _swept(answer.item, tag)
    common = Common(attempts=answer.attempts, worker=answer.worker, seconds=answer.seconds)
    if not isinstance(answer, Done):
        return [replace(_failed(answer), **common, warnings=limited(said))]
    if not _is_asked_for(answer.result, answer.item):
        astray = Failed(**about(answer.item), reason=Reason.ASTRAY, error="its worker told of what it was not asked")
        return [replace(astray, **common, warnings=limited(said))]
    return [_outcome(told, answer.item, common, said) for told in answer.result]


def _is_asked_for(answer: list[Told], job: Job) -> bool:
    """Whether there is one outcome for each output, or one for all of them together."""
    if [told.of_all for told in answer] == [True]:
        return not issubclass(answer[0].kind, Written)
    asked = sorted(output.rendition for output in job.outputs)
    of_each = not any(told.of_all for told in answer)
    return of_each and sorted(told.rendition for told in answer) == asked


def _outcome(told: Told, job: Job, common: Common, said: list[str]) -> Outcome:
    paths = {output.rendition: output.path for output in job.outputs}
    particulars = told.particulars()
    if said:
        particulars["warnings"] = limited((*particulars["warnings"], *said))
    destination = None if told.of_all else paths[told.rendition]
    return told.kind(source=job.source, destination=destination, **common, **particulars)


def _swept(job: Job, tag: str) -> list[str]:
    told = []
    for output in job.outputs:
        try:
            storage.remove_temporary(output.path, tag)
        except OSError as error:
            told.append(f"a temporary file was left behind: {error}")
    return told


def _failed(answer: Raised[Job] | Lost[Job]) -> Outcome:
    if isinstance(answer, Raised):
        reason, error, signal = Reason.INTERNAL, answer.error, None
    else:
        reason, error, signal = _reason(answer), _particulars(answer), answer.signal
    return Failed(**about(answer.item), reason=reason, error=error, signal=signal)


def _reason(lost: Lost[Job]) -> Reason:
    if lost.fault is Fault.CRASHED and _NO_MEMORY.search(lost.stderr):
        return Reason.MEMORY_LIMIT
    return _REASONS[lost.fault]


def _particulars(lost: Lost[Job]) -> str:
    if lost.fault is Fault.TIMED_OUT:
        return f"stopped after {lost.seconds:.1f} s; --timeout gives it longer"
    if lost.fault is Fault.ASTRAY:
        return "its worker sent what no worker sends, as one does that was taken over, and was ended"
    if lost.signal == "SIGKILL" and lost.fault is Fault.CRASHED:
        return "killed by SIGKILL, as the kernel does when memory runs out"
    return f"ended by {lost.signal}" if lost.signal else f"left with exit code {lost.exit_code}"
