"""Pool: forks workers, gives them tasks and collects the results."""

import contextlib
import math
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, Generic, Self

from forkresize.errors import BrokenPoolError
from forkresize.pool.libc import Libc
from forkresize.pool.memory import Budget, default_budget
from forkresize.pool.monitor import PoolState
from forkresize.pool.options import PoolOptions
from forkresize.pool.queue import NothingYet
from forkresize.pool.result import Activity, Item, Result, TaskResult
from forkresize.pool.sandbox import Sandbox, SandboxMode
from forkresize.pool.shared import SharedFlag
from forkresize.pool.signals import StopSignals
from forkresize.pool.supervisor import Supervisor
from forkresize.pool.system import available_cpus
from forkresize.pool.task import Receiver
from forkresize.pool.worker import WorkerConfig
from forkresize.pool.workers import WorkerSet

if TYPE_CHECKING:
    from concurrent.futures import Future

_DEFAULTS = PoolOptions()
_STANDARD_ERROR = 2


class Pool(Generic[Item, Result]):
    """A pool of forked workers, similar to ``multiprocessing.Pool``, that no dying worker can block.

    Each task has exactly one result, even if its worker dies, and only the task that a worker was on when it died is
    blamed. A task that is retried may run twice.

    The pool is a context manager. Entered in the main thread, it handles SIGINT, SIGTERM and SIGHUP until it is left:
    the first lets running tasks finish and ends the iteration, the second kills them. ``KeyboardInterrupt`` is never
    raised; see ``interrupted``. Use a pool from one thread, in a process without other threads: it forks. Workers
    inherit the parent's memory, so load heavy modules and data first. ``numpy.random`` and similar generators have the
    same state in all workers unless an initializer seeds them.
    """

    def __init__(
        self,
        work: Callable[[Item], Result],
        *,
        options: PoolOptions = _DEFAULTS,
        initializer: Callable[[], object] | None = None,
        on_tick: Callable[[Sequence[Activity[Item]]], object] | None = None,
    ) -> None:
        """Create a pool; nothing is forked before the first task.

        Args:
            work: called in a worker with each item.
            options: how many workers there are, and how they are treated.
            initializer: called in each worker before its first task.
            on_tick: called in the parent every ``options.tick`` seconds while tasks run.
        """
        self._work = work
        self._options = options
        self._initializer = initializer
        self._on_tick = on_tick
        self._workers = options.workers or available_cpus()
        self._memory = options.memory or default_budget()
        self._state = PoolState(SharedFlag(), StopSignals(self.stop))
        self._entered: Supervisor[Item, Result] | None = None
        self._selector_fileno = -1
        self._sandbox: Sandbox | None = None
        self._cleanup = contextlib.ExitStack()

    def __enter__(self) -> Self:
        _fill_standard_descriptors()
        with contextlib.ExitStack() as cleanup:
            cleanup.enter_context(self._state.signals)
            libc = Libc()
            if self._options.sandbox is not None and self._options.sandbox.mode is not SandboxMode.OFF:
                self._sandbox = cleanup.enter_context(Sandbox(self._options.sandbox, libc))
            config = WorkerConfig(
                work=self._work,
                decode=self._options.task_serializer.decode,
                results=self._options.serializer,
                initializer=self._initializer,
                stop=self._state.stop,
                libc=libc,
                parent=os.getpid(),
                budget=Budget(self._memory, self._workers),
                nice=self._options.nice,
                sandbox=self._sandbox,
            )
            workers: WorkerSet[Item] = cleanup.enter_context(
                WorkerSet(config, self._workers, self._options.max_tasks, batches=self._options.batches)
            )
            self._state.signals.on_force = workers.kill
            self._entered = Supervisor(workers, self._options, self._state, self._on_tick)
            self._selector_fileno = workers.selector.fileno()
            self._cleanup = cleanup.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        # A future's callback can submit no further task, which would never run.
        supervisor, self._entered = self._entered, None
        with self._cleanup:
            if supervisor is not None:
                supervisor.abandon(BrokenPoolError("the pool was closed before the task was done"))

    @property
    def _supervisor(self) -> Supervisor[Item, Result]:
        if self._entered is None:
            raise ValueError("the pool is not entered: use it in a with statement")
        return self._entered

    def imap_unordered(self, items: Iterable[Item | NothingYet]) -> Iterator[TaskResult[Item, Result]]:
        """Call the work function with all items; yield the results as they arrive.

        Items are taken one at a time, at most two per worker ahead, or more if ``options.batches`` is set. After
        stop(), those that were not started have no result. Leaving the iteration early kills what runs.

        Args:
            items: any iterable. A NothingYet in it means that there is no item yet. What the iterable raises is raised
                here, after the results of the items before.

        Raises:
            BrokenPoolError: the workers die before they can start a task, or the initializer raised.
            RuntimeError: another iteration over this pool is open.
            ValueError: the pool is not entered.
        """
        return self._supervisor.run(items)

    def submit(self, task: Item, *, timeout: float | None = None) -> "Future[Result]":
        """Add a task; return the future of its result.

        The task runs while this process works on the pool: in ``result()`` and ``exception()`` of any of its futures,
        in poll(), and in an open iteration. It is retried at once if its worker dies. The future's exception is a
        TaskError, or ``CancelledError`` if the pool was stopped before the task was started.

        Args:
            task: what the work function is called with.
            timeout: seconds it may take; None for that of the options.

        Raises:
            ValueError: the pool is not entered.
        """
        from forkresize.pool.future import PoolFuture

        future: PoolFuture[Result] = PoolFuture(self.poll)
        self.enqueue(task, future, timeout=timeout)
        return future

    def enqueue(
        self, task: Item, receiver: Receiver, *, timeout: float | None = None, retries: int | None = None
    ) -> None:
        """Add a task whose result goes to a receiver, as submit() does with a future.

        Args:
            task: what the work function is called with.
            receiver: gets the result.
            timeout: seconds it may take; None for that of the options.
            retries: how often it is tried again if its worker dies; None for as often as the options say.
        """
        self._supervisor.submit(task, timeout, receiver, retries)

    def poll(self, timeout: float | None = None) -> None:
        """Work on submitted tasks: wait for an event, at most this many seconds, and handle it.

        An event loop can call ``poll(0)`` when ``fileno()`` is readable, and every ``options.tick`` seconds.

        Raises:
            BrokenPoolError: as imap_unordered.
            ValueError: the pool is not entered.
        """
        self._supervisor.poll(math.inf if timeout is None else timeout)

    def fileno(self) -> int:
        """Return a descriptor that is readable when poll() has something to do."""
        return self._selector_fileno

    def watch(self, file: Any, events: int, callback: Callable[[int], object]) -> None:
        """Have poll() call a function with ``selectors`` events when a file is ready for these; with 0, stop that."""
        self._supervisor.watch(file, events, callback)

    def stop(self) -> None:
        """Start no further task. Running ones finish, then the iteration ends."""
        self._state.stop.set()

    @property
    def stopping(self) -> bool:
        """Whether stop() or a signal has asked for an end; a slow source of items may check it."""
        return bool(self._state.stop)

    @property
    def interrupted(self) -> int | None:
        """Number of the first stop signal; None if there was none."""
        return self._state.signals.first

    @property
    def workers(self) -> int:
        """Maximum number of workers."""
        return self._workers

    @property
    def sandbox(self) -> tuple[str, ...]:
        """Names of the active layers of the sandbox, such as ``landlock:5`` and ``seccomp``."""
        return self._sandbox.active_layers if self._sandbox else ()

    @property
    def sandbox_missing(self) -> tuple[str, ...]:
        """Names of the layers of the sandbox that this kernel does not support."""
        return self._sandbox.missing if self._sandbox else ()

    @property
    def memory(self) -> int:
        """Bytes that all workers together may use."""
        return self._memory

    @property
    def memory_peak(self) -> int:
        """Bytes that all workers together used at most, measured ten times per second; 0 if never."""
        return self._state.memory_peak

    @property
    def workers_lost(self) -> int:
        """How many workers died and had to be replaced; those retired after ``max_tasks`` do not count."""
        return self._state.workers_lost

    @property
    def busy_seconds(self) -> float:
        """Wall time of all tasks together."""
        return self._state.busy_seconds


def _fill_standard_descriptors() -> None:
    # If the process was started without them, a worker's pipe would get one of their numbers.
    while (descriptor := os.open(os.devnull, os.O_RDWR)) <= _STANDARD_ERROR:
        pass
    os.close(descriptor)
