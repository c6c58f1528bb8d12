"""From what the pool answers to what became of the outputs. Decides nothing about the run."""

import re
from dataclasses import replace

from forkresize import storage
from forkresize.job import Job
from forkresize.outcome import Failed, Outcome, Reason, about, limited
from forkresize.pool import Answer, Done, Fault, Lost, Raised

_REASONS = {
    Fault.CRASHED: Reason.CRASHED,
    Fault.TIMED_OUT: Reason.TIMED_OUT,
    Fault.ASTRAY: Reason.ASTRAY,
    Fault.INTERRUPTED: Reason.INTERRUPTED,
}

_NO_MEMORY = re.compile(r"memory allocation of \d+ bytes failed|std::bad_alloc")
"""What Rust and C++ say on standard error when they get no memory, before they end the process."""


def outcomes_of(answer: Answer[Job, list[Outcome]], tag: str) -> list[Outcome]:
    """Return the outcomes of the job that was answered, and remove what a lost worker may have left of its outputs.

    Args:
        answer: what the pool says.
        tag: the run's, for temporary names.
    """
    outcomes = answer.result if isinstance(answer, Done) else _failed(answer)
    paths = {output.rendition: output.path for output in answer.item.outputs}
    told = list(answer.stderr.splitlines())
    # Some worker died of it, even if a later one did not.
    if isinstance(answer, Lost) or answer.attempts > 1:
        told += _swept(answer.item, tag)
    return [
        replace(
            outcome,
            # Not as the worker says, which the picture may have made its own.
            source=answer.item.source,
            destination=outcome.destination and paths.get(outcome.rendition),
            attempts=answer.attempts,
            worker=answer.worker,
            seconds=answer.seconds,
            warnings=(*limited(outcome.warnings), *limited(told)),
        )
        for outcome in outcomes
    ]


def _swept(job: Job, tag: str) -> list[str]:
    told = []
    for output in job.outputs:
        try:
            storage.remove_temporary(output.path, tag)
        except OSError as error:
            told.append(f"a temporary file was left behind: {error}")
    return told


def _failed(answer: Raised[Job] | Lost[Job]) -> list[Outcome]:
    if isinstance(answer, Raised):
        reason, error, signal = Reason.INTERNAL, answer.error, None
    else:
        reason, error, signal = _reason(answer), _particulars(answer), answer.signal
    return [Failed(**about(answer.item), reason=reason, error=error, signal=signal)]


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
