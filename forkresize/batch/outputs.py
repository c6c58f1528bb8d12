"""Where outputs go and what is remembered of them: beside the sources, below a destination. Starts no work."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from os.path import exists
from typing import Protocol, TypeAlias

from msgspec.structs import replace

from forkresize import storage
from forkresize.batch.settings import Settings
from forkresize.job import Job, Output, Source
from forkresize.ledger import LedgerStore, NullLedger, SqliteLedger, StalenessChecker, ledger_path
from forkresize.outcome import UNCHANGED, Failed, Outcome, OutputRef, Reason, Unchanged, Written

_LOSS_REASONS = frozenset({Reason.CRASHED, Reason.TIMED_OUT, Reason.INTERRUPTED, Reason.MEMORY_LIMIT})
"""What becomes of a job whose worker could not say."""

_UNTRUSTED = frozenset({Reason.PROTOCOL_VIOLATION, Reason.INTERNAL})
"""After which an output is not taken to be right because it is there."""

_File: TypeAlias = tuple[int, int, int] | None
"""What tells a file from the one that takes its place: device, inode and time of modification; None for none."""


class OutputStrategy(Protocol):
    """What is done about outputs before and after they are made."""

    def settle(self, source: Source, output: Output) -> Outcome:
        """Return Due with the reason if an output has to be made, otherwise what becomes of it without work."""

    def stage(self, job: Job) -> Job:
        """Return the job as a worker is to do it."""

    def finish(self, job: Job, outcomes: list[Outcome]) -> list[Outcome]:
        """Return what became of a job's outputs once they are in their places."""

    def remember(self, job: Job, outcomes: list[Outcome]) -> None:
        """Have it remembered what became of a job, of which everybody has been told.

        Raises:
            LedgerError: it can't be written.
        """


class SeparateOutputs:
    """Outputs lie below a destination; sources are never touched."""

    def __init__(self, settler: StalenessChecker, *, preserve_times: bool) -> None:
        """Take what tells which outputs are due, and whether they get the times of their sources."""
        self.settle = settler.settle
        self._settler = settler
        self._preserve_times = preserve_times
        # By source: one that is no picture may share its output's name with one that is.
        self._before: dict[str, dict[str, _File]] = {}

    def stage(self, job: Job) -> Job:
        """Return the job as it is: its outputs appear whole or not at all."""
        self._before[job.source.path] = {output.path: _file(output.path) for output in job.outputs}
        return job

    def finish(self, job: Job, outcomes: list[Outcome]) -> list[Outcome]:
        """Return what became of a job, its outputs dated if that was asked for."""
        before = self._before.pop(job.source.path, {})
        if any(map(_lost_its_worker, outcomes)):
            there = {path for path, file in before.items() if _is_new(_file(path), file)}
            outcomes = [each for outcome in outcomes for each in _recover_written(outcome, job, there)]
        return [_with_source_mtime(outcome) for outcome in outcomes] if self._preserve_times else outcomes

    def remember(self, job: Job, outcomes: list[Outcome]) -> None:
        """Have it remembered what became of a job."""
        self._settler.note(job, outcomes)


def _file(path: str) -> _File:
    try:
        found = os.lstat(path)
    except OSError:
        return None
    return found.st_dev, found.st_ino, found.st_mtime_ns


def _is_new(file: _File, before: _File) -> bool:
    """Whether a file has taken the place of another, or of none; some file systems number the same one anew."""
    return file is not None and (before is None or (file[:2] != before[:2] and file[2] != before[2]))


def _recover_written(outcome: Outcome, job: Job, there: set[str]) -> Iterator[Outcome]:
    """Yield what became of a job's outputs, of which some are there though their worker was lost: each is whole."""
    about = [output for output in job.outputs if outcome.destination in {None, output.path}]
    if not _lost_its_worker(outcome) or there.isdisjoint(output.path for output in about):
        yield outcome
        return
    for output in about:
        failed = replace(outcome, ref=OutputRef(job.source, output.path, output.rendition))
        yield _as_unchanged(failed) if output.path in there else failed


def _lost_its_worker(outcome: Outcome) -> bool:
    """Whether a job failed that a worker was lost with, the last that it was tried on or one before."""
    if not isinstance(outcome.detail, Failed) or outcome.reason in _UNTRUSTED:
        return False
    return outcome.reason in _LOSS_REASONS or outcome.execution.attempts > 1


def _as_unchanged(failed: Outcome) -> Outcome:
    """Return what is told of an output that was made by a worker that could not say so, nor what it measured."""
    return replace(failed, detail=UNCHANGED, warnings=(*failed.warnings, _warning_for(failed)))


def _warning_for(failed: Outcome) -> str:
    if failed.reason in _LOSS_REASONS:
        return f"its worker was lost after writing it: {failed.error}"
    return f"a worker was lost after writing it, and it can't be made again: {failed.error}"


def _with_source_mtime(outcome: Outcome) -> Outcome:
    if isinstance(outcome.detail, Written | Unchanged) and outcome.destination is not None:
        try:
            storage.set_mtime(outcome.destination, outcome.source.mtime_ns)
        except OSError as error:
            told = f"its time can't be set: {error.strerror or error}"
            return replace(outcome, warnings=(*outcome.warnings, told))
    return outcome


@contextmanager
def open_ledger(destination: str, settings: Settings) -> Iterator[LedgerStore]:
    """Open what is remembered of a destination; in a dry run without writing, and without its lock.

    Raises:
        LedgerError: the ledger is damaged, or can't be written.
    """
    if not settings.ledger or (settings.dry_run and not exists(ledger_path(destination))):
        yield NullLedger()
        return
    with SqliteLedger(destination, read_only=settings.dry_run, durable=settings.in_place) as ledger:
        yield ledger
