"""From what the pool answers to what became of the outputs. Decides nothing about the run."""

import re

from forkresize.batch.wire import WireOutcome
from forkresize.job import Job
from forkresize.outcome import Execution, Failed, Outcome, OutputRef, Reason, Written, ref_to_job, truncate_warnings
from forkresize.pool import Completed, LossReason, Raised, TaskResult, WorkerLost
from forkresize.store import OutputStore

_REASONS = {
    LossReason.CRASHED: Reason.CRASHED,
    LossReason.TIMED_OUT: Reason.TIMED_OUT,
    LossReason.PROTOCOL_VIOLATION: Reason.PROTOCOL_VIOLATION,
    LossReason.INTERRUPTED: Reason.INTERRUPTED,
}

_NO_MEMORY = re.compile(r"memory allocation of \d+ bytes failed|std::bad_alloc")
"""What Rust and C++ say on standard error when they get no memory, before they end the process."""


def outcomes_from_result(answer: TaskResult[Job, list[WireOutcome]], store: OutputStore) -> list[Outcome]:
    """Return the outcomes of the job that was answered, and remove what a lost worker may have left of its outputs.

    Args:
        answer: what the pool says.
        store: where the outputs are, with the id of the run.
    """
    said = answer.stderr.splitlines()
    # Some worker died of it, even if a later one did not.
    if isinstance(answer, WorkerLost) or answer.attempts > 1:
        said += _remove_leftovers(answer.item, store)
    execution = Execution(answer.attempts, answer.worker, answer.seconds)
    job = answer.item
    if not isinstance(answer, Completed):
        return [Outcome(ref_to_job(job, store.location), _failed(answer), execution, truncate_warnings(said))]
    if not _matches_request(answer.result, job):
        error = "worker returned results for outputs that were not requested"
        detail = Failed(Reason.PROTOCOL_VIOLATION, error)
        return [Outcome(ref_to_job(job, store.location), detail, execution, truncate_warnings(said))]
    refs = {each.rendition: OutputRef(job.source, store.location(each.key), each.rendition) for each in job.outputs}
    return [
        Outcome(
            ref_to_job(job, store.location) if each.rendition is None else refs[each.rendition],
            each.detail,
            execution,
            truncate_warnings((*each.warnings, *said)) if said else each.warnings,
        )
        for each in answer.result
    ]


def _matches_request(results: list[WireOutcome], job: Job) -> bool:
    """Whether there is one outcome for each output, or one for all of them together."""
    if [each.rendition for each in results] == [None]:
        return not isinstance(results[0].detail, Written)
    requested = {output.rendition for output in job.outputs}
    return len(results) == len(requested) and {each.rendition for each in results} == requested


def _remove_leftovers(job: Job, store: OutputStore) -> list[str]:
    warnings = []
    for output in job.outputs:
        try:
            store.clean(store.run_id, output.key)
        except OSError as error:
            warnings.append(f"a temporary file was left behind: {error}")
    return warnings


def _failed(answer: Raised[Job] | WorkerLost[Job]) -> Failed:
    if isinstance(answer, Raised):
        reason, error, signal = Reason.INTERNAL, answer.error, None
    else:
        reason, error, signal = _reason(answer), _describe_loss(answer), answer.signal
    return Failed(reason, error, signal)


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
