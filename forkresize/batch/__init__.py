"""The batch: settle, work, tell. Joins stages that do not know each other."""

import os
from collections.abc import Iterable, Sequence

from forkresize.batch.deadline import Deadline
from forkresize.batch.discovery import JobDiscovery
from forkresize.batch.execute import BatchRunner
from forkresize.batch.prune import MaxPrune
from forkresize.batch.settings import MaxErrors, Settings
from forkresize.batch.state import AnyObserver, RunState
from forkresize.batch.wire import WireOutcome
from forkresize.image.render import validate
from forkresize.job import Job
from forkresize.lock import destination_lock
from forkresize.observer import Observer
from forkresize.pool import Pool, require_support
from forkresize.recipe import Recipe
from forkresize.summary import RunStats, Summary

__all__ = ["AnyObserver", "JobDiscovery", "MaxErrors", "MaxPrune", "Observer", "Settings", "run"]


def run(
    sources: Sequence[str | os.PathLike[str]],
    destination: str | os.PathLike[str],
    recipe: Recipe,
    *,
    settings: Settings | None = None,
    observers: Iterable[AnyObserver] = (),
) -> Summary:
    """Make every picture of a batch, in forked worker processes.

    Called in the main thread, it takes SIGINT, SIGTERM and SIGHUP for its duration: the first lets running pictures
    finish and ends the run, the second ends it at once. The summary's exit code tells of it; nothing is raised.

    Args:
        sources: directories and files to read.
        destination: the directory to write to, made if it is missing.
        recipe: what to make of every picture.
        settings: which files, how many workers, what about outputs that are there.
        observers: objects whose hooks are called, and functions to call with every outcome.

    Raises:
        UsageError: the request contradicts itself, or names a watermark that can't be used; nothing was done.
        SourceError: a source is missing; nothing was done.
        DestinationError: the destination can't be written; nothing was done.
        DestinationBusyError: another run holds the destination; nothing was done.
        LedgerError: what is remembered of earlier runs is damaged or can't be written; nothing was done.
        SandboxError: workers are to be confined, and the system can't do it; nothing was done.
        PoolBrokenError: workers can't be kept alive.
    """
    settings = settings or Settings()
    deadline = Deadline(settings.max_duration)
    validate(recipe)
    require_support(settings.sandbox)
    intake = JobDiscovery([os.fspath(source) for source in sources], os.fspath(destination), recipe, settings)
    course = RunState(recipe, observers, settings, deadline)
    batch = BatchRunner(intake, course, recipe, settings, os.fspath(destination))
    collisions = intake.look_ahead(lambda: deadline.passed)
    if settings.dry_run:
        course.start()
        batch.preview(collisions)
        return course.finish(RunStats(seconds=deadline.elapsed, workers=0))
    share = None if settings.shard is None else settings.shard.share
    with destination_lock(
        os.fspath(destination), share=share, patience=settings.lock_wait, on_wait=course.on_waiting
    ) as tag:
        course.start()
        pool = batch.execute(collisions, tag)
    return course.finish(_effort(pool, deadline.elapsed), pool.interrupted)


def _effort(pool: Pool[Job, list[WireOutcome]], seconds: float) -> RunStats:
    return RunStats(
        seconds=seconds,
        workers=pool.workers,
        workers_lost=pool.workers_lost,
        busy_seconds=pool.busy_seconds,
        memory=pool.memory,
        sandbox=pool.sandbox,
        sandbox_missing=pool.sandbox_missing,
    )
