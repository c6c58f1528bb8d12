"""Which tasks a worker holds, and since when it is on the first of them: TaskProgress."""

import math
import time
from typing import Generic

from forkresize.pool.result import Item
from forkresize.pool.shared import CurrentTask
from forkresize.pool.task import Task

_START_GRACE = 10.0
"""Seconds that a worker on a busy machine may take to start a task it was assigned, beyond the task's timeout."""


class TaskProgress(Generic[Item]):
    """The tasks of one worker, which it does in the order of their assignment."""

    def __init__(self, current: CurrentTask) -> None:
        self.tasks: dict[int, Task[Item]] = {}  # Those without a result, by number, in order.
        self.assigned_count = 0
        self.idle_since = 0.0  # When it last finished a task, or was assigned one while idle.
        self._current = current
        self._last_finished = 0
        self._seen_at: float | None = None
        self._wait_began: float | None = None
        self._waited = 0.0

    @property
    def first(self) -> Task[Item] | None:
        """The task that the worker is on or starts next."""
        return next(iter(self.tasks.values()), None)

    @property
    def is_retrying(self) -> bool:
        """Whether they include a task of an iteration that another worker died of, which has to run alone."""
        return any(task.last_loss and not task.receiver for task in self.tasks.values())

    def assign(self, task: Task[Item]) -> None:
        """Add a task."""
        if not self.tasks:
            self.idle_since = time.monotonic()
        self.tasks[task.number] = task
        self.assigned_count += 1

    def complete_current(self) -> Task[Item]:
        """Remove and return the first task, which has its result."""
        self._last_finished = next(iter(self.tasks))
        self._seen_at, self._wait_began, self._waited = None, None, 0.0
        self.idle_since = time.monotonic()
        return self.tasks.pop(self._last_finished)

    def read(self) -> tuple[Task[Item] | None, float]:
        """Return the task that the worker is on, None if it has not started the first, and the time since then.

        Time in which the task waited for memory is left out. Any number in the shared memory except that of the last
        finished task counts as the first task, so that a worker that was taken over cannot blame another task.
        """
        number, since = self._current.read()
        task = self.first
        if task is None or number == self._last_finished:
            return None, self.idle_since
        # The worker writes its start time, so a hostile one may claim a later one.
        self._seen_at = self._seen_at or time.monotonic()
        return task, min(self._seen_at, since) + self._waited

    def deadline(self, resumed_at: float) -> float:
        """Return when the current task is overdue; infinite without a task.

        Args:
            resumed_at: when all processes last continued after being stopped together, as by Ctrl-Z.
        """
        task, since = self.read()
        first = task or self.first
        if first is None:
            return math.inf
        return max(since, resumed_at) + first.timeout + (0.0 if task else _START_GRACE)

    def first_requeued(self, times: int) -> Task[Item] | None:
        """Return the first task that was requeued this often; None if there is none."""
        return next((task for task in self.tasks.values() if task.requeues >= times), None)

    def begin_memory_wait(self) -> None:
        """Record that the current task waits for memory."""
        self._wait_began = time.monotonic()

    def end_memory_wait(self) -> None:
        """Record that the wait is over; its time does not count."""
        if self._wait_began is not None:
            self._waited += time.monotonic() - self._wait_began
            self._wait_began = None
