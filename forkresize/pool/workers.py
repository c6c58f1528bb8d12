"""The workers that are alive: forking, finding one for the next task, dismissing. Holds no tasks and no blame."""

import contextlib
import gc
import math
import multiprocessing
from collections.abc import Iterator
from selectors import EVENT_READ, EVENT_WRITE, DefaultSelector
from typing import Generic, Self

from forkresize.errors import BrokenPoolError
from forkresize.pool import signals, worker
from forkresize.pool.channel import WorkerChannel
from forkresize.pool.handle import WorkerHandle
from forkresize.pool.memory import AdmissionController, resident
from forkresize.pool.queue import Task
from forkresize.pool.result import Item


class WorkerSet(Generic[Item]):
    """The workers that are alive.

    Attributes:
        selector: has every worker's pipe and sentinel registered, with the worker as data.
        size: how many workers there may be.
        count: how many there are.
        memory: who has memory, and who waits for it.
    """

    def __init__(self, duty: worker.WorkerConfig, size: int, max_tasks: int) -> None:
        """Make an empty crew.

        Args:
            duty: what the workers do.
            size: how many there may be.
            max_tasks: how many tasks each is handed before it is replaced; 0 for no limit.
        """
        self.selector = DefaultSelector()
        self._duty = duty
        self.memory = AdmissionController(duty.budget)
        self.size = size
        self.count = 0
        self._max_tasks = max_tasks or math.inf
        self._frozen = False
        self._context = multiprocessing.get_context("fork")
        # Sorted by how much more they can be given, so that finding one for the next task needs no search. A worker
        # holds two: the one it runs, and the next, so that it need not wait for the parent in between.
        self._idle: dict[WorkerHandle[Item], None] = {}
        self._ready: dict[WorkerHandle[Item], None] = {}
        self._full: dict[WorkerHandle[Item], None] = {}
        self._where: dict[WorkerHandle[Item], dict[WorkerHandle[Item], None]] = {}
        self._unposted: dict[WorkerHandle[Item], None] = {}

    def __iter__(self) -> Iterator[WorkerHandle[Item]]:
        return iter(list(self._where))

    @property
    def busy(self) -> bool:
        """Whether any worker holds a task."""
        return bool(self._ready or self._full)

    def openings(self) -> Iterator[WorkerHandle[Item] | None]:
        """Yield who should get the next task, while there is one.

        That is one with nothing to do; else None, for hire() may add one; else one that will soon have nothing to do.
        """
        while True:
            if self._idle:
                yield next(iter(self._idle))
            elif self.count < self.size:
                yield None
            elif self._ready:
                yield next(iter(self._ready))
            else:
                return

    def hire(self) -> WorkerHandle[Item] | None:
        """Return an idle worker, a new one if need be; without one, whoever will soon be idle, or None.

        Raises:
            PoolBrokenError: there is no worker and none can be forked.
        """
        if not self._idle and self.count < self.size:
            self._grow()
        return next(iter(self._idle or self._ready), None)

    def give(self, member: WorkerHandle[Item], task: Task[Item]) -> None:
        """Hand a task to a worker; post() sends it."""
        member.give(task)
        self._sort_in(member)
        self._unposted[member] = None

    def post(self) -> None:
        """Send what was given, in one system call a worker."""
        for member in self._unposted:
            self.flush(member)
        self._unposted.clear()

    def flush(self, member: WorkerHandle[Item]) -> None:
        """Send what a worker's pipe has room for; if that is not all, the selector tells when to go on."""
        events = EVENT_READ if member.flush() else EVENT_READ | EVENT_WRITE
        if events != member.events:
            member.events = events
            self.selector.modify(member.station.near, events, member)

    def update(self, member: WorkerHandle[Item]) -> None:
        """Take note that a worker has answered tasks; one that has had all it may have is let go."""
        if (member.worn or member.handed >= self._max_tasks) and not member.tasks:
            self._let_go([member])
        else:
            self._sort_in(member)

    def look_at_memory(self) -> None:
        """See to it that a worker which has grown beyond its share is replaced when it has nothing more to do."""
        for member in self:
            if self.memory.has_outgrown(member, resident(member.pid) or 0):
                member.worn = True
                self.update(member)

    def flooders(self) -> list[WorkerHandle[Item]]:
        """Return the workers that have written more to standard error than anybody means to be read."""
        return [member for member in self if member.station.stderr.is_flooded]

    def dismiss(self, member: WorkerHandle[Item]) -> None:
        """Count a worker out; its process is the caller's to end."""
        member.dismissed = True
        self.memory.release(member)
        self.count -= 1
        self._sort_out(member)
        self.selector.unregister(member.station.near)
        self.selector.unregister(member.sentinel)

    def kill(self) -> None:
        """Send SIGKILL to all workers; safe in a signal handler."""
        for member in self:
            member.kill()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.clear()
        self.selector.close()
        if self._frozen:
            gc.unfreeze()

    def clear(self) -> None:
        """End all workers, SIGKILL for those that are busy."""
        self._unposted.clear()
        for member in self:
            if member.tasks:
                member.kill()
        self._let_go(list(self))

    def _let_go(self, members: list[WorkerHandle[Item]]) -> None:
        for member in members:
            self.dismiss(member)
            member.leave()
        for member in members:
            member.end()
            member.close()

    def _grow(self) -> None:
        if not self._frozen:
            # What there is by now is never traversed by a worker's collector, so its pages stay shared.
            gc.freeze()
            self._duty.budget.measure()
            self._frozen = True
        try:
            member = self._fork()
        except OSError as error:
            # Too many processes or files: go on with those there are.
            self.size = self.count
            if not self.size:
                raise BrokenPoolError(f"no worker can be started: {error}") from error
        else:
            self.count += 1
            self.selector.register(member.station.near, EVENT_READ, member)
            self.selector.register(member.sentinel, EVENT_READ, member)
            self._sort_in(member)

    def _fork(self) -> WorkerHandle[Item]:
        station = WorkerChannel.open()
        try:
            with signals.stop_signals_blocked() as mask:
                arguments = (self._duty, station, mask, self._forget)
                # Daemonic, lest multiprocessing wait for it at exit should the pool never be closed.
                process = self._context.Process(target=worker.main, args=arguments, daemon=True)
                if self._duty.sandbox is not None:
                    self._duty.sandbox.note_descriptors(station.kept)
                process.start()
            member: WorkerHandle[Item] = WorkerHandle(process, station)
        except BaseException:
            station.close()
            raise
        station.far.close()
        station.lending.far.close()
        return member

    def _forget(self) -> None:
        # A kqueue is not inherited, so there is nothing to close.
        with contextlib.suppress(OSError):
            self.selector.close()
        for member in self:
            member.forget()

    def _sort_in(self, member: WorkerHandle[Item]) -> None:
        is_full = len(member.tasks) > 1 or member.worn or member.handed >= self._max_tasks
        room = self._full if is_full else self._ready if member.tasks else self._idle
        if room is not self._where.get(member):
            self._sort_out(member)
            room[member] = None
            self._where[member] = room

    def _sort_out(self, member: WorkerHandle[Item]) -> None:
        del self._where.pop(member, {member: None})[member]
