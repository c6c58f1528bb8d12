"""Which jobs a batch comes to: sources found, named, guarded and settled. Does no work on a picture."""

import os
import posixpath
from collections.abc import Callable, Iterable, Iterator, Sequence

from forkresize import storage
from forkresize.batch.in_place import Unguarded, check_in_place
from forkresize.batch.settings import Settings
from forkresize.errors import UsageError
from forkresize.image.sniff import is_picture
from forkresize.job import Output, Source
from forkresize.ledger import rooted
from forkresize.outcome import Due, Failed, Outcome, Reason, Skipped
from forkresize.plan import Collisions, Guard, Naming, OutputNames, find_collisions, identity
from forkresize.recipe import Recipe
from forkresize.walk import Root, listed, roots, walk

SettleOutput = Callable[[Source, Output], Outcome]


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
        self._naming = Naming(destination, recipe, settings.name, settings.flat)
        check_in_place(sources, destination, recipe, settings)
        self._guard = Unguarded() if settings.in_place else Guard(sources, destination)
        self._roots = roots(sources)
        for root in self._roots:
            self._refuse_overwriting(root)

    def discover(self) -> Iterator[Outcome | Source]:
        """Walk the sources; the same each time, as long as nobody changes them."""
        passed_over = self._settings.backup_dir if self._settings.in_place else self._destination
        return walk(self._start(), self._settings.selection, passed_over)

    def directories(self) -> frozenset[str]:
        """Return the absolute paths of the directories that the sources lie in, as the ledger has them."""
        if self._settings.files_from is not None:
            return frozenset({os.path.abspath(next(iter(self._sources), os.curdir)), "/"})
        inner = (Source(os.path.join(root.path, "x"), posixpath.join(root.prefix, "x")) for root in self._roots)
        return frozenset(rooted(source)[0] for source in inner)

    def look_ahead(self) -> Collisions:
        """Find what can only be found by looking at all sources before any work; most runs are spared that.

        Raises:
            CollisionError: two sources have one output, and that is to be refused.
        """
        folded = not self._settings.dry_run and storage.folds_names(self._destination)
        prefixes = {root.prefix for root in self._roots}
        apart = self._settings.files_from is None and len(prefixes) == len(self._roots)
        self._guard.keep(self._named())
        if apart and self._naming.is_injective and not folded:
            return Collisions()
        names = OutputNames(self._naming, folded)
        return find_collisions(self._found, names, self._settings.on_collision, _may_be_picture)

    def settle(self, collisions: Collisions, settle_output: SettleOutput) -> Iterator[list[Outcome]]:
        """Yield, for each source, what becomes of its outputs without work, and Due for those to be worked on.

        Args:
            collisions: what looking ahead came to.
            settle_output: tells it of one output.
        """
        met: set[str] = set()
        for found in self.discover():
            if not isinstance(found, Source):
                yield [found]
                continue
            same = identity(found.path) if collisions.repeated else ""
            if same in met:
                continue
            if same in collisions.repeated:
                met.add(same)
            yield self._settle(found, collisions, settle_output)

    def _start(self) -> Iterable[Root]:
        if self._settings.files_from is None:
            return self._roots
        base = next(iter(self._sources), None)
        names = listed(self._settings.files_from(), base)
        # A list made by find in a directory around the destination holds the last run's outputs.
        return (root for root in names if not self._guard.is_output(root.path, base or os.curdir))

    def _found(self) -> Iterator[Source]:
        return (found for found in self.discover() if isinstance(found, Source))

    def _named(self) -> Iterable[str]:
        """Return the sources that were named one by one, whose directories the destination may share."""
        if self._settings.files_from is None:
            return (root.path for root in self._roots if os.path.isfile(root.path))
        return (source.path for source in self._found())

    def _refuse_overwriting(self, root: Root) -> None:
        if os.path.isfile(root.path):
            for output in self._naming.outputs(Source(root.path, root.prefix or os.path.basename(root.path))):
                if self._guard.forbids(output.path, root.path):
                    raise UsageError(f"DESTINATION: {output.path!r} would overwrite its source; give another directory")

    def _settle(self, source: Source, collisions: Collisions, settle_output: SettleOutput) -> list[Outcome]:
        if source.path in collisions.left_out:
            other = collisions.left_out[source.path]
            return [Skipped(source=source, reason=Reason.COLLISION, error=f"{other} has it")]
        outputs = self._naming.outputs(source, collisions.marks.get(source.path, ""))
        outcomes = _told_once([self._settle_output(source, output, settle_output) for output in outputs])
        if self._settings.dry_run and any(isinstance(outcome, Due) for outcome in outcomes):
            return _foreseen(source, outcomes)
        return outcomes

    def _settle_output(self, source: Source, output: Output, settle_output: SettleOutput) -> Outcome:
        if self._guard.forbids(output.path, source.path):
            error = "the output would lie among the sources"
            return Failed(
                source=source,
                destination=output.path,
                rendition=output.rendition,
                reason=Reason.NOT_WRITTEN,
                error=error,
            )
        return settle_output(source, output)


def _told_once(outcomes: list[Outcome]) -> list[Outcome]:
    """Leave out, but for the first, what is about all outputs of a source."""
    first = next((outcome for outcome in outcomes if outcome.destination is None), None)
    return [outcome for outcome in outcomes if outcome.destination is not None or outcome is first]


def _foreseen(source: Source, outcomes: list[Outcome]) -> list[Outcome]:
    """Return what can be told without decoding of a source that would be worked on."""
    try:
        if is_picture(source.path):
            return outcomes
    except OSError as error:
        return [Failed(source=source, reason=Reason.UNREADABLE, error=error.strerror or str(error))]
    return [Skipped(source=source, reason=Reason.NOT_A_PICTURE)]


def _may_be_picture(path: str) -> bool:
    try:
        return is_picture(path)
    except OSError:
        return True  # Its worker will tell why it can't be read.
