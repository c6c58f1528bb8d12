"""Outputs that replace their sources; at no moment is a picture lost."""

import contextlib
import os
from collections.abc import Iterator, Sequence

from msgspec.structs import replace

from forkresize.batch.outputs import stage_job
from forkresize.batch.settings import Settings
from forkresize.batch.staleness_checker import StalenessChecker
from forkresize.errors import ConflictError, FieldError, LedgerError, describe
from forkresize.job import Job, Output, Source
from forkresize.ledger import OutputRecord
from forkresize.outcome import Failed, Outcome, OutputRef, Reason, Skipped, Written
from forkresize.plan import IfExists, has_substitute
from forkresize.recipe import Recipe
from forkresize.store import LocalStore, OutputStore, StagedError, Staging, checksum
from forkresize.store.replace import prepare_replacement


class InPlaceOutputs:
    """Makes each output in the staging directory, then renames it over its source.

    In this order: the backup is complete; the ledger records the output, and is on disk; the output is renamed. If the
    process ends in between, the file is either still the source, or the output, which the ledger knows by its hash.

    The store is the directory of the sources, and has local paths.
    """

    def __init__(self, checker: StalenessChecker, settings: Settings, store: OutputStore, staging: Staging) -> None:
        self._checker = checker
        self._settings = settings
        self._store = store
        self._staging = staging

    def check(self, source: Source, output: Output) -> Outcome:
        """Return Planned if a source has to be replaced, otherwise its outcome without work."""
        ref = OutputRef(source, self._store.location(output.key), output.rendition)
        if os.path.islink(source.path):
            return Outcome(ref, Skipped(Reason.SYMBOLIC_LINK, "targets of links are not replaced"))
        if has_substitute(source.path):
            return Outcome(ref, Failed(Reason.UNSUPPORTED, "its format can be read but not written"))
        record = self._checker.ledger.get(output.key)
        return self._checker.check_in_place(source, output, record, is_output=_is_output(source, record))

    def stage(self, job: Job) -> Job:
        """Return the job with a staged output, for the key of its source."""
        staged = stage_job(job, self._staging)
        key = job.source.path.removeprefix(os.path.join(self._store.location(""), ""))
        return Job(job.source, tuple(replace(output, key=key) for output in staged.outputs), in_place=True)

    def finalize(self, job: Job, outcomes: list[Outcome]) -> list[Outcome]:
        """Rename the output over its source; return the outcome."""
        (output,), (outcome,) = job.outputs, outcomes
        outcome = replace(outcome, ref=replace(outcome.ref, destination=job.source.path))
        try:
            if isinstance(outcome.detail, Written):
                self._replace(job, outcome, outcome.detail.out_bytes)
        except StagedError as error:
            outcome = replace(outcome, detail=Failed(Reason.PROTOCOL_VIOLATION, str(error)))
        except OSError as error:
            detail = Failed(Reason.NOT_WRITTEN, f"{error.filename or job.source.path}: {describe(error)}")
            outcome = replace(outcome, detail=detail)
        except LedgerError as error:
            outcome = replace(outcome, detail=Failed(Reason.NOT_WRITTEN, str(error), fatal=True))
        finally:
            self._staging.discard(output.staged)
        return [outcome]

    def record(self, job: Job, outcomes: list[Outcome]) -> None:
        """Record why a source was not replaced. Replaced sources were recorded before the renaming."""
        (output,), (outcome,) = job.outputs, outcomes
        if isinstance(outcome.detail, Written) or _is_output(job.source, self._checker.ledger.get(output.key)):
            return
        self._checker.record(job, outcomes)

    def _replace(self, job: Job, outcome: Outcome, size: int) -> None:
        (output,) = job.outputs
        self._staging.check(output.staged, size)
        prepare_replacement(
            job.source,
            self._store.location(""),
            self._store.location(output.staged),
            backup_dir=self._settings.backup_dir,
            keep_mtime=self._settings.preserve_times,
        )
        self._checker.record(job, [outcome], output.staged)
        self._staging.adopt(output.staged, output.key, keep_attributes=True)


def _is_output(source: Source, record: OutputRecord | None) -> bool:
    """Return whether a file is the recorded output, even if its mtime changed or it was copied."""
    if record is None or record.status != "written" or source.size != record.size:
        return False
    same_as_source = (record.size, record.mtime_ns) == (record.source_size, record.source_mtime_ns)
    if source.mtime_ns == record.mtime_ns and not same_as_source:
        return True
    with contextlib.suppress(OSError):
        return checksum(LocalStore(""), source.path) == record.hash
    return False


def check_in_place(sources: Sequence[str], destination: str | None, recipe: Recipe, settings: Settings) -> None:
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
        raise FieldError("in_place", "requires the ledger, which distinguishes outputs from sources")
    if (conflict := next(_conflicts(recipe, settings), None)) is not None:
        raise ConflictError("in_place", conflict)
    _check_directories(sources, destination, settings)
    _check_backup(settings)


def _check_backup(settings: Settings) -> None:
    """Check that the loss of the sources is meant."""
    if settings.backup_dir is not None and settings.no_backup:
        raise ConflictError("no_backup", "backup_dir")
    if settings.backup_dir is None and not settings.no_backup and not settings.dry_run:
        message = "the originals are lost; set backup_dir to keep them, or no_backup if you have copies"
        raise FieldError("in_place", message)


def _check_directories(sources: Sequence[str], destination: str | None, settings: Settings) -> None:
    if destination is None or list(sources) != [destination] or not os.path.isdir(destination):
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
