"""The preparation of a run: everything that can be refused is refused before any work."""

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING

from msgspec import Struct, field

from forkresize.batch.backend import Backend, LocalBackend
from forkresize.batch.classify import looks_like_image
from forkresize.batch.deadline import Deadline
from forkresize.batch.discovery import SourceDiscovery
from forkresize.batch.events import AnyObserver, EventDispatcher
from forkresize.batch.in_place import check_in_place
from forkresize.batch.listing import source_of
from forkresize.batch.settings import Settings
from forkresize.batch.state import StopToken
from forkresize.errors import FieldError
from forkresize.job import Output, Source
from forkresize.ledger import check_ledger
from forkresize.outcome import Outcome
from forkresize.plan import Collisions, Naming, OutputNames, OverwriteGuard, find_collisions
from forkresize.pool import SandboxMode, require_support
from forkresize.recipe import Recipe, Watermark
from forkresize.store import LocalStore, OutputStore
from forkresize.summary import Summary
from forkresize.urls import is_url, local_path

if TYPE_CHECKING:
    from forkresize.batch.executor import ExecutorFactory
    from forkresize.batch.remote.discovery import RemoteDiscovery
    from forkresize.batch.remote.guard import PrefixGuard


class RunPlan(Struct, frozen=True, kw_only=True):
    """A run that was checked and can be executed, once.

    Attributes:
        store: where the outputs are written.
        recipe: what to make of every picture.
        settings: how to run.
        discovery: finds the sources.
        naming: names the outputs.
        guard: keeps outputs off the sources; None if outputs replace their sources.
        collisions: sources that share an output.
        deadline: when the run has to end; its time starts with the preparation.
        stop: makes all stages begin nothing new.
        backend: what depends on where sources and outputs are.
    """

    store: OutputStore
    recipe: Recipe
    settings: Settings
    discovery: "SourceDiscovery | RemoteDiscovery"
    naming: Naming
    guard: "OverwriteGuard | PrefixGuard | None"
    collisions: Collisions
    deadline: Deadline
    stop: StopToken
    backend: Backend = field(default_factory=LocalBackend)

    @property
    def has_only_file(self) -> bool:
        """Whether the source is one file that was named, and no other run makes its outputs."""
        settings = self.settings
        if settings.files_from is not None or settings.shard is not None or settings.source_filter is not None:
            return False
        # As the only source, a directory has no name below the destination.
        return [bool(root.prefix) for root in self.discovery.roots] == [True]

    def sources(self) -> Iterator[Outcome | Source]:
        """Yield what the walk finds that belongs to this run."""
        return filter(self.includes, self.discovery.walk())

    def count_sources(self) -> AbstractContextManager[Iterator[int | None]]:
        """Count these for a progress view; see ``batch.listing``."""
        return self.backend.count_sources(self)

    def includes(self, found: Outcome | Source) -> bool:
        """Return whether a source belongs to this run: to its shard, and to its source filter."""
        source = source_of(found)
        shard, accepts = self.settings.shard, self.settings.source_filter
        return (shard is None or shard.has(source.relative)) and (accepts is None or accepts(source))

    def outputs(self, source: Source) -> tuple[Output, ...]:
        """Return the outputs of a source; those that would collide have a suffix."""
        return self.naming.outputs(source, self.collisions.suffixes.get(source.path, ""))

    def execute(
        self, observers: Iterable[AnyObserver] = (), *, create_executor: "ExecutorFactory | None" = None
    ) -> Summary:
        """Make every picture, in forked worker processes; in a dry run, only report what would be made.

        In the main thread, it handles SIGINT, SIGTERM and SIGHUP until it returns: the first lets running pictures
        finish and ends the run, the second ends it at once. The exit code in the summary says so; nothing is raised.

        Args:
            observers: follow the run; a function is called with every outcome.
            create_executor: creates what works on the jobs, if not worker processes of this machine. The run enters it.

        Raises:
            DestinationError: the destination can't be written; nothing was done.
            DestinationBusyError: another run holds the destination; nothing was done.
            LedgerError: the ledger is damaged or can't be written; nothing was done.
            BrokenPoolError: workers can't be kept alive.
        """
        from forkresize.batch.execute import execute

        events = EventDispatcher(observers)
        summary = execute(self, events, create_executor)
        events.finish(summary)
        return summary

    def count_left_out(self) -> Mapping[str, int]:
        """Return how many files each setting leaves out, for a run that found no picture; see ``batch.empty``."""
        from forkresize.batch.empty import count_left_out

        return count_left_out(self)

    def prepare_again(self, settings: Settings) -> "RunPlan":
        """Return the plan of another run of the same request, over the sources as they are now."""
        return prepare(self.discovery.named, self.store, self.recipe, settings)


