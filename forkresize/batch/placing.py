"""Where outputs go and what is remembered of them: beside the sources, below a destination. Starts no work."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from os.path import exists
from typing import Protocol

from forkresize import storage
from forkresize.batch.settings import Settings
from forkresize.job import Job, Output, Source
from forkresize.ledger import Forgetful, Ledger, Memory, Settler, ledger_path
from forkresize.outcome import Outcome, Written


class Placing(Protocol):
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


class Beside:
    """Outputs lie below a destination; sources are never touched."""

    def __init__(self, settler: Settler, *, preserve_times: bool) -> None:
        """Take what tells which outputs are due, and whether they get the times of their sources."""
        self.settle = settler.settle
        self._settler = settler
        self._preserve_times = preserve_times

    def stage(self, job: Job) -> Job:
        """Return the job as it is: its outputs appear whole or not at all."""
        return job

    def finish(self, _job: Job, outcomes: list[Outcome]) -> list[Outcome]:
        """Return what became of a job, its outputs dated if that was asked for."""
        return [_dated(outcome) for outcome in outcomes] if self._preserve_times else outcomes

    def remember(self, job: Job, outcomes: list[Outcome]) -> None:
        """Have it remembered what became of a job."""
        self._settler.note(job, outcomes)


def _dated(outcome: Outcome) -> Outcome:
    if isinstance(outcome, Written) and outcome.destination is not None:
        try:
            storage.set_mtime(outcome.destination, outcome.source.mtime_ns)
        except OSError as error:
            told = f"its time can't be set: {error.strerror or error}"
            return replace(outcome, warnings=(*outcome.warnings, told))
    return outcome


@contextmanager
def remembering(destination: str, settings: Settings) -> Iterator[Memory]:
    """Open what is remembered of a destination; in a dry run without writing, and without its lock.

    Raises:
        LedgerError: the ledger is damaged, or can't be written.
    """
    if not settings.ledger or (settings.dry_run and not exists(ledger_path(destination))):
        yield Forgetful()
        return
    with Ledger(destination, read_only=settings.dry_run, durable=settings.in_place) as ledger:
        yield ledger
