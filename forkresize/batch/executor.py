"""The protocol of executors, which turn jobs into results, and an executor that works in this process."""

import os
import time
import traceback
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Sequence
from types import TracebackType
from typing import Any, Protocol, Self

from msgspec import Struct

from forkresize.batch.wire import OUTCOME_SERIALIZER, WireOutcome
from forkresize.batch.worker import RenderWorker, WorkerSetup
from forkresize.errors import StopRequested
from forkresize.job import Job
from forkresize.observer import Activity as ObservedActivity
from forkresize.pool import Activity, Completed, NothingYet, Raised, TaskResult
from forkresize.pool.signals import StopSignals
from forkresize.store import OutputStore
from forkresize.summary import ExecutorStats

ENDED = "the run was ended before it was done"
LOST = "the pool's supervisor died each time while it had the picture"
"""Why a picture was not made although it is not to blame; see ``Reason.INTERRUPTED``."""

JobResult = TaskResult[Job, list[WireOutcome]]
"""The result of a job in a worker of this machine."""

OnTick = Callable[[Sequence[ObservedActivity]], object]


class NodeResult(Struct, frozen=True, kw_only=True):
    """The result of a job on another machine, which has put its outputs into their places, and recorded them.

    Attributes:
        item: the job.
        attempts: how many workers were given the source.
        worker: the last of them: name of the machine and process id.
        seconds: wall time that it spent.
        outcomes: what happened to the outputs.
    """

    item: Job
    attempts: int
    worker: str
    seconds: float
    outcomes: list[WireOutcome]


class Executor(Protocol):
    """Something that works on jobs. It is a context manager, and runs once."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None: ...

    def run(self, jobs: Iterable[Job | NothingYet]) -> Iterator[JobResult | NodeResult]:
        """Yield one result for each job that is started, in any order. Jobs are taken as they can be started.

        A NothingYet means that there is no job until its descriptor is readable.

        Raises:
            BrokenPoolError: workers can't be kept alive.
        """

    def stop(self) -> None:
        """Start no more jobs. Those that run are finished."""

    @property
    def stopping(self) -> bool:
        """Whether no more jobs are started, because of ``stop`` or a stop signal."""

    @property
    def interrupted(self) -> int | None:
        """Number of the first stop signal; None if there was none."""

    @property
    def stats(self) -> ExecutorStats:
        """The workers, and the time that they took so far."""


class RecordingExecutor(ABC):
    """The base of executors whose results are NodeResults: nothing is left to place or to record."""

    @abstractmethod
    def begin(self, run: int) -> None:
        """Record outputs for a run of the ledger; called once, before the executor is entered."""


ExecutorFactory = Callable[[WorkerSetup, OnTick | None], Executor]
"""Creates a run's executor from what its workers need once, and what to call with their activities, if anything."""


class SerialExecutor:
    """Works on one job after another in this process: for debugging, and for tests without processes.

    A decoder that crashes ends this process, and neither time nor memory is limited. The first stop signal lets the
    running job finish; the second raises StopRequested.

    Args:
        setup: what the worker needs once.
        on_tick: called after each job.
        store: see RenderWorker.
    """

    def __init__(self, setup: WorkerSetup, on_tick: OnTick | None = None, store: OutputStore | None = None) -> None:
        self._worker = RenderWorker(setup, lambda _: None, store)
        self._jobs = setup.job_serializer()
        self._on_tick = on_tick
        self._stopping = False
        self._busy_seconds = 0.0
        self._signals = StopSignals(self.stop)
        self._signals.on_force = self._force

    def __enter__(self) -> Self:
        self._worker.load()
        self._signals.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        self._signals.__exit__()

    def run(self, jobs: Iterable[Job | NothingYet]) -> Iterator[JobResult]:
        """Yield one result for each job, in their order."""
        for job in jobs:
            if self._stopping:
                return
            if isinstance(job, NothingYet):
                self._signals.wait(descriptor=job.descriptor)
                continue
            result = self._perform(job)
            self._busy_seconds += result.seconds
            yield result
            if self._on_tick is not None:
                self._on_tick([Activity(worker=os.getpid(), item=None, seconds=0.0)])

    def stop(self) -> None:
        """Start no more jobs."""
        self._stopping = True

    @property
    def stopping(self) -> bool:
        """Whether no more jobs are started."""
        return self._stopping

    @property
    def interrupted(self) -> int | None:
        """Number of the first stop signal; None if there was none."""
        return self._signals.first

    @property
    def stats(self) -> ExecutorStats:
        """One worker, and the time that its jobs took."""
        return ExecutorStats(workers=1, busy_seconds=self._busy_seconds)

    def _perform(self, job: Job) -> JobResult:
        started = time.monotonic()
        ran: dict[str, Any] = {"item": job, "attempts": 1, "worker": os.getpid(), "stderr": "", "started": started}
        try:
            # The same conversions and checks as between processes.
            outcomes = self._worker(self._jobs.decode(self._jobs.encode(job)))
            results = OUTCOME_SERIALIZER.decode(OUTCOME_SERIALIZER.encode(outcomes))
        except Exception as error:  # noqa: BLE001 -- as in a worker: a bug costs one job.
            last_line = "".join(traceback.format_exception_only(error)).strip()
            seconds = time.monotonic() - started
            return Raised(error=last_line, traceback=traceback.format_exc(), seconds=seconds, **ran)
        return Completed(result=results, seconds=time.monotonic() - started, **ran)

    def _force(self) -> None:
        raise StopRequested(self._signals.first or 0)
