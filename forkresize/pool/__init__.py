"""A pool of forked workers that survives them: Pool and the names that go with it. Knows nothing of what they do."""

import contextlib
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Generic, Self

from forkresize.pool.cpus import available_cpus
from forkresize.pool.libc import Libc
from forkresize.pool.memory import MIN_MEMORY, Budget, Reserve, default_budget, reserve
from forkresize.pool.options import PoolOptions
from forkresize.pool.result import Activity, Completed, Item, LossReason, Raised, Result, TaskResult, WorkerLost
from forkresize.pool.sandbox import Sandbox, SandboxMode, SandboxPolicy, require_support
from forkresize.pool.serializer import Serializer
from forkresize.pool.shared import SharedFlag
from forkresize.pool.signals import StopSignals, ignore_stops, raise_on_stop, sigio_ignored, signal_name
from forkresize.pool.state import PoolState
from forkresize.pool.supervisor import Supervisor
from forkresize.pool.worker import WorkerConfig
from forkresize.pool.workers import WorkerSet

__all__ = [
    "MIN_MEMORY",
    "Activity",
    "Completed",
    "LossReason",
    "Pool",
    "PoolOptions",
    "Raised",
    "Reserve",
    "SandboxMode",
    "SandboxPolicy",
    "Serializer",
    "TaskResult",
    "WorkerLost",
    "available_cpus",
    "default_budget",
    "ignore_stops",
    "raise_on_stop",
    "require_support",
    "reserve",
    "sigio_ignored",
    "signal_name",
]


_DEFAULTS = PoolOptions()
_STANDARD_ERROR = 2


class Pool(Generic[Item, Result]):
    """A pool of forked workers in the shape of ``multiprocessing.Pool``, but one that no dying worker can hang.

    Every item that is handed out is answered exactly once, whatever happens to its worker, and only the job that a
    worker was on when it died is blamed for that. Its work may have been done twice when it is tried again.

    The pool is a context manager; entered in the main thread it takes over SIGINT, SIGTERM and SIGHUP until it is
    left: the first lets running jobs finish and ends the iteration, the second kills them. ``KeyboardInterrupt`` is
    never raised; look at ``interrupted``. Workers inherit the parent's memory, so what is heavy is best loaded before;
    ``numpy.random`` and other generators of that kind are the same in all of them until an initializer reseeds them.
    """

    def __init__(
        self,
        work: Callable[[Item], Result],
        *,
        options: PoolOptions = _DEFAULTS,
        initializer: Callable[[], object] | None = None,
        on_tick: Callable[[Sequence[Activity[Item]]], object] | None = None,
    ) -> None:
        """Make a pool; nothing is forked until there is an item.

        Args:
            work: called in a worker with each item.
            options: how many workers there are, and how they are treated.
            initializer: called in every worker before its first job.
            on_tick: called in the parent every ``options.tick`` seconds while jobs run.
        """
        self._work = work
        self._options = options
        self._initializer = initializer
        self._on_tick = on_tick
        self._workers = options.workers or available_cpus()
        self._memory = options.memory or default_budget()
        self._control = PoolState(SharedFlag(), StopSignals(self.stop))
        self._supervisor: Supervisor[Item, Result] | None = None
        self._sandbox: Sandbox | None = None
        self._cleanup = contextlib.ExitStack()

    def __enter__(self) -> Self:
        _fill_standard_descriptors()
        with contextlib.ExitStack() as cleanup:
            cleanup.enter_context(self._control.watch)
            libc = Libc()
            if self._options.sandbox is not None and self._options.sandbox.mode is not SandboxMode.OFF:
                self._sandbox = cleanup.enter_context(Sandbox(self._options.sandbox, libc))
            duty = WorkerConfig(
                work=self._work,
                encode=self._options.serializer.encode,
                initializer=self._initializer,
                stop=self._control.stop,
                libc=libc,
                parent=os.getpid(),
                budget=Budget(self._memory, self._workers),
                nice=self._options.nice,
                sandbox=self._sandbox,
            )
            crew: WorkerSet[Item] = cleanup.enter_context(WorkerSet(duty, self._workers, self._options.max_tasks))
            self._control.watch.on_insisted = crew.kill
            self._supervisor = Supervisor(crew, self._options, self._control, self._on_tick)
            self._cleanup = cleanup.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._supervisor = None
        self._cleanup.close()

    def imap_unordered(self, items: Iterable[Item]) -> Iterator[TaskResult[Item, Result]]:
        """Do the work for all items; yield an answer for each as it comes.

        Items are asked for one at a time, at most two a worker ahead. After a drain, those that were not started are
        not answered. To leave the iteration early kills what runs.

        Args:
            items: any iterable; what it raises is raised here when the jobs that it gave before are answered.

        Raises:
            PoolBrokenError: the workers can't be kept alive, or the initializer raised.
            ValueError: the pool is not entered.
        """
        if self._supervisor is None:
            raise ValueError("the pool is not entered: use it in a with statement")
        return self._supervisor.run(items)

    def stop(self) -> None:
        """Start no further job; those that run are answered, then the iteration ends."""
        self._control.stop.set()

    @property
    def stopping(self) -> bool:
        """Whether stop() or a signal has asked for an end; an iterable of items that takes its time may look here."""
        return bool(self._control.stop)

    @property
    def interrupted(self) -> int | None:
        """Number of the first stop signal that came; None if none did."""
        return self._control.watch.first

    @property
    def workers(self) -> int:
        """How many workers there may be at a time."""
        return self._workers

    @property
    def sandbox(self) -> tuple[str, ...]:
        """Names of what workers are held by, such as ``landlock:5`` and ``seccomp``; empty if by nothing."""
        return self._sandbox.in_force if self._sandbox else ()

    @property
    def sandbox_missing(self) -> tuple[str, ...]:
        """Names of what they would be held by, had the kernel it."""
        return self._sandbox.missing if self._sandbox else ()

    @property
    def memory(self) -> int:
        """Bytes that all workers together may take."""
        return self._memory

    @property
    def workers_lost(self) -> int:
        """How many workers died and had to be replaced; those retired after ``max_tasks`` don't count."""
        return self._control.workers_lost

    @property
    def busy_seconds(self) -> float:
        """Wall time that all jobs took together."""
        return self._control.busy_seconds


def _fill_standard_descriptors() -> None:
    # Where the process was started without them, a pipe to a worker would be taken for one.
    while (descriptor := os.open(os.devnull, os.O_RDWR)) <= _STANDARD_ERROR:
        pass
    os.close(descriptor)
