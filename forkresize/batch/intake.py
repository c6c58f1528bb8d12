"""Which jobs a batch comes to: sources found, named, guarded and settled. Does no work on a picture."""

import os
from collections.abc import Iterable, Iterator, Sequence

from forkresize import storage
from forkresize.batch.settings import Settings
from forkresize.errors import UsageError
from forkresize.existing import settle
from forkresize.image.decode import is_picture
from forkresize.job import Job, Source
from forkresize.outcome import Due, Failed, Outcome, Reason, Skipped
from forkresize.plan import Collisions, Guard, Naming, find_collisions
from forkresize.recipe import Recipe
from forkresize.walk import Root, listed, roots, walk


class Intake:
    """What a run was asked to do, checked, and what it comes to."""

    def __init__(self, sources: Sequence[str], destination: str, recipe: Recipe, settings: Settings) -> None:
        """Take what a run was asked to do.

        Raises:
            UsageError: sources, destination and settings contradict each other.
            SourceError: a source is missing.
        """
        if not sources and settings.files_from is None:
            raise UsageError("SOURCE: give a directory, a file, or --files-from")
        if settings.files_from is not None and len(sources) > 1:
            raise UsageError("--files-from: its names lie below one SOURCE; more than one was given")
        self._sources = sources
        self._destination = destination
        self._settings = settings
        self._naming = Naming(destination, recipe, settings.name)
        self._guard = Guard(sources, destination)
        self._roots = roots(sources)
        for root in self._roots:
            self._refuse_overwriting(root)

    def discover(self) -> Iterator[Outcome | Source]:
        """Walk the sources; the same each time, as long as nobody changes them."""
        return walk(self._start(), self._settings.selection, self._destination)

    def settle(self) -> Iterator[Outcome]:
        """Yield what becomes of each source without work, and Due for those that have to be worked on.

        Raises:
            CollisionError: two sources have one output; raised before anything is yielded.
        """
        collisions = self._collisions()
        met: set[str] = set()
        for found in self.discover():
            if not isinstance(found, Source):
                yield found
            elif found.path not in met:
                if found.path in collisions.repeated:
                    met.add(found.path)
                yield self._settle(found, collisions)

    def _start(self) -> Iterable[Root]:
        if self._settings.files_from is None:
            return self._roots
        return listed(self._settings.files_from(), next(iter(self._sources), None))

    def _refuse_overwriting(self, root: Root) -> None:
        if os.path.isfile(root.path):
            job = self._job(Source(root.path, root.prefix or os.path.basename(root.path)))
            if self._guard.forbids(job):
                raise UsageError(f"DESTINATION: {job.destination!r} would overwrite its source; give another directory")

    def _job(self, source: Source, mark: str = "") -> Job:
        return Job(source, self._naming.place(source, mark))

    def _settle(self, source: Source, collisions: Collisions) -> Outcome:
        if source.path in collisions.left_out:
            other = collisions.left_out[source.path]
            return Skipped(source=source, reason=Reason.COLLISION, error=f"{other} has it")
        job = self._job(source, collisions.marks.get(source.path, ""))
        if self._guard.forbids(job):
            error = "the output would lie among the sources"
            return Failed(source=source, destination=job.destination, reason=Reason.NOT_WRITTEN, error=error)
        outcome = settle(job, self._settings.if_exists)
        if self._settings.dry_run and isinstance(outcome, Due) and not is_picture(source.path):
            return Skipped(source=source, reason=Reason.NOT_A_PICTURE)
        return outcome

    def _collisions(self) -> Collisions:
        """Look for collisions where there can be any: two more walks, which most runs are spared."""
        folded = (
            not self._settings.dry_run and os.path.isdir(self._destination) and storage.folds_names(self._destination)
        )
        prefixes = {root.prefix for root in self._roots}
        apart = self._settings.files_from is None and len(prefixes) == len(self._roots)
        if apart and self._naming.is_injective and not folded:
            return Collisions()
        return find_collisions(
            lambda: (found for found in self.discover() if isinstance(found, Source)),
            self._naming,
            self._settings.on_collision,
            folded=folded,
            is_picture=is_picture,
        )
