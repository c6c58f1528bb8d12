"""The batch: settle, work, tell. Joins stages that do not know each other."""

import os
import time
from collections.abc import Iterable, Sequence
from functools import partial
from itertools import chain

from forkresize import storage
from forkresize.batch.answers import outcomes_of
from forkresize.batch.course import Course, Observer
from forkresize.batch.intake import Intake
from forkresize.batch.settings import MaxErrors, Settings
from forkresize.image.render import check, render
from forkresize.job import Job
from forkresize.outcome import Outcome
from forkresize.plan import arrange
from forkresize.pool import Pool
from forkresize.recipe import Recipe
from forkresize.report.tally import Effort, Summary

__all__ = ["Intake", "MaxErrors", "Observer", "Settings", "run"]


def run(
    sources: Sequence[str | os.PathLike[str]],
    destination: str | os.PathLike[str],
    recipe: Recipe,
    *,
    settings: Settings | None = None,
    observers: Iterable[Observer] = (),
) -> Summary:
    """Make every picture of a batch, in forked worker processes.

    Called in the main thread, it takes SIGINT, SIGTERM and SIGHUP for its duration: the first lets running pictures
    finish and ends the run, the second ends it at once. The summary's exit code tells of it; nothing is raised.

    Args:
        sources: directories and files to read.
        destination: the directory to write to, made if it is missing.
        recipe: what to make of every picture.
        settings: which files, how many workers, what about outputs that are there.
        observers: each is called with the outcome of every source, as it ends.

    Raises:
        UsageError: the request contradicts itself, or names a watermark that can't be used; nothing was done.
        SourceError: a source is missing; nothing was done.
        DestinationError: the destination can't be written; nothing was done.
        DestinationBusyError: another run holds the destination; nothing was done.
        PoolBrokenError: workers can't be kept alive.
    """
    started = time.monotonic()
    check(recipe)
    settings = settings or Settings()
    intake = Intake([os.fspath(source) for source in sources], os.fspath(destination), recipe, settings)
    course = Course(recipe, observers, settings)
    collisions = intake.look_ahead()
    if settings.dry_run:
        for outcome in chain.from_iterable(intake.settle(collisions)):
            course.tell(outcome)
        return course.summary(Effort(seconds=time.monotonic() - started, workers=0))
    with storage.hold(os.fspath(destination)) as tag:
        work = partial(render, recipe=recipe, tag=tag)
        with Pool(work, options=settings.pool, on_tick=course.on_tick) as pool:
            for answer in pool.imap_unordered(arrange(course.due(intake.settle(collisions), pool), settings.order)):
                for outcome in outcomes_of(answer, tag):
                    course.tell(outcome)
                if course.must_stop:
                    pool.stop()
    return course.summary(_effort(pool, time.monotonic() - started), pool.interrupted)


def _effort(pool: Pool[Job, list[Outcome]], seconds: float) -> Effort:
    return Effort(seconds=seconds, workers=pool.workers, workers_lost=pool.workers_lost, busy_seconds=pool.busy_seconds)
