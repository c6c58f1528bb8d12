"""What depends on where sources and outputs are: the Backend protocol, and the backend of local files."""

import gc
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import cached_property, partial
from typing import TYPE_CHECKING, Protocol

from msgspec import Struct
from msgspec.structs import replace

from forkresize.batch.classify import head_of_only_file, is_local_picture
from forkresize.batch.executor import Executor, OnTick, SerialExecutor
from forkresize.batch.fingerprint import fingerprint_recipe, referenced_files
from forkresize.batch.in_place import InPlaceOutputs
from forkresize.batch.listing import Grouped, count_sources, list_sources
from forkresize.batch.local import LocalExecutor, sandboxed_pool_options
from forkresize.batch.obstruction import Obstructions
from forkresize.batch.outputs import OutputStrategy, SeparateOutputs
from forkresize.batch.prune import RemovableOutputs
from forkresize.batch.staleness_checker import StalenessChecker
from forkresize.batch.worker import WorkerSetup
from forkresize.formats.header import Header
from forkresize.job import Source
from forkresize.ledger import LedgerStore
from forkresize.outcome import Outcome
from forkresize.plan.staleness import Rules
from forkresize.store import LocalStore, ObjectInfo, OutputStore, Staging

if TYPE_CHECKING:
    from forkresize.batch.prepare import RunPlan


class OpenRun(Struct, frozen=True, dict=True):
    """A run whose destination is held.

    Attributes:
        plan: the run.
        store: the destination, written to on behalf of the run.
        staging: where workers put outputs.
        ledger: the records.
        report: called with the outcome of each output that makes way for another; None in a dry run.
    """

    plan: "RunPlan"
    store: OutputStore
    staging: Staging
    ledger: LedgerStore
    report: Callable[[Outcome], object] | None

    @cached_property
    def rules(self) -> Rules:
        """The rules of its decisions."""
        settings = self.plan.settings
        # An output that replaced its source is not encoded again only because a codec's version changed.
        compute = partial(
            fingerprint_recipe,
            self.plan.recipe,
            settings.pool.timeout,
            settings.memory,
            with_codecs=not settings.in_place,
        )
        rules = Rules(settings.policy, compute, self.ledger.interrupted_runs())
        if any(referenced_files(self.plan.recipe)):
            # A file that changes after workers have loaded it must not be recorded as what they have used.
            _ = rules.fingerprints
        return rules

    def compute_fingerprints(self) -> None:
        """Compute what records need, at a time when nothing waits for it."""
        _ = self.rules.fingerprints

    def obstructions(self, removable: RemovableOutputs) -> Obstructions:
        """Return what removes what is in the way of outputs."""
        return Obstructions(removable, self.plan.settings.max_prune if self.plan.settings.prune else None, self.report)


Probe = Callable[[str], Header]
"""Returns the header of an output at a path or URL, or raises ForkresizeError."""


FindReplaced = Callable[[str], ObjectInfo | None]
"""Returns the object that an output replaces, by its key; None if there is none. Called by many threads."""


class Backend(Protocol):
    """What a run does differently depending on where its sources and outputs are."""

    @property
    def may_fork(self) -> bool:
        """Whether this process may fork: it has no threads."""

    @property
    def probe(self) -> Probe | None:
        """What is known of outputs of earlier runs; None if they are local files. For use while the run is open."""

    def list_sources(self, plan: "RunPlan") -> AbstractContextManager[Iterable[Grouped]]:
        """Open the listing of the sources; entered before the ledger is opened."""

    def preview_sources(self, plan: "RunPlan") -> AbstractContextManager[Iterable[Grouped]]:
        """Open the listing of the sources for a dry run."""

    def count_sources(self, plan: "RunPlan") -> AbstractContextManager[Iterator[int | None]]:
        """Open an iterator of the size of each source of a run in bytes, and a None where none was found yet."""

    def may_be_picture(self, source: Source) -> bool:
        """Return whether a source may be a picture, by its first bytes or its name.

        Raises:
            OSError: it cannot be read.
        """

    def notice(self, plan: "RunPlan") -> str | None:
        """Return what a person should know of the destination; None if it is nothing."""

    def find_replaced(self, plan: "RunPlan") -> FindReplaced | None:
        """Return what looks up the objects that outputs replace, while the run is open; None if puts ignore them."""

    def preload(self, plan: "RunPlan") -> None:
        """Load what workers share; called before the first job."""

    def create_executor(
        self, plan: "RunPlan", store: OutputStore, staging: Staging, setup: WorkerSetup, on_tick: OnTick | None
    ) -> Executor:
        """Return what works on the jobs."""

    def open_outputs(self, run: OpenRun) -> OutputStrategy:
        """Return what is done about outputs before and after they are made."""

    def removable(self, plan: "RunPlan", ledger: LedgerStore, store: OutputStore) -> RemovableOutputs:
        """Return what finds the outputs that may be pruned."""


