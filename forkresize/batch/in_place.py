"""Outputs that take the places of their sources, with nothing lost at any moment. Makes no output."""

import contextlib
import os
import time
from collections.abc import Iterable, Sequence

from msgspec.structs import replace

from forkresize import storage
from forkresize.batch.settings import Settings
from forkresize.errors import LedgerError, UsageError
from forkresize.job import Job, Output, Source
from forkresize.ledger import IfExists, OutputRecord, StalenessChecker, checksum
from forkresize.outcome import UNCHANGED, Failed, Outcome, OutputRef, Planned, Reason, Skipped, Written
from forkresize.recipe import Recipe


class InPlaceOutputs:
    """Has each output made beside its source, and then put into its place.

    In this order: the backup is whole; the ledger knows what will lie there, and has it on the disk; the output takes
    the source's name in one step. Whatever ends the process in between, the file is either still the source, which
    the ledger tells from what it has noted, or the output, which it knows and does not encode again.
    """

    def __init__(self, settler: StalenessChecker, settings: Settings, tag: str) -> None:
        """Take what tells the sources that are done, how to run, and the run's tag for temporary names."""
        self._settler = settler
        self._settings = settings
        self._tag = tag

    def settle(self, source: Source, output: Output) -> Outcome:
        """Return Due with the reason if a source has to be worked on, otherwise what becomes of it without work."""
        ref = OutputRef(source, output.path, output.rendition)
        if os.path.islink(source.path):
            return Outcome(ref, Skipped(Reason.SYMBOLIC_LINK, "what it leads to is not replaced"))
        if self._settings.if_exists is IfExists.OVERWRITE:
            return Outcome(ref, Planned("to be made again"))
        entry = self._settler.memory.entry(output.path)
        if refused := self._settler.refusal(ref, entry):
            return refused
        why = self._why(source, entry)
        return Outcome(ref, Planned(why) if why else UNCHANGED)

    def stage(self, job: Job) -> Job:
        """Return the job with its output beside the source, under a name that the next run would remove."""
        (output,) = job.outputs
        return Job(job.source, (Output(storage.temporary_path(output.path, self._tag), output.rendition),))

    def finish(self, job: Job, outcomes: list[Outcome]) -> list[Outcome]:
        """Put the output into its source's place; return what became of it."""
        (staged,), (outcome,) = job.outputs, outcomes
        outcome = replace(outcome, ref=replace(outcome.ref, destination=job.source.path))
        try:
            if isinstance(outcome.detail, Written):
                self._replace(_final_job(job), staged.path, outcome)
        except OSError as error:
            told = f"{error.filename or job.source.path}: {error.strerror or error}"
            outcome = _failed(outcome, told)
        except LedgerError as error:
            outcome = _failed(outcome, str(error), fatal=True)
        finally:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(staged.path)
        return [outcome]

    def remember(self, job: Job, outcomes: list[Outcome]) -> None:
        """Have it remembered what became of a source that was not replaced; what was, has been noted before."""
        own, (outcome,) = _final_job(job), outcomes
        if not isinstance(outcome.detail, Written) and not self._is_done(
            self._settler.memory.entry(own.source.path), own
        ):
            self._settler.note(own, outcomes)

    def _why(self, source: Source, entry: OutputRecord | None) -> str | None:
        if entry is None or entry.status != "written":
            return "not done yet"
        if not self._holds(source, entry):
            return "the source changed"
        return "the recipe changed" if self._settler.recipe_changed(entry, 0) else None

    def _holds(self, source: Source, entry: OutputRecord) -> bool:
        """Whether a file is what was put there, though somebody may have touched or copied it."""
        if source.size != entry.size:
            return False
        alike = (entry.size, entry.mtime_ns) == (entry.source_size, entry.source_mtime_ns)
        if source.mtime_ns == entry.mtime_ns and not alike:
            return True
        with contextlib.suppress(OSError):
            return checksum(source.path) == entry.hash
        return False

    def _is_done(self, entry: OutputRecord | None, job: Job) -> bool:
        return entry is not None and entry.status == "written" and self._holds(job.source, entry)

    def _replace(self, job: Job, staged: str, outcome: Outcome) -> None:
        source = job.source
        found = os.lstat(source.path)
        if (found.st_size, found.st_mtime_ns) != (source.size, source.mtime_ns):
            raise OSError(0, "the source was changed meanwhile, and is left as it is", source.path)
        if self._settings.backup_dir is not None:
            storage.back_up(source.path, os.path.join(self._settings.backup_dir, source.relative))
        storage.copy_attributes(staged, like=source.path)
        mtime_ns = source.mtime_ns if self._settings.preserve_times else time.time_ns()
        storage.set_mtime(staged, mtime_ns)
        storage.fsync(staged)
        self._settler.note(job, [outcome], made=staged)
        os.replace(staged, source.path)


class NullGuard:
    """Stands for the guard that keeps outputs off their sources, where that is what they are for."""

    def keep(self, files: Iterable[str]) -> None:
        """Need no note of any source."""

    def forbids(self, _path: str, _source: str) -> bool:
        """Forbid nothing."""
        return False

    def is_output(self, _path: str, _start: str) -> bool:
        """Take nothing for an output: each is a source too."""
        return False


def _final_job(job: Job) -> Job:
    """Return a staged job as it is once its output has its source's name."""
    return Job(job.source, tuple(Output(job.source.path, staged.rendition) for staged in job.outputs))


def _failed(outcome: Outcome, told: str, *, fatal: bool = False) -> Outcome:
    return replace(outcome, detail=Failed(Reason.NOT_WRITTEN, told, fatal=fatal))


def check_in_place(sources: Sequence[str], destination: str, recipe: Recipe, settings: Settings) -> None:
    """Refuse what can't be done in place.

    Raises:
        UsageError: it can't; names the option.
    """
    if not settings.in_place:
        if settings.backup_dir is not None:
            raise UsageError("--backup-dir: is for --in-place, which is missing")
        return
    for option, refused in _contradictions(recipe, settings).items():
        if refused:
            raise UsageError(f"--in-place: contradicts {option}: each source is replaced by the one output it has")
    if list(sources) != [destination] or not os.path.isdir(destination):
        raise UsageError("--in-place: give one directory as SOURCE, and no DESTINATION")
    if settings.backup_dir is not None:
        backup = os.path.join(os.path.realpath(settings.backup_dir), "")
        if os.path.join(os.path.realpath(destination), "").startswith(backup):
            raise UsageError(f"--backup-dir: {settings.backup_dir!r} holds the sources; give another directory")


def _contradictions(recipe: Recipe, settings: Settings) -> dict[str, bool]:
    return {
        "several renditions": len(recipe.renditions) > 1,
        "--format": any(rendition.format is not None for rendition in recipe.renditions),
        "--name": settings.name is not None,
        "--flat": settings.flat,
        "--prune": settings.prune,
        "--no-ledger": not settings.ledger,
        f"--if-exists {settings.if_exists}": settings.if_exists in {IfExists.SKIP, IfExists.ERROR},
    }
