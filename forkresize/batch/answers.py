"""From what the pool answers to what became of the picture. Decides nothing about the run."""

from dataclasses import replace

from forkresize import storage
from forkresize.job import Job
from forkresize.outcome import Failed, Outcome, Reason
from forkresize.pool import Answer, Done, Fault, Lost, Raised

_REASONS = {
    Fault.CRASHED: Reason.CRASHED,
    Fault.TIMED_OUT: Reason.TIMED_OUT,
    Fault.INTERRUPTED: Reason.INTERRUPTED,
}


def outcome_of(answer: Answer[Job, Outcome], tag: str) -> Outcome:
    """Return the outcome of the job that was answered, and remove what a lost worker may have left of its output.

    Args:
        answer: what the pool says.
        tag: the run's, for temporary names.
    """
    outcome = answer.result if isinstance(answer, Done) else _failed(answer)
    warnings = [*outcome.warnings, *answer.stderr.splitlines()]
    # Some worker died of it, even if a later one did not.
    if isinstance(answer, Lost) or answer.attempts > 1:
        try:
            storage.remove_temporary(answer.item.destination, tag)
        except OSError as error:
            warnings.append(f"a temporary file was left behind: {error}")
    return replace(
        outcome,
        attempts=answer.attempts,
        worker=answer.worker,
        seconds=answer.seconds,
        warnings=tuple(warnings),
    )


def _failed(answer: Raised[Job] | Lost[Job]) -> Failed:
    job = answer.item
    if isinstance(answer, Raised):
        return Failed(source=job.source, destination=job.destination, reason=Reason.INTERNAL, error=answer.error)
    return Failed(
        source=job.source,
        destination=job.destination,
        reason=_REASONS[answer.fault],
        error=_particulars(answer),
        signal=answer.signal,
    )


def _particulars(lost: Lost[Job]) -> str:
    if lost.fault is Fault.TIMED_OUT:
        return f"stopped after {lost.seconds:.1f} s; --timeout gives it longer"
    if lost.signal == "SIGKILL" and lost.fault is Fault.CRASHED:
        return "killed by SIGKILL, as the kernel does when memory runs out"
    return f"ended by {lost.signal}" if lost.signal else f"left with exit code {lost.exit_code}"
