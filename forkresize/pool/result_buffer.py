"""Results that have arrived and were not taken: ResultBuffer."""

from collections import deque
from collections.abc import Callable, Iterator
from typing import Any, Generic, TypeAlias

from forkresize.pool.protocol import WorkerMessage
from forkresize.pool.result import Item, Result, TaskResult
from forkresize.pool.task import Task

_Outcome: TypeAlias = TaskResult[Item, Result] | WorkerMessage


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
                for file in outcome.files:
                    file.close()
        self._outcomes.clear()

    def _to_result(self, task: Task[Item], outcome: _Outcome[Item, Result], worker: int) -> TaskResult[Item, Result]:
        return task.result_from(outcome, worker, self._decode) if isinstance(outcome, WorkerMessage) else outcome