def prepare(
    sources: Sequence[str | os.PathLike[str]],
    destination: str | os.PathLike[str] | OutputStore,
    recipe: Recipe,
    settings: Settings | None = None,
) -> RunPlan:
    """Check a run's request, and find what can only be found by looking at all sources; change nothing.

    Args:
        sources: directories and files to read, or URLs such as ``s3://bucket/path``.
        destination: the directory to write to, which is created if it is missing, a URL, or a store.
        recipe: what to make of every picture.
        settings: which files, how many workers, what to do about existing outputs.

    Raises:
        UsageError: the request is contradictory, or names a watermark that can't be used; or the sources are one path
            instead of a list.
        CollisionError: two sources have the same output, and the settings refuse that.
        SourceError: a source is missing.
        SandboxError: the settings require a sandbox that the system does not support.
    """
    settings = settings or Settings()
    if isinstance(sources, str | bytes | os.PathLike):
        raise FieldError("sources", f"expected a list of paths, got {sources!r}: use [{sources!r}]")
    named = [local_path(os.fspath(source)) for source in sources]
    if isinstance(destination, str | os.PathLike):
        destination = local_path(os.fspath(destination))
        if any(map(is_url, (*named, destination))):
            from forkresize.batch.remote.prepare import prepare_remote

            return prepare_remote(named, destination, recipe, settings)
    store = LocalStore(destination) if isinstance(destination, str) else destination
    return _prepare_local(named, store, recipe, settings)


def _prepare_local(named: Sequence[str], store: OutputStore, recipe: Recipe, settings: Settings) -> RunPlan:
    """Prepare a run whose sources are local files; see ``prepare``."""
    root = store.location("") if store.capabilities.local_paths else None
    deadline = Deadline(settings.max_duration)
    stop = StopToken(deadline)
    _validate_files(recipe)
    _check_capabilities(settings, store)
    if isinstance(settings.ledger, str):
        check_ledger(settings.ledger)
    naming = Naming(recipe, settings.name, settings.flat)
    check_in_place(named, root, recipe, settings)
    guard = None if settings.in_place or root is None else OverwriteGuard(named, root)
    discovery = SourceDiscovery(named, root, settings, guard, stop)
    if guard is not None:
        _complete_guard(guard, discovery, store, naming)
    return RunPlan(
        store=store,
        recipe=recipe,
        settings=settings,
        discovery=discovery,
        naming=naming,
        guard=guard,
        collisions=find_run_collisions(discovery, store, naming, settings, looks_like_image),
        deadline=deadline,
        stop=stop,
    )


def _validate_files(recipe: Recipe) -> None:
    """Check the files that a recipe names.

    Raises:
        FieldError: the recipe names a watermark or a font that cannot be used.
    """
    # Only watermarks are files. Decoders are loaded with the first job, which most runs do not have.
    if any(isinstance(step, Watermark) for step in recipe.steps):
        from forkresize.image.transform import validate

        validate(recipe)


def _check_capabilities(settings: Settings, store: OutputStore) -> None:
    if settings.serial and settings.sandbox is SandboxMode.ON:
        raise FieldError("sandbox", "requires worker processes; use at least one worker")
    if not store.capabilities.local_paths and not settings.serial:
        raise FieldError("serial", "must be set: worker processes write to local directories only")
    if settings.preserve_times and not store.capabilities.mtimes:
        raise FieldError("preserve_times", "requires a store in which modification times can be set")
    require_support(settings.sandbox)


def _complete_guard(guard: OverwriteGuard, discovery: SourceDiscovery, store: OutputStore, naming: Naming) -> None:
    """Check the files that were named, and make the guard protect them."""
    for root in discovery.roots:
        if os.path.isfile(root.path):
            for output in naming.outputs(Source(root.path, root.prefix or os.path.basename(root.path))):
                path = store.location(output.key)
                if guard.forbids(path, root.path):
                    raise FieldError("destination", f"{path!r} would overwrite its source; specify another directory")
    guard.add_sources(discovery.single_files())


def find_run_collisions(
    discovery: "SourceDiscovery | RemoteDiscovery",
    store: OutputStore,
    naming: Naming,
    settings: Settings,
    is_picture: Callable[[str], bool],
) -> Collisions:
    """Return the sources that share an output. Most runs need not look at all sources for that.

    Args:
        discovery: finds the sources.
        store: where the outputs belong.
        naming: names the outputs.
        settings: what to do if two sources share one.
        is_picture: decides by a source's content.
    """
    # A dry run must not write, as a probe does.
    case_sensitive = settings.dry_run or store.probe().case_sensitive
    if discovery.keeps_names_apart and naming.is_injective and case_sensitive:
        return Collisions()
    names = OutputNames(naming, case_sensitive)
    return find_collisions(discovery.all_sources, names, settings.on_collision, is_picture, store.location)
