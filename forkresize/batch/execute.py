"""One run from its settled outputs to its end: foreseen, or carried out. Finds no source and counts nothing."""

from collections.abc import Callable, Iterator
from functools import partial
from itertools import chain
from typing import Any

from msgspec.structs import replace

from forkresize.batch.discovery import JobDiscovery
from forkresize.batch.fingerprint import fingerprint_recipe
from forkresize.batch.in_place import InPlaceOutputs
from forkresize.batch.outputs import OutputStrategy, SeparateOutputs, open_ledger
from forkresize.batch.prune import PrunePlan
from forkresize.batch.results import outcomes_from_result
from forkresize.batch.sandbox import sandboxed_pool_options
from forkresize.batch.settings import Settings
from forkresize.batch.state import RunState
from forkresize.batch.wire import WireOutcome
from forkresize.errors import LedgerError
from forkresize.image.limits import limit_decoders
from forkresize.image.render import render
from forkresize.job import Job
from forkresize.ledger import LedgerStore, SqliteLedger, StalenessChecker
from forkresize.outcome import Outcome
from forkresize.plan import Collisions, prioritize
from forkresize.pool import Pool, request_file, reserve
from forkresize.recipe import Recipe
from forkresize.store.files import FALLBACK_OPENER


class BatchRunner:
    """What a run does, once its request is found to be in order."""

    def __init__(
        self, intake: JobDiscovery, course: RunState, recipe: Recipe, settings: Settings, destination: str
    ) -> None:
        self._intake = intake
        self._course = course
        self._recipe = recipe
        self._settings = settings
        self._destination = destination

    def preview(self, collisions: Collisions) -> None:
        """Tell what would be done, and do nothing.

        Raises:
            LedgerError: the ledger is damaged.
        """
        with open_ledger(self._destination, self._settings) as memory:
            settle = self._placing(memory, "").settle
            for outcome in chain(chain.from_iterable(self._intake.settle(collisions, settle)), self._pruned(memory)):
                self._course.tell(outcome)

    def execute(self, collisions: Collisions, tag: str) -> Pool[Job, list[WireOutcome]]:
        """Do it; return the pool that did.

        A ledger that can't be read or written any more ends the run as a full disk does.

        Args:
            collisions: what looking ahead came to.
            tag: the run's, for temporary names.

        Raises:
            LedgerError: the ledger can't be opened, and nothing was done.
            PoolBrokenError: workers can't be kept alive.
        """
        with open_ledger(self._destination, self._settings) as memory:
            placing = self._placing(memory, tag)
            pool = self._work(placing, collisions, tag)
            if not (self._course.must_stop or pool.interrupted):
                with self._course.ended_by(LedgerError):
                    for outcome in self._pruned(memory):
                        self._course.tell(outcome)
            with self._course.ended_by(LedgerError):
                memory.close()
        return pool

    def _work(self, placing: OutputStrategy, collisions: Collisions, tag: str) -> Pool[Job, list[WireOutcome]]:
        # What it returns comes out as Told.
        work: Callable[[Job], Any] = partial(render, recipe=self._recipe, tag=tag, reserve=reserve)
        options = sandboxed_pool_options(self._settings, self._intake.sources, self._destination)
        timed = replace(options, stop_after=self._course.time_left)
        initializer = partial(_prepare_worker, self._recipe.max_pixels)
        with Pool(work, initializer=initializer, options=timed, on_tick=self._course.on_tick) as pool:
            until = partial(self._course.is_over, pool)
            settled = self._until_trouble(self._intake.settle(collisions, placing.settle, until))
            due = self._course.due(settled, pool)
            for answer in pool.imap_unordered(map(placing.stage, prioritize(due, self._settings.order))):
                outcomes = placing.finish(answer.item, outcomes_from_result(answer, tag))
                for outcome in outcomes:
                    self._course.tell(outcome)
                self._course.answered()
                with self._course.ended_by(LedgerError):
                    placing.remember(answer.item, outcomes)
                if self._course.must_stop:
                    pool.stop()
        return pool

    def _until_trouble(self, settled: Iterator[list[Outcome]]) -> Iterator[list[Outcome]]:
        with self._course.ended_by(LedgerError):
            yield from settled

    def _placing(self, memory: LedgerStore, tag: str) -> OutputStrategy:
        settings = self._settings
        # What was put into its source's place is not encoded again for a codec of another version.
        prints = fingerprint_recipe(self._recipe, settings.pool.timeout, with_codecs=not settings.in_place)
        settler = StalenessChecker(memory, prints, settings.policy)
        if settings.in_place:
            return InPlaceOutputs(settler, settings, tag)
        return SeparateOutputs(settler, preserve_times=settings.preserve_times)

    def _pruned(self, memory: LedgerStore) -> Iterator[Outcome]:
        if not self._settings.prune or not isinstance(memory, SqliteLedger):
            return
        pruning = PrunePlan(memory, self._destination, self._intake.directories())
        if self._settings.max_prune.exceeded(len(pruning.lost), pruning.known):
            told = f"{len(pruning.lost)} of {pruning.known} outputs have lost their source, and none was removed"
            self._course.refuse(f"--max-prune {self._settings.max_prune}: {told}")
            return
        yield from pruning.foreseen() if self._settings.dry_run else pruning.carried_out()


def _prepare_worker(max_pixels: int) -> None:
    limit_decoders(max_pixels)
    FALLBACK_OPENER.set(request_file)
