"""Runs in programs with threads, which must not fork: the pool has a process of its own, the walk is in this one."""

import time
from collections.abc import Iterable, Iterator
from concurrent.futures import CancelledError, Future
from functools import partial
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any, Self

from msgspec.structs import replace

from forkresize.batch.backend import LocalBackend
from forkresize.batch.executor import ENDED, LOST, Executor, JobResult, OnTick, SerialExecutor
from forkresize.batch.local import sandboxed_pool_options
from forkresize.batch.wire import OUTCOME_SERIALIZER, WireOutcome
from forkresize.batch.worker import RenderWorker, WorkerSetup
from forkresize.errors import BrokenPoolError
from forkresize.job import Job
from forkresize.outcome import Failed, Reason
from forkresize.pool import (
    Activity,
    Completed,
    NothingYet,
    PoolOptions,
    PoolProcess,
    SupervisorLostError,
    TaskResult,
    available_cpus,
    default_budget,
    reserve,
)
from forkresize.pool.signals import StopSignals
from forkresize.recipe import from_bytes
from forkresize.store import OutputStore, Staging
from forkresize.summary import ExecutorStats

if TYPE_CHECKING:
    from forkresize.batch.prepare import RunPlan

_AHEAD = 3
"""Jobs per worker that are under way at most: the supervisor has two, and one is on its way."""

_TaskFuture = Future[TaskResult[None, list[WireOutcome]]]


class ThreadedBackend(LocalBackend):
    """Local files in a program with threads: this process forks nothing and decodes nothing.

    The walk is in this process; see ``listing.is_local``.
    """

    def preload(self, plan: "RunPlan") -> None:
        """Load nothing; the supervisor does."""

    def create_executor(
        self, plan: "RunPlan", store: OutputStore, staging: Staging, setup: WorkerSetup, on_tick: OnTick | None
    ) -> Executor:
        """Return a pool in a process of its own or, in a serial run, this process."""
        if plan.settings.serial:
            super().preload(plan)
            return SerialExecutor(setup, on_tick, store)
        options = sandboxed_pool_options(plan.settings, plan.discovery.named, staging.location)
        return ProcessExecutor(setup, replace(options, stop_after=plan.deadline.remaining), on_tick)


