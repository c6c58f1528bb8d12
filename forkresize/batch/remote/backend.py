"""The backend of runs with object stores: RemoteBackend."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import cached_property
from os.path import splitext
from typing import TYPE_CHECKING

from msgspec.structs import replace

from forkresize.batch.backend import FindReplaced, OpenRun, Probe
from forkresize.batch.executor import Executor, OnTick
from forkresize.batch.listing import Found, Listed, source_of
from forkresize.batch.outputs import OutputStrategy
from forkresize.batch.prefetch import output_keys
from forkresize.batch.prune import RemovableOutputs, find_file
from forkresize.batch.remote.discovery import RemoteDiscovery
from forkresize.batch.remote.listed_store import ListedStore
from forkresize.batch.remote.object_index import ObjectIndex
from forkresize.batch.remote.output_listing import ListedOutputs, OutputListing
from forkresize.batch.remote.outputs import RemoteOutputs
from forkresize.batch.remote.renderer import PackedRecipe, Renderer
from forkresize.batch.remote.source_stores import SourceStores
from forkresize.batch.remote.transfers import Endpoints, TransferExecutor, TransferOptions
from forkresize.batch.settings import Settings
from forkresize.batch.staleness_checker import StalenessChecker
from forkresize.batch.worker import WorkerSetup
from forkresize.formats.registry import SUFFIXES
from forkresize.image.decode.probe import ImageInfo
from forkresize.image.errors import PictureError
from forkresize.job import Output, Source
from forkresize.ledger import LedgerStore
from forkresize.outcome import Reason
from forkresize.pool import MIN_MEMORY, NothingYet, default_budget
from forkresize.recipe import Recipe
from forkresize.store import ObjectInfo, OutputStore, PutOptions, Staging
from forkresize.store.objects import NO_CONDITIONAL_PUT
from forkresize.urls import is_url

if TYPE_CHECKING:
    from forkresize.batch.prepare import RunPlan

_WINDOW = 500
"""Sources whose outputs are looked up at a time: more than what is collected until their records are."""

_SHARE = 4
"""This process holds one part in so many of the memory; the workers have the rest."""


class RunExecutor(TransferExecutor):
    """A TransferExecutor with a renderer of its own, which ends with it."""

    def __exit__(self, *error: object) -> None:
        super().__exit__(*error)
        self._renderer.terminate()


def create_renderer(settings: Settings, recipe: Recipe) -> Renderer:
    """Return the workers of a run, which have all of its memory but the share of this process."""
    total = _total_memory(settings)
    pool = replace(settings.pool, memory=max(MIN_MEMORY, total - total // _SHARE))
    return Renderer(pool, settings.sandbox, [PackedRecipe.of(recipe)])


def _total_memory(settings: Settings) -> int:
    return settings.pool.memory or default_budget()


class RemoteBackend:
    """Sources and outputs in object stores, or some of them; this process moves the bytes.

    Args:
        sources: where the sources are.
        destination: where the outputs are.
        discovery: lists the sources.
        headers: that outputs get.
    """

    def __init__(
        self, sources: SourceStores, destination: OutputStore, discovery: RemoteDiscovery, headers: PutOptions
    ) -> None:
        self._sources = sources
        self._destination = destination
        self._discovery = discovery
        self._headers = headers
        self._listing: OutputListing | None = None
        self._outputs: ListedOutputs | None = None
        self._ledger: LedgerStore | None = None
        self._placed: dict[str, ObjectInfo] = {}
        self._renderer: Renderer | None = None

    may_fork = False

    def use_renderer(self, renderer: Renderer) -> None:
        """Let workers of ``create_renderer`` render the pictures that were started before; they end with the run."""
        self._renderer = renderer

    @property
    def probe(self) -> Probe | None:
        """What the ledger says of outputs."""
        return None if self._destination.capabilities.local_paths else self._describe_output

    @contextmanager
    def list_sources(self, plan: "RunPlan") -> Iterator[Iterable[Listed]]:
        """List the sources and, if it is remote, the destination, both at the same time."""
        self._discovery.start()
        if plan.store.capabilities.local_paths:
            yield self._discovery.follow()
            return
        self._listing = OutputListing(plan.store)
        self._outputs = ListedOutputs(self._listing, self._placed)
        try:
            yield self._join(plan, self._listing, self._outputs)
        finally:
            self._listing.close()

    preview_sources = list_sources

    @contextmanager
    def count_sources(self, plan: "RunPlan") -> Iterator[Iterator[int | None]]:
        """Count what is listed."""
        listed = self._discovery.follow()
        yield (
            None if isinstance(each, NothingYet) else source_of(each).size
            for each in listed
            if isinstance(each, NothingYet) or plan.includes(each)
        )

    def may_be_picture(self, source: Source) -> bool:
        """Return whether a source may be a picture. One that is named like a picture is not fetched for that."""
        return splitext(source.path)[1].lower() in SUFFIXES or self._sources.may_be_picture(source)

    def notice(self, plan: "RunPlan") -> str | None:
        """Return that the store cannot bind a put to what it replaces, if that is so."""
        if plan.store.capabilities.local_paths or plan.store.probe().conditional_put:
            return None
        return f"{plan.store.location('')}: {NO_CONDITIONAL_PUT}"

    def find_replaced(self, plan: "RunPlan") -> FindReplaced | None:
        """Return what looks up objects in the listing of the destination, if its puts can be bound to them."""
        if plan.store.capabilities.local_paths or not plan.store.probe().conditional_put:
            return None
        return lambda key: None if self._listing is None else self._listing.get(key)

    def preload(self, plan: "RunPlan") -> None:
        """Load nothing: this process does not decode."""

    def create_executor(
        self, plan: "RunPlan", store: OutputStore, staging: Staging, setup: WorkerSetup, on_tick: OnTick | None
    ) -> Executor:
        """Return what moves the bytes, with workers that have neither files nor a network."""
        del staging, setup  # For workers that write outputs.
        recipe = PackedRecipe.of(plan.recipe)
        renderer = self._renderer or create_renderer(plan.settings, plan.recipe)
        memory = _total_memory(plan.settings) // _SHARE
        endpoints = Endpoints(self._sources, store, self._put_options, self._placed)
        options = TransferOptions(memory=memory, stop_after=plan.deadline.remaining)
        return RunExecutor(renderer, recipe, endpoints, options, on_tick)

    def open_outputs(self, run: OpenRun) -> OutputStrategy:
        """Return outputs that are put by the executor."""
        self._ledger = run.ledger
        removable = self.removable(run.plan, run.ledger, run.store)
        clear = run.obstructions(removable).clear
        checker = StalenessChecker(self._sources, removable.store, run.ledger, run.rules, clear)
        return RemoteOutputs(checker, self._placed)

    def removable(self, plan: "RunPlan", ledger: LedgerStore, store: OutputStore) -> RemovableOutputs:
        """Return what looks for sources in their listing."""
        listed = store if self._outputs is None else ListedStore(store, self._outputs)
        return RemovableOutputs(ledger, listed, plan.discovery.directories(), self._find_source)

    def _describe_output(self, url: str) -> ImageInfo:
        """Return what the ledger says of an output.

        Raises:
            PictureError: it says nothing.
        """
        key = url.removeprefix(f"{self._destination.location('').rstrip('/')}/")
        record = None if self._ledger is None else self._ledger.get(key)
        if record is None or record.width is None or record.height is None or record.format is None:
            raise PictureError(Reason.UNREADABLE, f"{url}: the ledger has no size of it")
        return ImageInfo(record.width, record.height, record.format, record.size)

    def _put_options(self, output: Output) -> PutOptions:
        """Return how an output is put: bound to what was there when it was decided to make it.

        Called by the threads of transfers.
        """
        if self._listing is None:
            return self._headers
        before = self._listing.get(output.key)
        return replace(self._headers, create=before is None, replaces=before)

    def _join(self, plan: "RunPlan", listing: OutputListing, outputs: ListedOutputs) -> Iterator[Listed]:
        """Yield the sources, in groups whose outputs are looked up together."""
        yield from listing.wait()
        group: list[Found] = []
        for each in self._discovery.follow():
            if not isinstance(each, NothingYet):
                group.append(each)
                if len(group) < _WINDOW:
                    continue
            if group:
                outputs.prefetch(output_keys(plan, group))
                yield from group
                group = []
            if isinstance(each, NothingYet):
                yield each
        outputs.prefetch(output_keys(plan, group))
        yield from group

    def _find_source(self, path: str) -> ObjectInfo | None:
        """Return what is known of a source, from its listing; None if it is gone.

        Raises:
            OSError: it cannot be looked at, and may exist.
        """
        if not is_url(path):
            return find_file(path)
        if self._discovery.is_listed(path):
            return self._source_index.get(path)
        store, key = self._sources.find(path)
        return store.stat(key)

    @cached_property
    def _source_index(self) -> ObjectIndex:
        index = ObjectIndex()
        index.add(
            ObjectInfo(each.path, each.size, each.mtime_ns, each.mtime_ns, etag=each.etag, version=each.version)
            for each in self._discovery.all_objects()
        )
        return index
