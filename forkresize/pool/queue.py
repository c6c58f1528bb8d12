"""Tasks on their way to workers, TaskQueue, and results on their way back, ResultBuffer; and NothingYet."""

import math
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Generic, TypeAlias

from msgspec import Struct

from forkresize.pool.files import close_all
from forkresize.pool.protocol import WorkerMessage
from forkresize.pool.result import Item, Result, TaskResult, WorkerLost
from forkresize.pool.task import Receiver, Task

_Outcome: TypeAlias = TaskResult[Item, Result] | WorkerMessage


class NothingYet(Struct, frozen=True):
    """Yielded by a source of tasks in place of an item: there is none at the moment.

    Results and deadlines of running tasks go on; the source is asked again when the descriptor is readable.

    Attributes:
        descriptor: becomes readable when the source may have more.
    """

    descriptor: int


class TaskQueue(Generic[Item]):
    """Tasks to hand out: those that came back, then submitted ones, then those of the source."""

    def __init__(self) -> None:
        self.error: Exception | None = None  # Raised by the source, which ended with that.
        self.retries: deque[Task[Item]] = deque()  # Tasks that a worker died of, to be retried alone.
        self.waiting: NothingYet | None = None  # The source's last answer, while it is that.
        self._source: Iterator[Item | NothingYet] | None = None
        self._requeued: deque[Task[Item]] = deque()
        self._submitted: deque[Task[Item]] = deque()
        # Never starts again at 1: a worker's CurrentTask may still hold the number of an earlier task.
        self._last_number = 0

    def open(self, source: Iterable[Item | NothingYet]) -> None:
        """Take tasks from a source, one at a time, as they can be handed out."""
        self._source = iter(source)
        self.error = None

    def close(self) -> None:
        """Forget the source and all tasks that came from it."""
        self._source = self.waiting = None
        self.retries.clear()
        self._requeued = deque(task for task in self._requeued if task.receiver)

    def submit(self, item: Item, timeout: float, receiver: Receiver, retries: int | None = None) -> None:
        """Add a task whose result goes to a receiver."""
        self._last_number += 1
        self._submitted.append(Task(self._last_number, item, timeout, receiver, retries))

    def take(self, timeout: float = math.inf, *, from_source: bool = True) -> Task[Item] | None:
        """Return the next task; None if there is none at the moment, except perhaps in the source."""
        if self._requeued:
            return self._requeued.popleft()
        while self._submitted:
            task = self._submitted.popleft()
            if task.receiver is None or task.receiver.start():
                return task
        if self._source is None or self.waiting or not from_source:
            return None
        return self._take_from(self._source, timeout)

    def _take_from(self, source: Iterator[Item | NothingYet], timeout: float) -> Task[Item] | None:
        try:
            item = next(source)
        except StopIteration:
            self._source = None
        except Exception as error:  # noqa: BLE001  Raised again after the last result.
            self._source = None
            self.error = error
        else:
            if not isinstance(item, NothingYet):
                self._last_number += 1
                return Task(self._last_number, item, timeout)
            self.waiting = item
        return None

    def requeue(self, tasks: Iterable[Task[Item]], *, by_crash: bool = False) -> None:
        """Put tasks that were assigned but not started in front of all others, in their order."""
        for task in reversed(list(tasks)):
            task.requeues += by_crash
            (self.retries if task.last_loss and not task.receiver else self._requeued).appendleft(task)

    def schedule_retry(self, task: Task[Item], loss: WorkerLost[Item], limit: int) -> bool:
        """Schedule another attempt at a task that a worker died of; return False if it has had enough.

        A task of an iteration is retried alone, when no other task waits, and before other retries: so workers that are
        killed from outside at intervals do not hit the same task twice. A submitted one is next, for there may be no
        end.
        """
        task.last_loss = loss
        if task.crashes > (limit if task.retries is None else task.retries):
            return False
        (self._requeued if task.receiver else self.retries).appendleft(task)
        return True

    def drain(self) -> list[Task[Item]]:
        """Remove and return all tasks but those that the source has yet to yield."""
        tasks = [*self.retries, *self._requeued, *self._submitted]
        for each in (self.retries, self._requeued, self._submitted):
            each.clear()
        return tasks


class ResultBuffer(Generic[Item, Result]):
    """Results that have arrived. Messages are decoded when they are taken: the workers get their next tasks first."""

    def __init__(self, decode: Callable[[bytes | bytearray], Any]) -> None:
        """Create an empty buffer."""
        self._decode = decode
        self._outcomes: deque[tuple[Task[Item], _Outcome[Item, Result], int]] = deque()

    def __bool__(self) -> bool:
        return bool(self._outcomes)

    def add(self, task: Task[Item], outcome: _Outcome[Item, Result], worker: int) -> None:
        """Add the result of a task, or the message that reports it."""
        self._outcomes.append((task, outcome, worker))

    def take(self) -> Iterator[TaskResult[Item, Result]]:
        """Remove all results: pass those of submitted tasks to their receivers, yield the others."""
        while self._outcomes:
            task, outcome, worker = self._outcomes.popleft()
            result = self._to_result(task, outcome, worker)
            if task.receiver is None:
                yield result
            else:
                task.receiver.finish(result)

    def deliver(self) -> None:
        """Remove the results of submitted tasks and pass them to their receivers."""
        outcomes = self._outcomes
        self._outcomes = deque(each for each in outcomes if each[0].receiver is None)
        for task, outcome, worker in outcomes:
            if task.receiver is not None:
                task.receiver.finish(self._to_result(task, outcome, worker))

    def discard(self) -> None:
        """Remove the results that belong to an iteration."""
        for _, outcome, _ in self._outcomes:
            if isinstance(outcome, WorkerMessage):
                close_all(outcome.files)
        self._outcomes.clear()

    def _to_result(self, task: Task[Item], outcome: _Outcome[Item, Result], worker: int) -> TaskResult[Item, Result]:
        return task.result_from(outcome, worker, self._decode) if isinstance(outcome, WorkerMessage) else outcome