class ProcessExecutor:
    """Works on jobs in a pool in a process of its own, as LocalExecutor does in forked workers. See ``Executor``.

    Args:
        setup: what workers need once.
        options: number of workers, limits, sandbox.
        on_tick: called ten times per second while jobs run.
    """

    def __init__(self, setup: WorkerSetup, options: PoolOptions, on_tick: OnTick | None = None) -> None:
        worker = RenderWorker(setup, reserve)
        self._workers = options.workers or available_cpus()
        self._memory = options.memory or default_budget()
        self._tick_interval = options.tick
        self._pool: PoolProcess[list[WireOutcome]] = PoolProcess(
            worker,  # type: ignore[arg-type]  # Results are decoded as what was sent.
            initializer=worker.start,
            preload=partial(_preload, setup.recipe),
            options=replace(
                options,
                workers=self._workers,
                memory=self._memory,
                serializer=OUTCOME_SERIALIZER,
                task_serializer=setup.job_serializer(),
            ),
        )
        self._on_tick = on_tick
        self._running: dict[_TaskFuture, tuple[Job, float]] = {}
        self._done: SimpleQueue[_TaskFuture] = SimpleQueue()
        self._stopping = False
        self._busy_seconds = 0.0
        self._last_tick = 0.0
        self._stop_at = None if options.stop_after is None else time.monotonic() + options.stop_after
        self._signals = StopSignals(self.stop)
        self._aborted = False
        self._signals.on_force = self._abort

    def __enter__(self) -> Self:
        self._signals.__enter__()
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        # A further signal while the processes end would otherwise be a KeyboardInterrupt, and the run have no summary.
        try:
            if kind is None and not self._running:
                self._pool.shutdown()
            else:
                self._pool.terminate()
        finally:
            self._signals.__exit__()

    def run(self, jobs: Iterable[Job | NothingYet]) -> Iterator[JobResult]:
        """Yield one result for each job that is started, as they come."""
        upcoming = iter(jobs)
        is_exhausted = False
        while True:
            while not (is_exhausted or self.stopping) and len(self._running) < _AHEAD * self._workers:
                job = next(upcoming, None)
                is_exhausted = job is None
                if job is None or isinstance(job, NothingYet):
                    break
                self._submit(job)
            if self._aborted:
                self._pool.terminate()
            elif self.stopping:
                self._cancel_waiting()
            if not self._running and (is_exhausted or self.stopping):
                return
            yield from self._results()
            self._tick()

    def stop(self) -> None:
        """Start no more jobs."""
        self._stopping = True

    @property
    def stopping(self) -> bool:
        """Whether no more jobs are started."""
        return self._stopping or (self._stop_at is not None and time.monotonic() > self._stop_at)

    @property
    def interrupted(self) -> int | None:
        """Number of the first stop signal; None if there was none."""
        return self._signals.first

    @property
    def stats(self) -> ExecutorStats:
        """The workers, and the time that they took so far."""
        found = self._pool.stats
        stats = ExecutorStats(**{name: getattr(found, name) for name in ExecutorStats.__struct_fields__})
        return replace(stats, workers=self._workers, memory=self._memory, busy_seconds=self._busy_seconds)

    def _abort(self) -> None:
        # The handler of a signal must not take the locks that end the pool.
        self._stopping = self._aborted = True

    def _submit(self, job: Job) -> None:
        future = self._pool.submit_task(job)
        self._running[future] = job, time.monotonic()
        future.add_done_callback(self._done.put)

    def _cancel_waiting(self) -> None:
        """Drop the jobs that the supervisor does not have."""
        for future in list(self._running):
            if not future.done():
                future.cancel()

    def _results(self) -> Iterator[JobResult]:
        """Yield the results that are there, after waiting for one until the next tick.

        Raises:
            BrokenPoolError: workers can't be kept alive.
        """
        try:
            future = self._done.get(timeout=self._tick_interval)
        except Empty:
            return
        while True:
            job, _ = self._running.pop(future)
            if (result := self._result(job, future)) is not None:
                self._busy_seconds += result.seconds
                yield result
            try:
                future = self._done.get_nowait()
            except Empty:
                return

    def _result(self, job: Job, future: _TaskFuture) -> JobResult | None:
        """Return the result of a job; None if it was not started."""
        try:
            result: Any = future.result()
        except CancelledError:
            return None
        except SupervisorLostError:
            return _fail(job, LOST)
        except BrokenPoolError:
            if not self._aborted:
                raise
            return _fail(job, ENDED)
        return replace(result, item=job)  # type: ignore[no-any-return]

    def _tick(self) -> None:
        now = time.monotonic()
        if self._on_tick is None or now - self._last_tick < self._tick_interval:
            return
        self._last_tick = now
        # The supervisor does not report which jobs run; it starts them in their order.
        running = list(self._running.values())[: self._workers]
        idle = range(len(running) + 1, self._workers + 1)
        self._on_tick(
            [Activity(worker=n, item=job, seconds=now - since) for n, (job, since) in enumerate(running, 1)]
            + [Activity(worker=n, item=None, seconds=0.0) for n in idle]
        )


def _fail(job: Job, error: str) -> JobResult:
    outcome = WireOutcome(None, Failed(Reason.INTERRUPTED, error), ())
    return Completed(item=job, result=[outcome], attempts=1, worker=0, seconds=0.0, stderr="")


def _preload(recipe: bytes) -> None:
    """Load what workers share, in the supervisor."""
    from forkresize.batch.render_job import preload

    preload(from_bytes(recipe))
