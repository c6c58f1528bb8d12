"""Outputs in a destination apart from the sources, and what any output strategy has to do."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from os.path import exists
from typing import Protocol, TypeAlias

from msgspec.structs import replace

from forkresize import storage
from forkresize.batch.settings import Settings
from forkresize.errors import describe
from forkresize.job import Job, Output, Source
from forkresize.ledger import LedgerStore, NullLedger, SqliteLedger, StalenessChecker, ledger_path
from forkresize.outcome import UNCHANGED, Failed, Outcome, OutputRef, Reason, Unchanged, Written

_LOSS_REASONS = frozenset({Reason.CRASHED, Reason.TIMED_OUT, Reason.INTERRUPTED, Reason.MEMORY_LIMIT})
"""Reasons of a job whose worker could not report."""

_UNTRUSTED = frozenset({Reason.PROTOCOL_VIOLATION, Reason.INTERNAL})
"""Reasons after which an output that exists is not assumed to be right."""

_File: TypeAlias = tuple[int, int, int] | None
"""Device, inode and mtime: they tell a file from the one that replaces it. None for a missing file."""


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
    """Outputs in a destination directory; sources are never touched.

    Args:
        checker: finds the outputs that have to be made, and records what became of them.
        preserve_times: whether outputs get the mtimes of their sources.
    """

    def __init__(self, checker: StalenessChecker, *, preserve_times: bool) -> None:
        self.check = checker.settle
        self._checker = checker
        self._preserve_times = preserve_times
        # By source: a file that is not a picture may share its output's name with a picture.
        self._before: dict[str, dict[str, _File]] = {}

    def stage(self, job: Job) -> Job:
        """Return the job unchanged: its outputs appear whole or not at all."""
        self._before[job.source.path] = {output.path: _file(output.path) for output in job.outputs}
        return job

    def finalize(self, job: Job, outcomes: list[Outcome]) -> list[Outcome]:
        """Recover outputs that a lost worker wrote, and set mtimes if requested; return the final outcomes."""
        before = self._before.pop(job.source.path, {})
        if any(map(_lost_its_worker, outcomes)):
            written = {path for path, file in before.items() if _is_new(_file(path), file)}
            outcomes = [each for outcome in outcomes for each in _recover_written(outcome, job, written)]
        return [_with_source_mtime(outcome) for outcome in outcomes] if self._preserve_times else outcomes

    def record(self, job: Job, outcomes: list[Outcome]) -> None:
        """Record the outcomes of a job."""
        self._checker.note(job, outcomes)


def _file(path: str) -> _File:
    try:
        found = os.lstat(path)
    except OSError:
        return None
    return found.st_dev, found.st_ino, found.st_mtime_ns


def _is_new(file: _File, before: _File) -> bool:
    """Return whether a file replaced another, or none. Inode numbers alone are not stable on some file systems."""
    return file is not None and (before is None or (file[:2] != before[:2] and file[2] != before[2]))


def _recover_written(outcome: Outcome, job: Job, written: set[str]) -> Iterator[Outcome]:
    """Yield the outcomes of a job whose worker was lost. Outputs that it wrote are whole."""
    outputs = [output for output in job.outputs if outcome.destination in {None, output.path}]
    if not _lost_its_worker(outcome) or written.isdisjoint(output.path for output in outputs):
        yield outcome
        return
    for output in outputs:
        failed = replace(outcome, ref=OutputRef(job.source, output.path, output.rendition))
        if output.path in written:
            # Its size and timings are unknown.
            yield replace(failed, detail=UNCHANGED, warnings=(*failed.warnings, _warning_for(failed)))
        else:
            yield failed


def _lost_its_worker(outcome: Outcome) -> bool:
    """Return whether a job failed because its last worker was lost, or failed after an earlier one was."""
    if not isinstance(outcome.detail, Failed) or outcome.detail.reason in _UNTRUSTED:
        return False
    return outcome.detail.reason in _LOSS_REASONS or outcome.execution.attempts > 1


def _warning_for(failed: Outcome) -> str:
    if failed.reason in _LOSS_REASONS:
        return f"its worker was lost after writing it: {failed.error}"
    return f"a worker was lost after writing it, and it can't be made again: {failed.error}"


def _with_source_mtime(outcome: Outcome) -> Outcome:
    if isinstance(outcome.detail, Written | Unchanged) and outcome.destination is not None:
        try:
            storage.set_mtime(outcome.destination, outcome.source.mtime_ns)
        except OSError as error:
            return replace(outcome, warnings=(*outcome.warnings, f"cannot set its mtime: {describe(error)}"))
    return outcome


@contextmanager
def open_ledger(destination: str, settings: Settings) -> Iterator[LedgerStore]:
    """Open the ledger of a destination; in a dry run, without writing and without the destination's lock.

    Raises:
        LedgerError: the ledger is damaged or can't be written.
    """
    if not settings.ledger or (settings.dry_run and not exists(ledger_path(destination))):
        yield NullLedger()
        return
    with SqliteLedger(destination, read_only=settings.dry_run, durable=settings.in_place) as ledger:
        yield ledger
