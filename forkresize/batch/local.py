"""The executor of this machine: a pool of forked workers that may only read the sources and write staged outputs."""

import errno
import os
from collections.abc import Iterable, Iterator, Sequence
from io import FileIO
from typing import Any

from msgspec.structs import replace

from forkresize.batch.executor import JobResult, OnTick
from forkresize.batch.settings import Settings
from forkresize.batch.wire import OUTCOME_SERIALIZER, JobMessage, WireOutcome
from forkresize.batch.worker import RenderWorker, WorkerSetup
from forkresize.job import Job
from forkresize.pool import NothingYet, Pool, PoolOptions, SandboxMode, SandboxPolicy, reserve
from forkresize.store.files import open_source
from forkresize.summary import ExecutorStats


class LocalExecutor(Pool[Job, list[WireOutcome]]):
    """Works on jobs in forked workers.

    Args:
        setup: what workers need once.
        options: number of workers, limits, sandbox.
        on_tick: called ten times per second while jobs run.
    """

    def __init__(self, setup: WorkerSetup, options: PoolOptions, on_tick: OnTick | None = None) -> None:
        worker: Any = RenderWorker(setup, reserve)
        jobs = setup.job_serializer()
        options = replace(options, serializer=OUTCOME_SERIALIZER, task_serializer=jobs, batches=True)
        super().__init__(worker, initializer=worker.start, options=options, on_tick=on_tick)

    def run(self, jobs: Iterable[Job | NothingYet]) -> Iterator[JobResult]:
        """Yield one result for each job that is started, as they come; see ``Executor``."""
        return self.imap_unordered(jobs)

    @property
    def stats(self) -> ExecutorStats:
        """The workers, and the time that they took so far."""
        return ExecutorStats(**{name: getattr(self, name) for name in ExecutorStats.__struct_fields__})


def open_for_worker(own: str, path: str) -> FileIO:
    """Open the source of a worker's own job in the parent, and no other file."""
    if path != own:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), path)
    return open_source(path)


def _open_for_job(job: Job | JobMessage, path: str) -> FileIO:
    """Open a file that a worker may not open itself. A pool in a process of its own has the job's message."""
    return open_for_worker((job.job if isinstance(job, JobMessage) else job).source.path, path)


def sandboxed_pool_options(settings: Settings, sources: Sequence[str], staging: str) -> PoolOptions:
    """Return the options of a pool whose workers may only read the sources and write staged outputs.

    A source elsewhere, one that a link leads to or that was named beside others, is opened for the worker.

    Args:
        settings: how to run.
        sources: directories and files that were named.
        staging: the directory to write to, which exists.
    """
    if settings.sandbox is SandboxMode.OFF:
        return settings.pool
    policy = SandboxPolicy(
        mode=settings.sandbox,
        # Of many files that were named, each would be a rule.
        read=tuple(source for source in sources if os.path.isdir(source) or len(sources) == 1),
        write=(staging,),
        open_file=_open_for_job,
    )
    return replace(settings.pool, sandbox=policy)
