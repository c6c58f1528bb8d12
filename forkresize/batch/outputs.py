"""Outputs in a destination apart from the sources, and what any output strategy has to do."""

from collections.abc import Callable
from typing import Protocol

from msgspec.structs import replace

from forkresize.batch.staleness_checker import StalenessChecker
from forkresize.errors import describe
from forkresize.job import Job, Output, Source
from forkresize.outcome import Failed, Outcome, Reason, Written, truncate_warnings
from forkresize.store import FATAL_ERRORS, ObjectInfo, OutputStore, StagedError, Staging


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


def stage_job(job: Job, staging: Staging) -> Job:
    """Return a job whose outputs workers write to a staging area."""
    return Job(job.source, tuple(Output(each.key, each.rendition, staging.new_key()) for each in job.outputs))


class SeparateOutputs:
    """Outputs in a store of their own; sources are never touched.

    Args:
        checker: finds the outputs that have to be made, and records what happened to them.
        store: where the outputs belong.
        staging: where workers write them.
        preserve_times: whether outputs get the mtimes of their sources.
    """

    def __init__(
        self, checker: StalenessChecker, store: OutputStore, staging: Staging, *, preserve_times: bool
    ) -> None:
        self.check = checker.check
        self._checker = checker
        self._store = store
        self._staging = staging
        self._preserve_times = preserve_times
        self._placed: dict[str, ObjectInfo] = {}  # What was placed and is not recorded yet.

    def stage(self, job: Job) -> Job:
        """Return the job with staged outputs."""
        return stage_job(job, self._staging)

    def finalize(self, job: Job, outcomes: list[Outcome]) -> list[Outcome]:
        """Put the outputs that were made into their places; return the final outcomes."""
        outputs = {output.rendition: output for output in job.outputs}
        final = [self._place(outcome, outputs[outcome.rendition]) for outcome in outcomes]
        placed = {outcome.rendition for outcome in final if isinstance(outcome.detail, Written)}
        for output in job.outputs:
            if output.rendition not in placed:
                # A worker that failed or was lost may have left a part.
                self._staging.discard(output.staged)
        return final

    def record(self, job: Job, outcomes: list[Outcome]) -> None:
        """Record the outcomes of a job."""
        try:
            self._checker.record(job, outcomes, placed=self._placed)
        finally:
            self._placed.clear()

    def _place(self, outcome: Outcome, output: Output) -> Outcome:
        if not isinstance(outcome.detail, Written):
            return outcome
        try:
            found = self._staging.check(output.staged, outcome.detail.out_bytes)
            is_found = self._staging.adopt(output.staged, output.key)
        except StagedError as error:
            return replace(outcome, detail=Failed(Reason.PROTOCOL_VIOLATION, str(error)))
        except OSError as error:
            text = f"{outcome.destination}: {describe(error)}"
            return replace(outcome, detail=Failed(Reason.NOT_WRITTEN, text, fatal=error.errno in FATAL_ERRORS))
        if outcome.detail.changed_ns is not None or self._preserve_times:
            return date_output(outcome, self._store, output.key, preserve_times=self._preserve_times)
        if is_found and found is not None:
            self._placed[output.key] = found
        return outcome


class RecordedOutputs:
    """Outputs that have their places and their records when their outcomes are known; see ``RecordingExecutor``.

    Args:
        check: finds the outputs that have to be made.
    """

    def __init__(self, check: Callable[[Source, Output], Outcome]) -> None:
        self.check = check

    def stage(self, job: Job) -> Job:
        """Return the job as it is."""
        return job

    def finalize(self, job: Job, outcomes: list[Outcome]) -> list[Outcome]:  # noqa: ARG002 (a method of the protocol)
        """Return the outcomes as they are."""
        return outcomes

    def record(self, job: Job, outcomes: list[Outcome]) -> None:
        """Do nothing."""


def date_output(outcome: Outcome, store: OutputStore, key: str, *, preserve_times: bool = False) -> Outcome:
    """Set the modification time of an output in its place, where it must not be the time of writing.

    Args:
        outcome: of the output.
        store: where it is.
        key: its key.
        preserve_times: whether it gets the time of its source.

    Returns:
        The outcome, with a warning if the time cannot be set.
    """
    if not isinstance(outcome.detail, Written):
        return outcome
    mtime_ns = outcome.source.mtime_ns
    if (changed_ns := outcome.detail.changed_ns) is not None:
        # An output that is older than its source is made again by the next run.
        mtime_ns = min(mtime_ns, changed_ns - 1)
    elif not preserve_times:
        return outcome
    try:
        store.set_mtime(key, mtime_ns)
    except OSError as error:
        warnings = truncate_warnings((*outcome.warnings, f"cannot set its mtime: {describe(error)}"))
        return replace(outcome, warnings=warnings)
    return outcome
