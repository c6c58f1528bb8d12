"""The workers that are alive: forking, finding one for the next task, dismissing. Holds no tasks and no blame."""

import multiprocessing
from collections.abc import Iterator
from selectors import EVENT_READ, EVENT_WRITE, DefaultSelector
from typing import Generic, Self

from forkresize.errors import PoolBrokenError
from forkresize.pool import signals, worker
from forkresize.pool.answer import Item
from forkresize.pool.backlog import Task
from forkresize.pool.handle import WorkerHandle
from forkresize.pool.station import Station

_AHEAD = 2
"""Tasks a worker may hold: the one it runs, and the next, so that it need not wait for the parent in between."""


class Crew(Generic[Item]):
    """The workers that are alive.

    Attributes:
        selector: has every worker's pipe and sentinel registered, with the worker as data.
        size: how many workers there may be.
        count: how many there are.
    """

    def __init__(self, duty: worker.Duty, size: int, max_tasks: int) -> None:
        """Make an empty crew.

        Args:
            duty: what the workers do.
            size: how many there may be.
            max_tasks: how many tasks each is handed before it is replaced; 0 for no limit.
        """
        self.selector = DefaultSelector()
        self._duty = duty
        self.size = size
        self.count = 0
        self._max_tasks = max_tasks
        self._context = multiprocessing.get_context("fork")
        # Shelved by how many tasks each holds, so that finding one for the next needs no search.
        self._shelves: tuple[dict[WorkerHandle[Item], None], ...] = tuple({} for _ in range(_AHEAD + 1))
        self._unposted: dict[WorkerHandle[Item], None] = {}

    def __iter__(self) -> Iterator[WorkerHandle[Item]]:
        return iter([member for shelf in self._shelves for member in shelf])

    @property
    def busy(self) -> bool:
        """Whether any worker holds a task."""
        return any(self._shelves[1:])

    @property
    def has_room(self) -> bool:
        """Whether a further task can be placed."""
        return bool(self._shelves[0] or self.count < self.size or any(self._shelves[1:_AHEAD]))

    @property
    def would_grow(self) -> bool:
        """Whether the next task takes a new worker."""
        return not self._shelves[0] and self.count < self.size

    def find(self) -> WorkerHandle[Item] | None:
        """Return who should get the next task: an idle one, else a new one, else one that soon is idle.

        Raises:
            PoolBrokenError: there is no worker and none can be forked.
        """
        if self.would_grow:
            self._grow()
        return next((member for shelf in self._shelves[:_AHEAD] for member in shelf), None)

    def give(self, member: WorkerHandle[Item], task: Task[Item]) -> None:
        """Hand a task to a worker; post() sends it."""
        member.give(task)
        self._shelve(member)
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
        if self._is_spent(member) and not member.tasks:
            self._let_go([member])
        else:
            self._shelve(member)

    def dismiss(self, member: WorkerHandle[Item]) -> None:
        """Count a worker out; its process is the caller's to end."""
        member.dismissed = True
        self.count -= 1
        self._unshelve(member)
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
        try:
            member = self._fork()
        except OSError as error:
            # Too many processes or files: go on with those there are.
            self.size = self.count
            if not self.size:
                raise PoolBrokenError(f"no worker can be started: {error}") from error
        else:
            self.count += 1
            self.selector.register(member.station.near, EVENT_READ, member)
            self.selector.register(member.sentinel, EVENT_READ, member)
            self._shelve(member)

    def _fork(self) -> WorkerHandle[Item]:
        station = Station.open()
        try:
            with signals.blocked() as mask:
                arguments = (self._duty, station, mask, self._forget)
                # Daemonic, lest multiprocessing wait for it at exit should the pool never be closed.
                process = self._context.Process(target=worker.main, args=arguments, daemon=True)
                process.start()
        except BaseException:
            station.close()
            raise
        station.far.close()
        return WorkerHandle(process, station)

    def _forget(self) -> None:
        self.selector.close()
        for member in self:
            member.forget()

    def _is_spent(self, member: WorkerHandle[Item]) -> bool:
        return 0 < self._max_tasks <= member.handed

    def _shelve(self, member: WorkerHandle[Item]) -> None:
        self._unshelve(member)
        load = _AHEAD if self._is_spent(member) else len(member.tasks)
        self._shelves[load][member] = None

    def _unshelve(self, member: WorkerHandle[Item]) -> None:
        for shelf in self._shelves:
            shelf.pop(member, None)
