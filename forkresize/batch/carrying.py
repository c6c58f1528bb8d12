"""One run from its settled outputs to its end: foreseen, or carried out. Finds no source and counts nothing."""

from collections.abc import Callable, Iterator
from functools import partial
from itertools import chain
from typing import Any

from msgspec.structs import replace

from forkresize.batch.answers import outcomes_of
from forkresize.batch.confining import confined
from forkresize.batch.course import Course
from forkresize.batch.fingerprints import prints_of
from forkresize.batch.in_place import InPlace
from forkresize.batch.intake import Intake
from forkresize.batch.placing import Beside, Placing, remembering
from forkresize.batch.prune import Pruning
from forkresize.batch.settings import Settings
from forkresize.batch.wire import Told
from forkresize.errors import LedgerError
from forkresize.image.render import render
from forkresize.job import Job
from forkresize.ledger import Ledger, Memory, Settler
from forkresize.outcome import Outcome
from forkresize.plan import Collisions, arrange
from forkresize.pool import Pool, reserve
from forkresize.recipe import Recipe


class Batch:
    """What a run does, once its request is found to be in order."""

    def __init__(self, intake: Intake, course: Course, recipe: Recipe, settings: Settings, destination: str) -> None:
        self._intake = intake
        self._course = course
        self._recipe = recipe
        self._settings = settings
        self._destination = destination

    def foresee(self, collisions: Collisions) -> None:
        """Tell what would be done, and do nothing.

        Raises:
            LedgerError: the ledger is damaged.
        """
        with remembering(self._destination, self._settings) as memory:
            settle = self._placing(memory, "").settle
            for outcome in chain(chain.from_iterable(self._intake.settle(collisions, settle)), self._pruned(memory)):
                self._course.tell(outcome)

    def carry_out(self, collisions: Collisions, tag: str) -> Pool[Job, list[Told]]:
        """Do it; return the pool that did.

        A ledger that can't be read or written any more ends the run as a full disk does.

        Args:
            collisions: what looking ahead came to.
            tag: the run's, for temporary names.

        Raises:
            LedgerError: the ledger can't be opened, and nothing was done.
            PoolBrokenError: workers can't be kept alive.
        """
        with remembering(self._destination, self._settings) as memory:
            placing = self._placing(memory, tag)
            pool = self._work(placing, collisions, tag)
            if not (self._course.must_stop or pool.interrupted):
                with self._course.ended_by(LedgerError):
                    for outcome in self._pruned(memory):
                        self._course.tell(outcome)
            with self._course.ended_by(LedgerError):
                memory.close()
        return pool

    def _work(self, placing: Placing, collisions: Collisions, tag: str) -> Pool[Job, list[Told]]:
        # What it returns comes out as Told.
        work: Callable[[Job], Any] = partial(render, recipe=self._recipe, tag=tag, reserve=reserve)
        options = confined(self._settings, self._intake.sources, self._destination)
        timed = replace(options, lifetime=self._course.time_left)
        with Pool(work, options=timed, on_tick=self._course.on_tick) as pool:
            until = partial(self._course.is_over, pool)
            settled = self._until_trouble(self._intake.settle(collisions, placing.settle, until))
            due = self._course.due(settled, pool)
            for answer in pool.imap_unordered(map(placing.stage, arrange(due, self._settings.order))):
                outcomes = placing.finish(answer.item, outcomes_of(answer, tag))
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

    def _placing(self, memory: Memory, tag: str) -> Placing:
        settings = self._settings
        # What was put into its source's place is not encoded again for a codec of another version.
        prints = prints_of(self._recipe, settings.pool.timeout, with_codecs=not settings.in_place)
        settler = Settler(memory, prints, settings.policy)
        if settings.in_place:
            return InPlace(settler, settings, tag)
        return Beside(settler, preserve_times=settings.preserve_times)

    def _pruned(self, memory: Memory) -> Iterator[Outcome]:
        if not self._settings.prune or not isinstance(memory, Ledger):
            return
        pruning = Pruning(memory, self._destination, self._intake.directories())
        if self._settings.max_prune.exceeded(len(pruning.lost), pruning.known):
            told = f"{len(pruning.lost)} of {pruning.known} outputs have lost their source, and none was removed"
            self._course.refuse(f"--max-prune {self._settings.max_prune}: {told}")
            return
        yield from pruning.foreseen() if self._settings.dry_run else pruning.carried_out()
