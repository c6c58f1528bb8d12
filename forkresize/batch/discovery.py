"""Which jobs a batch comes to: sources found, named, guarded and settled. Does no work on a picture."""

import os
import posixpath
from collections.abc import Callable, Iterable, Iterator, Sequence
from collections.abc import Set as AbstractSet

from forkresize import storage
from forkresize.batch.in_place import NullGuard, check_in_place
from forkresize.batch.settings import Settings
from forkresize.errors import UsageError
from forkresize.image.decode.sniff import is_picture
from forkresize.job import Output, Source
from forkresize.ledger import split_root
from forkresize.outcome import Failed, Outcome, OutputRef, Planned, Reason, Skipped
from forkresize.plan import Collisions, Naming, OutputNames, OverwriteGuard, find_collisions, identity
from forkresize.recipe import Recipe
from forkresize.walk import Root, roots, roots_from_names, walk

ClassifyOutput = Callable[[Source, Output], Outcome]

_RESERVED_DIR = f"/{storage.STATE_DIR}/"


class JobDiscovery:
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
        self._guard = NullGuard() if settings.in_place else OverwriteGuard(sources, destination)
        self._roots = roots(sources)
        for root in self._roots:
            self._refuse_overwriting(root)

    @property
    def sources(self) -> Sequence[str]:
        """The directories and files that were named."""
        return self._sources

    def discover(self, until: Callable[[], bool] = lambda: False) -> Iterator[Outcome | Source]:
        """Walk the sources; the same each time, as long as nobody changes them.

        Args:
            until: may end the walk early.
        """
        excluded = self._settings.backup_dir if self._settings.in_place else self._destination
        return walk(self._start(), self._settings.selection, excluded, until)

    def expected(self) -> Iterator[Outcome | Source]:
        """Walk the sources likewise, and leave out those that are another run's."""
        return filter(self._takes, self.discover())

    def directories(self) -> frozenset[str]:
        """Return the absolute paths of the directories that the sources lie in, as the ledger has them."""
        if self._settings.files_from is not None:
            return frozenset({os.path.abspath(next(iter(self._sources), os.curdir)), "/"})
        inner = (Source(os.path.join(root.path, "x"), posixpath.join(root.prefix, "x")) for root in self._roots)
        return frozenset(split_root(source)[0] for source in inner)

    def look_ahead(self, until: Callable[[], bool] = lambda: False) -> Collisions:
        """Find what can only be found by looking at all sources before any work; most runs are spared that.

        Args:
            until: may end the look early; what it comes to then serves nothing but a run that has ended.

        Raises:
            CollisionError: two sources have one output, and that is to be refused.
        """
        folded = not self._settings.dry_run and storage.is_case_insensitive(self._destination)
        prefixes = {root.prefix for root in self._roots}
        apart = self._settings.files_from is None and len(prefixes) == len(self._roots)
        self._guard.keep(self._named(until))
        if apart and self._naming.is_injective and not folded:
            return Collisions()
        names = OutputNames(self._naming, folded)
        return find_collisions(lambda: self._found(until), names, self._settings.on_collision, _looks_like_image)

    def settle(
        self, collisions: Collisions, settle_output: ClassifyOutput, until: Callable[[], bool] = lambda: False
    ) -> Iterator[list[Outcome]]:
        """Yield, for each source, what becomes of its outputs without work, and Due for those to be worked on.

        Args:
            collisions: what looking ahead came to.
            settle_output: tells it of one output.
            until: may end it early.
        """
        for found in _deduplicate_sources(self.discover(until), collisions.repeated):
            if self._takes(found):
                yield self._settle(found, collisions, settle_output) if isinstance(found, Source) else [found]
            elif until():
                return

    def _takes(self, found: Outcome | Source) -> bool:
        source = found if isinstance(found, Source) else found.source
        shard, picks = self._settings.shard, self._settings.picks
        return (shard is None or shard.has(source.relative)) and (picks is None or picks(source))

    def _start(self) -> Iterable[Root]:
        if self._settings.files_from is None:
            return self._roots
        base = next(iter(self._sources), None)
        names = roots_from_names(self._settings.files_from(), base)
        # A list made by find in a directory around the destination holds the last run's outputs.
        return (root for root in names if not self._guard.is_output(root.path, base or os.curdir))

    def _found(self, until: Callable[[], bool]) -> Iterator[Source]:
        for found in self.discover(until):
            if until():
                return
            if isinstance(found, Source):
                yield found

    def _named(self, until: Callable[[], bool]) -> Iterable[str]:
        """Return the sources that were named one by one, whose directories the destination may share."""
        if self._settings.files_from is None:
            return (root.path for root in self._roots if os.path.isfile(root.path))
        return (source.path for source in self._found(until))

    def _refuse_overwriting(self, root: Root) -> None:
        if os.path.isfile(root.path):
            for output in self._naming.outputs(Source(root.path, root.prefix or os.path.basename(root.path))):
                if self._guard.forbids(output.path, root.path):
                    raise UsageError(f"DESTINATION: {output.path!r} would overwrite its source; give another directory")

    def _settle(self, source: Source, collisions: Collisions, settle_output: ClassifyOutput) -> list[Outcome]:
        if source.path in collisions.left_out:
            other = collisions.left_out[source.path]
            return [Outcome(OutputRef(source), Skipped(Reason.COLLISION, f"{other} has it"))]
        outputs = self._naming.outputs(source, collisions.marks.get(source.path, ""))
        outcomes = _deduplicate_outcomes([self._settle_output(source, output, settle_output) for output in outputs])
        if self._settings.dry_run and any(isinstance(outcome.detail, Planned) for outcome in outcomes):
            return _preview(source, outcomes)
        return outcomes

    def _settle_output(self, source: Source, output: Output, settle_output: ClassifyOutput) -> Outcome:
        error = self._refusal(source, output)
        if error is None:
            return settle_output(source, output)
        return Outcome(OutputRef(source, output.path, output.rendition), Failed(Reason.NOT_WRITTEN, error))

    def _refusal(self, source: Source, output: Output) -> str | None:
        """Return why nothing may be written where an output would lie; None if it may."""
        if self._guard.forbids(output.path, source.path):
            return "the output would lie among the sources"
        if _RESERVED_DIR in f"/{output.path.removeprefix(self._destination)}":
            return f"the output would lie in {storage.STATE_DIR}, which is not for outputs"
        return None


