"""Outputs in a destination apart from the sources, and what any output strategy has to do."""

from collections.abc import Iterator
from typing import Protocol

from msgspec.structs import replace

from forkresize.batch.staleness_checker import StalenessChecker
from forkresize.errors import describe
from forkresize.job import Job, Output, Source
from forkresize.outcome import UNCHANGED, Failed, Outcome, OutputRef, Reason, Unchanged, Written
from forkresize.store import ObjectInfo, OutputStore

_LOSS_REASONS = frozenset({Reason.CRASHED, Reason.TIMED_OUT, Reason.INTERRUPTED, Reason.MEMORY_LIMIT})
"""Reasons of a job whose worker could not report."""

_UNTRUSTED = frozenset({Reason.PROTOCOL_VIOLATION, Reason.INTERNAL})
"""Reasons after which an output that exists is not assumed to be right."""


class OutputStrategy(Protocol):
    """What is done about outputs before and after they are made."""

    def check(self, source: Source, output: Output) -> Outcome:
        """Return Planned if an output has to be made, otherwise its outcome without work."""

    def stage(self, job: Job) -> Job:
        """Return the job as a worker has to do it."""

    def finalize(self, job: Job, outcomes: list[Outcome]) -> list[Outcome]:
        """Put the outputs of a finished job into their places; return the final outcomes."""

    def record(self, job: Job, outcomes: list[Outcome]) -> None:
        """Record the outcomes of a job, after they were reported.

        Raises:
            LedgerError: the ledger can't be written.
        """


class SeparateOutputs:
    """Outputs in a store of their own; sources are never touched.

    Args:
        checker: finds the outputs that have to be made, and records what happened to them.
        store: where the outputs are written.
        preserve_times: whether outputs get the mtimes of their sources.
    """

    def __init__(self, checker: StalenessChecker, store: OutputStore, *, preserve_times: bool) -> None:
        self.check = checker.check
        self._checker = checker
        self._store = store
        self._preserve_times = preserve_times
        # By source: a file that is not a picture may share its output's name with a picture.
        self._before: dict[str, dict[str, ObjectInfo | None]] = {}

    def stage(self, job: Job) -> Job:
        """Return the job unchanged: its outputs appear whole or not at all."""
        self._before[job.source.path] = {each.key: self._stat(each.key) for each in job.outputs}
        return job

    def finalize(self, job: Job, outcomes: list[Outcome]) -> list[Outcome]:
        """Recover outputs that a lost worker wrote, and set mtimes if requested; return the final outcomes."""
        before = self._before.pop(job.source.path, {})
        if any(map(_lost_its_worker, outcomes)):
            written = {key for key, info in before.items() if (now := self._stat(key)) and now.replaces(info)}
            outcomes = [each for outcome in outcomes for each in self._recover_written(outcome, job, written)]
        return [self._with_source_mtime(outcome, job) for outcome in outcomes] if self._preserve_times else outcomes

    def record(self, job: Job, outcomes: list[Outcome]) -> None:
        """Record the outcomes of a job."""
        self._checker.record(job, outcomes)

    def _stat(self, key: str) -> ObjectInfo | None:
        try:
            return self._store.stat(key)
        except OSError:
            return None

    def _recover_written(self, outcome: Outcome, job: Job, written: set[str]) -> Iterator[Outcome]:
        """Yield the outcomes of a job whose worker was lost. Outputs that it wrote are complete."""
        outputs = [each for each in job.outputs if outcome.destination is None or outcome.rendition == each.rendition]
        if not _lost_its_worker(outcome) or written.isdisjoint(output.key for output in outputs):
            yield outcome
            return
        for output in outputs:
            ref = OutputRef(job.source, self._store.location(output.key), output.rendition)
            failed = replace(outcome, ref=ref)
            if output.key in written:
                # Its size and timings are unknown.
                yield replace(failed, detail=UNCHANGED, warnings=(*failed.warnings, _warning_for(failed)))
            else:
                yield failed

    def _with_source_mtime(self, outcome: Outcome, job: Job) -> Outcome:
        if isinstance(outcome.detail, Written | Unchanged) and outcome.destination is not None:
            key = next(output.key for output in job.outputs if output.rendition == outcome.rendition)
            try:
                self._store.set_mtime(key, outcome.source.mtime_ns)
            except OSError as error:
                return replace(outcome, warnings=(*outcome.warnings, f"cannot set its mtime: {describe(error)}"))
        return outcome


def _lost_its_worker(outcome: Outcome) -> bool:
    """Return whether a job failed because its last worker was lost, or failed after an earlier one was."""
    if not isinstance(outcome.detail, Failed) or outcome.detail.reason in _UNTRUSTED:
        return False
    return outcome.detail.reason in _LOSS_REASONS or outcome.execution.attempts > 1


def _warning_for(failed: Outcome) -> str:
    if failed.reason in _LOSS_REASONS:
        return f"its worker was lost after writing it: {failed.error}"
    return f"a worker was lost after writing it, and it can't be made again: {failed.error}"