@contextmanager
def _collector_paused() -> Iterator[None]:
    """Pause the garbage collector, which would look through all modules that are loaded, several times."""
    was_enabled = gc.isenabled()
    try:
        gc.disable()
        yield
        # Makes all of them old, so that the next collections leave them out as well.
        gc.freeze()
        gc.unfreeze()
    finally:
        if was_enabled:
            gc.enable()


class LocalBackend:
    """Sources in local files, and workers that open them and write outputs themselves."""

    may_fork = True
    probe = None

    def list_sources(self, plan: "RunPlan") -> AbstractContextManager[Iterable[Grouped]]:
        """Open the walk, in a process of its own if it may take long."""
        return list_sources(plan)

    def preview_sources(self, plan: "RunPlan") -> AbstractContextManager[Iterable[Grouped]]:
        """Return the walk, in this process."""
        return nullcontext(plan.discovery.walk_groups())

    def count_sources(self, plan: "RunPlan") -> AbstractContextManager[Iterator[int | None]]:
        """Open a walk that counts."""
        return count_sources(plan)

    def may_be_picture(self, source: Source) -> bool:
        """Return whether a file begins as a picture does."""
        return is_local_picture(source.path)

    def notice(self, plan: "RunPlan") -> str | None:  # noqa: ARG002  A method of the protocol.
        """Return None."""
        return None

    def find_replaced(self, plan: "RunPlan") -> FindReplaced | None:  # noqa: ARG002  A method of the protocol.
        """Return None: the lock of the destination is enough."""
        return None

    def preload(self, plan: "RunPlan") -> None:
        """Load codecs and watermarks before the first fork."""
        with _collector_paused():
            from forkresize.batch.render_job import preload

            preload(plan.recipe, head_of_only_file(plan))

    def create_executor(
        self, plan: "RunPlan", store: OutputStore, staging: Staging, setup: WorkerSetup, on_tick: OnTick | None
    ) -> Executor:
        """Return a pool of forked workers or, in a serial run, this process."""
        if plan.settings.serial:
            return SerialExecutor(setup, on_tick, store)
        options = sandboxed_pool_options(plan.settings, plan.discovery.named, staging.location)
        return LocalExecutor(setup, replace(options, stop_after=plan.deadline.remaining), on_tick)

    def open_outputs(self, run: OpenRun) -> OutputStrategy:
        """Return outputs in place of their sources, or apart from them."""
        settings = run.plan.settings
        obstructions = run.obstructions(self.removable(run.plan, run.ledger, run.store))
        checker = StalenessChecker(LocalStore(""), run.store, run.ledger, run.rules, obstructions.clear)
        if settings.in_place:
            return InPlaceOutputs(checker, settings, run.store, run.staging)
        return SeparateOutputs(checker, run.store, run.staging, preserve_times=settings.preserve_times)

    def removable(self, plan: "RunPlan", ledger: LedgerStore, store: OutputStore) -> RemovableOutputs:
        """Return what looks for each source by itself."""
        return RemovableOutputs(ledger, store, plan.discovery.directories())