def _deduplicate_sources(found: Iterable[Outcome | Source], repeated: AbstractSet[str]) -> Iterator[Outcome | Source]:
    """Leave out the sources that the walk has come to before."""
    met: set[str] = set()
    for each in found:
        same = identity(each.path) if repeated and isinstance(each, Source) else ""
        if same not in met:
            yield each
        if same in repeated:
            met.add(same)


def _deduplicate_outcomes(outcomes: list[Outcome]) -> list[Outcome]:
    """Leave out, but for the first, what is about all outputs of a source."""
    if len(outcomes) == 1:
        return outcomes
    first = next((outcome for outcome in outcomes if outcome.destination is None), None)
    return [outcome for outcome in outcomes if outcome.destination is not None or outcome is first]


def _preview(source: Source, outcomes: list[Outcome]) -> list[Outcome]:
    """Return what can be told without decoding of a source that would be worked on."""
    try:
        if is_picture(source.path):
            return outcomes
    except OSError as error:
        return [Outcome(OutputRef(source), Failed(Reason.UNREADABLE, error.strerror or str(error)))]
    return [Outcome(OutputRef(source), Skipped(Reason.NOT_A_PICTURE))]


def _looks_like_image(path: str) -> bool:
    try:
        return is_picture(path)
    except OSError:
        return True  # Its worker will tell why it can't be read.
