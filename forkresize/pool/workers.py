"""The workers that are alive: WorkerSet forks them, finds one for the next task, and removes them."""

import contextlib
import gc
import math
import time
from collections.abc import Iterator
from functools import partial
from selectors import EVENT_READ, EVENT_WRITE, DefaultSelector
from typing import Generic, Self, TypeAlias

from forkresize.errors import BrokenPoolError
from forkresize.pool import signals
from forkresize.pool.backlog import MAX_TASKS, MIN_TASKS, Backlog
from forkresize.pool.channel import WorkerChannel
from forkresize.pool.child import ChildProcess
from forkresize.pool.handle import WorkerHandle
from forkresize.pool.inspection import Excess, find_excess
from forkresize.pool.memory import AdmissionController
from forkresize.pool.result import Item
from forkresize.pool.system import resident_memory
from forkresize.pool.task import Task
from forkresize.pool.worker import WorkerConfig, run_worker

_PATIENCE = 0.002
"""Seconds for which assigned tasks wait for others to be sent with them, while their worker has enough to do."""

_FORK_INTERVAL = 1.0
"""Seconds after which it is tried again to fork a worker, while others do its work: a shortage may pass."""

_Bucket: TypeAlias = dict[WorkerHandle[Item], None]


class WorkerSet(Generic[Item]):
    """The workers that are alive.

    Attributes:
        selector: has the message socket and the sentinel of each worker registered, with the worker as data.
        size: maximum number of workers.
        memory: which worker holds memory and which waits.
        backlog: how many tasks each worker holds.
    """

    def __init__(self, config: WorkerConfig, size: int, max_tasks: int, *, batches: bool = False) -> None:
        """Create an empty set."""
        self.selector = DefaultSelector()
        self.memory = AdmissionController(config.budget)
        self.backlog = Backlog(MAX_TASKS if batches else MIN_TASKS)
        self.size = size
        self._config = config
        self._max_tasks = max_tasks or math.inf
        self._frozen = False
        self._memfds = config.sandbox is None or config.sandbox.allows_memfds
        self._workers: _Bucket[Item] = {}
        # The same workers, by how many more tasks they take, so that finding one for the next task needs no search.
        self._idle: _Bucket[Item] = {}
        self._has_capacity: _Bucket[Item] = {}
        self._at_capacity: _Bucket[Item] = {}
        self._unflushed: _Bucket[Item] = {}
        self._is_urgent = False  # Whether one of those may be waiting for it.
        self._unflushed_since = 0.0
        self._next_fork = 0.0

    def __iter__(self) -> Iterator[WorkerHandle[Item]]:
        return iter(list(self._workers))

    @property
    def busy(self) -> bool:
        """Whether any worker has a task."""
        return bool(self._has_capacity or self._at_capacity)

    def available(self) -> Iterator[WorkerHandle[Item] | None]:
        """Yield who should get the next task, as long as there is somebody.

        An idle worker; otherwise None, if acquire() may fork one; otherwise one that has room for a further task.
        """
        while True:
            if self._idle:
                yield next(iter(self._idle))
            elif self._may_fork:
                yield None
            elif self._has_capacity:
                yield next(iter(self._has_capacity))
            else:
                return

    def acquire(self) -> WorkerHandle[Item] | None:
        """Return an idle worker, forking one if necessary; otherwise one that has room for a further task, or None.

        Raises:
            BrokenPoolError: there is no worker and none can be forked.
        """
        if not self._idle and self._may_fork:
            self._spawn()
        return next(iter(self._idle or self._has_capacity), None)

    def assign(self, worker: WorkerHandle[Item], task: Task[Item]) -> None:
        """Assign a task to a worker; flush_all() sends it."""
        worker.assign(task)
        self._reindex(worker)
        if worker.bucket is self._has_capacity:
            # The others come first, so that all hold about as many.
            del self._has_capacity[worker]
            self._has_capacity[worker] = None
        if not self._unflushed:
            self._unflushed_since = time.monotonic()
        self._unflushed[worker] = None
        self._is_urgent |= len(worker.tasks) <= MIN_TASKS

    @property
    def pause(self) -> float:
        """Seconds for which all workers have enough to do; 0 if that is not known."""
        return 0.0 if self._idle or self._has_capacity or not self._at_capacity else self.backlog.pause

    def flush_urgent(self) -> None:
        """Send what was assigned if a worker may be waiting for it, or it has waited for a while itself."""
        if self._is_urgent or (self._unflushed and time.monotonic() > self._unflushed_since + _PATIENCE):
            self.flush_all()

    def flush_all(self) -> None:
        """Send what was assigned, with one system call per worker."""
        for worker in self._unflushed:
            self.flush(worker)
        self._unflushed.clear()
        self._is_urgent = False

    def flush(self, worker: WorkerHandle[Item]) -> None:
        """Send what a worker's socket has room for; the selector reports when there is room for the rest."""
        events = EVENT_READ if worker.messages.flush() else EVENT_READ | EVENT_WRITE
        if events != worker.events:
            worker.events = events
            self.selector.modify(worker.channel.parent_end, events, worker)

    def update(self, worker: WorkerHandle[Item]) -> None:
        """Account for results of a worker; shut it down if it has no task and gets no more."""
        if not worker.tasks and self._is_exhausted(worker):
            self._shut_down([worker])
        else:
            self._reindex(worker)

    def find_excesses(self) -> Iterator[tuple[WorkerHandle[Item], Excess]]:
        """Yield the workers that have to be killed for what they take; replace those that should get no more tasks."""
        for each in self:
            excess = find_excess(each, self.memory, memfds=self._memfds)
            if excess is not None:
                yield each, excess
            elif each.retiring:
                self.update(each)

    def remove(self, worker: WorkerHandle[Item]) -> None:
        """Remove a worker; the caller ends its process."""
        worker.removed = True
        self.memory.release(worker)
        self._unindex(worker)
        del self._workers[worker]
        self.selector.unregister(worker.channel.parent_end)
        self.selector.unregister(worker.process.sentinel)

    def kill(self) -> None:
        """Send SIGKILL to all workers; safe in a signal handler."""
        for each in self:
            each.process.kill()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.clear()
        self.selector.close()
        if self._frozen:
            gc.unfreeze()

    def clear(self) -> None:
        """End all workers; those that have tasks are killed."""
        self._unflushed.clear()
        for each in self:
            if each.tasks:
                each.process.kill()
        self._shut_down(list(self))

    def _shut_down(self, workers: list[WorkerHandle[Item]]) -> None:
        for each in workers:
            self.remove(each)
            # It exits when it reads the end of its socket.
            each.channel.parent_end.close()
        for each in workers:
            each.process.reap()
            each.close()

    @property
    def _may_fork(self) -> bool:
        if len(self._workers) >= self.size:
            return False
        return not self._workers or time.monotonic() >= self._next_fork

    def _spawn(self) -> None:
        if not self._frozen:
            # A worker's garbage collector never touches objects that exist now, so their pages stay shared.
            gc.freeze()
            self._config.budget.measure()
            self._frozen = True
        try:
            new = self._fork()
        except OSError as error:
            if not self._workers:
                raise BrokenPoolError(f"no worker can be started: {error}") from error
            # Too many processes or files: continue with the existing workers.
            self._next_fork = time.monotonic() + _FORK_INTERVAL
        else:
            self._workers[new] = None
            self.selector.register(new.channel.parent_end, EVENT_READ, new)
            self.selector.register(new.process.sentinel, EVENT_READ, new)
            self._reindex(new)

    def _fork(self) -> WorkerHandle[Item]:
        channel = WorkerChannel.open()
        try:
            with signals.stop_signals_blocked() as mask:
                if self._config.sandbox is not None:
                    self._config.sandbox.snapshot_fds(channel.worker_fds)
                process = ChildProcess.fork(partial(run_worker, self._config, channel, mask, self._close_inherited))
            new: WorkerHandle[Item] = WorkerHandle(process, channel, self._config.stop, self._config.results.max_bytes)
        except BaseException:
            channel.close()
            raise
        new.inherited = max(0, (resident_memory() or 0) - self._config.budget.baseline)
        channel.worker_end.close()
        channel.files.worker_end.close()
        return new

    def _close_inherited(self) -> None:
        # A kqueue is not inherited, so there may be nothing to close.
        with contextlib.suppress(OSError):
            self.selector.close()
        for each in self:
            each.close_inherited()

    def _is_exhausted(self, worker: WorkerHandle[Item]) -> bool:
        return worker.retiring or worker.progress.assigned_count >= self._max_tasks

    def _reindex(self, worker: WorkerHandle[Item]) -> None:
        if len(worker.tasks) >= self.backlog.limit or self._is_exhausted(worker):
            bucket = self._at_capacity
        else:
            bucket = self._has_capacity if worker.tasks else self._idle
        if bucket is not worker.bucket:
            self._unindex(worker)
            bucket[worker] = None
            worker.bucket = bucket

    def _unindex(self, worker: WorkerHandle[Item]) -> None:
        if worker.bucket is not None:
            del worker.bucket[worker]
            worker.bucket = None
