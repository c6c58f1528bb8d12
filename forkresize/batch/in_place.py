"""Outputs that replace their sources; at no moment is a picture lost."""

import contextlib
import os
import time
from collections.abc import Iterator, Sequence

from msgspec.structs import replace

from forkresize import storage
from forkresize.batch.settings import Settings
from forkresize.errors import ConflictError, FieldError, LedgerError, describe
from forkresize.job import Job, Output, Source
from forkresize.ledger import IfExists, OutputRecord, StalenessChecker, checksum
from forkresize.outcome import UNCHANGED, Failed, Outcome, OutputRef, Planned, Reason, Skipped, Written
from forkresize.recipe import Recipe


class InPlaceOutputs:
    """Makes each output next to its source, then renames it over the source.

    In this order: the backup is complete; the ledger records the output, and is on disk; the output is renamed. If the
    process ends in between, the file is either still the source, or the output, which the ledger knows by its hash.

    Args:
        checker: knows the recipe's fingerprint, and records what became of sources.
        settings: how to run.
        run_id: part of the names of temporary files.
    """

    def __init__(self, checker: StalenessChecker, settings: Settings, run_id: str) -> None:
        self._checker = checker
        self._settings = settings
        self._run_id = run_id

    def check(self, source: Source, output: Output) -> Outcome:
        """Return Planned if a source has to be replaced, otherwise its outcome without work."""
        ref = OutputRef(source, output.path, output.rendition)
        if os.path.islink(source.path):
            return Outcome(ref, Skipped(Reason.SYMBOLIC_LINK, "targets of links are not replaced"))
        if self._settings.if_exists is IfExists.OVERWRITE:
            return Outcome(ref, Planned("to be made again"))
        record = self._checker.memory.entry(output.path)
        if refused := self._checker.refusal(ref, record):
            return refused
        why = self._why(source, record)
        return Outcome(ref, Planned(why) if why else UNCHANGED)

    def stage(self, job: Job) -> Job:
        """Return the job with its output next to the source, under a name that a later run would remove."""
        (output,) = job.outputs
        return Job(job.source, (Output(storage.temporary_path(output.path, self._run_id), output.rendition),))

    def finalize(self, job: Job, outcomes: list[Outcome]) -> list[Outcome]:
        """Rename the output over its source; return the outcome."""
        (staged,), (outcome,) = job.outputs, outcomes
        outcome = replace(outcome, ref=replace(outcome.ref, destination=job.source.path))
        try:
            if isinstance(outcome.detail, Written):
                self._replace(_final_job(job), staged.path, outcome)
        except OSError as error:
            detail = Failed(Reason.NOT_WRITTEN, f"{error.filename or job.source.path}: {describe(error)}")
            outcome = replace(outcome, detail=detail)
        except LedgerError as error:
            outcome = replace(outcome, detail=Failed(Reason.NOT_WRITTEN, str(error), fatal=True))
        finally:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(staged.path)
        return [outcome]

    def record(self, job: Job, outcomes: list[Outcome]) -> None:
        """Record why a source was not replaced. Replaced sources were recorded before the renaming."""
        final, (outcome,) = _final_job(job), outcomes
        if isinstance(outcome.detail, Written):
            return
        record = self._checker.memory.entry(final.source.path)
        if record is None or record.status != "written" or not self._matches_record(job.source, record):
            self._checker.note(final, outcomes)

    def _why(self, source: Source, record: OutputRecord | None) -> str | None:
        if record is None or record.status != "written":
            return "not done yet"
        if not self._matches_record(source, record):
            return "the source changed"
        return "the recipe changed" if self._checker.recipe_changed(record, 0) else None

    def _matches_record(self, source: Source, record: OutputRecord) -> bool:
        """Return whether a file is the recorded output, even if its mtime changed or it was copied."""
        if source.size != record.size:
            return False
        same_as_source = (record.size, record.mtime_ns) == (record.source_size, record.source_mtime_ns)
        if source.mtime_ns == record.mtime_ns and not same_as_source:
            return True
        with contextlib.suppress(OSError):
            return checksum(source.path) == record.hash
        return False

    def _replace(self, job: Job, staged: str, outcome: Outcome) -> None:
        source = job.source
        found = os.lstat(source.path)
        if (found.st_size, found.st_mtime_ns) != (source.size, source.mtime_ns):
            raise OSError(0, "source changed during processing; not replaced", source.path)
        if self._settings.backup_dir is not None:
            storage.back_up(source.path, os.path.join(self._settings.backup_dir, source.relative))
        storage.copy_attributes(staged, like=source.path)
        mtime_ns = source.mtime_ns if self._settings.preserve_times else time.time_ns()
        storage.set_mtime(staged, mtime_ns)
        storage.fsync(staged)
        self._checker.note(job, [outcome], made=staged)
        os.replace(staged, source.path)


def _final_job(job: Job) -> Job:
    """Return a staged job as it is once its output has its source's name."""
    return Job(job.source, tuple(Output(job.source.path, staged.rendition) for staged in job.outputs))


def check_in_place(sources: Sequence[str], destination: str, recipe: Recipe, settings: Settings) -> None:
    """Check a request to replace sources.

    Raises:
        FieldError: it can't be met.
    """
    if not settings.in_place:
        if settings.backup_dir is not None:
            raise FieldError("backup_dir", "requires in_place")
        return
    if len(recipe.renditions) > 1:
        raise FieldError("in_place", "requires a single rendition, because an output replaces its source")
    if not settings.ledger:
        raise FieldError("in_place", "requires the ledger, which tells outputs from sources")
    if (conflict := next(_conflicts(recipe, settings), None)) is not None:
        raise ConflictError("in_place", conflict)
    _check_directories(sources, destination, settings)


def _check_directories(sources: Sequence[str], destination: str, settings: Settings) -> None:
    if list(sources) != [destination] or not os.path.isdir(destination):
        raise FieldError("in_place", "specify one directory, as source and destination")
    if settings.backup_dir is not None:
        backup = os.path.join(os.path.realpath(settings.backup_dir), "")
        if os.path.join(os.path.realpath(destination), "").startswith(backup):
            raise FieldError("backup_dir", f"{settings.backup_dir!r} contains the sources; specify another directory")


def _conflicts(recipe: Recipe, settings: Settings) -> Iterator[str]:
    """Yield the fields that make it impossible to replace sources."""
    conflicts = {
        "format": any(rendition.format is not None for rendition in recipe.renditions),
        "name": settings.name is not None,
        "flat": settings.flat,
        "prune": settings.prune,
        "if_exists": settings.if_exists in {IfExists.SKIP, IfExists.ERROR},
    }
    yield from (field for field, conflict in conflicts.items() if conflict)
