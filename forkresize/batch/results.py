"""The conversion of an executor's results to outcomes."""

import re
import time

from forkresize.batch.executor import NodeResult
from forkresize.batch.wire import WireOutcome
from forkresize.job import Job
from forkresize.outcome import (
    Execution,
    Failed,
    Outcome,
    OutputRef,
    Reason,
    Stage,
    Written,
    ref_to_job,
    truncate_warnings,
)
from forkresize.pool import LossReason, Raised, TaskResult, WorkerLost
from forkresize.store import OutputStore

_REASONS = {
    LossReason.CRASHED: Reason.CRASHED,
    LossReason.TIMED_OUT: Reason.TIMED_OUT,
    LossReason.PROTOCOL_VIOLATION: Reason.PROTOCOL_VIOLATION,
    LossReason.MEMORY_LIMIT: Reason.MEMORY_LIMIT,
    LossReason.INTERRUPTED: Reason.INTERRUPTED,
}

_NO_MEMORY = (
    r"memory allocation of \d+ bytes failed|failed to spawn thread"  # Rust
    r"|std::bad_alloc|std::length_error|std::system_error.*\n.*Resource temporarily unavailable"  # C++
    r"|[Cc]annot allocate memory|MemoryError"  # the C library, Python
)
"""What is written to standard error before a process ends that gets no memory, for an object or for a thread."""


def outcomes_from_result(result: TaskResult[Job, list[WireOutcome]] | NodeResult, store: OutputStore) -> list[Outcome]:
    """Return the outcomes of a job.

    Args:
        result: from the executor.
        store: where the outputs belong.
    """
    job = result.item
    warnings = [] if isinstance(result, NodeResult) else result.stderr.splitlines()
    execution = _execution(result)
    if isinstance(result, Raised | WorkerLost):
        return [Outcome(ref_to_job(job, store.location), _failure(result), execution, truncate_warnings(warnings))]
    found = result.outcomes if isinstance(result, NodeResult) else result.result
    if not _matches_request(found, job):
        error = "worker returned results for outputs that were not requested"
        detail = Failed(Reason.PROTOCOL_VIOLATION, error)
        return [Outcome(ref_to_job(job, store.location), detail, execution, truncate_warnings(warnings))]
    refs = {each.rendition: OutputRef(job.source, store.location(each.key), each.rendition) for each in job.outputs}
    return [
        Outcome(
            ref_to_job(job, store.location) if each.rendition is None else refs[each.rendition],
            each.detail,
            execution,
            truncate_warnings((*each.warnings, *warnings)) if warnings else each.warnings,
        )
        for each in found
    ]


def _execution(result: TaskResult[Job, list[WireOutcome]] | NodeResult) -> Execution:
    if isinstance(result, NodeResult) or not (result.started or result.stages):
        return Execution(result.attempts, result.worker, result.seconds)
    epoch = time.time() - time.monotonic()
    started = result.started and result.started + epoch
    stages = tuple(Stage(name, begin + epoch, end + epoch) for name, begin, end in result.stages)
    return Execution(result.attempts, result.worker, result.seconds, started, stages)


def _matches_request(results: list[WireOutcome], job: Job) -> bool:
    """Return whether there is one outcome for each output, or one for all of them together."""
    if len(results) == 1 and results[0].rendition is None:
        return not isinstance(results[0].detail, Written)
    if len(results) == len(job.outputs) == 1:
        return results[0].rendition == job.outputs[0].rendition
    requested = {output.rendition for output in job.outputs}
    return len(results) == len(requested) and {each.rendition for each in results} == requested


def _failure(result: Raised[Job] | WorkerLost[Job]) -> Failed:
    if isinstance(result, Raised):
        return Failed(Reason.INTERNAL, result.error)
    out_of_memory = result.reason is LossReason.CRASHED and re.search(_NO_MEMORY, result.stderr)
    reason = Reason.MEMORY_LIMIT if out_of_memory else _REASONS[result.reason]
    return Failed(reason, _describe_loss(result), result.signal)


def _describe_loss(lost: WorkerLost[Job]) -> str:
    hint = ""
    if lost.reason is LossReason.TIMED_OUT:
        hint = "; increase the timeout if it needs more time"
    elif lost.reason is LossReason.PROTOCOL_VIOLATION:
        hint = "; the picture may be malicious"
    elif lost.signal == "SIGKILL" and lost.reason is LossReason.CRASHED:
        hint = ", possibly by the kernel's out-of-memory killer"
    return lost.describe() + hint
