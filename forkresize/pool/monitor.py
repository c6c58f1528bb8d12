"""What workers send and how they end: WorkerMonitor turns it into results, retries and requeued tasks."""

import contextlib
import os
from collections.abc import Callable, Iterator, Sequence
from io import FileIO
from typing import Generic

from msgspec import Struct
from msgspec.structs import replace

from forkresize.errors import BrokenPoolError
from forkresize.pool.blame import find_culprit, is_interrupted
from forkresize.pool.files import WithFiles, close_all
from forkresize.pool.handle import WorkerHandle
from forkresize.pool.options import PoolOptions
from forkresize.pool.protocol import (
    REQUESTS,
    RESULTS_PROPER,
    MessageType,
    WorkerMessage,
    decode_failure,
    decode_memory_request,
)
from forkresize.pool.queue import ResultBuffer, TaskQueue
from forkresize.pool.result import Item, LossReason, Result, TaskResult, WorkerLost
from forkresize.pool.shared import SharedFlag
from forkresize.pool.signals import StopSignals, signal_name
from forkresize.pool.task import Task
from forkresize.pool.workers import WorkerSet

_RETRIED = frozenset((LossReason.CRASHED, LossReason.MEMORY_LIMIT))


class PoolState(Struct):
    """What the pool and its supervisor share."""

    stop: SharedFlag  # Set when no task may be started any more.
    signals: StopSignals
    workers_lost: int = 0  # Those that died or were killed.
    busy_seconds: float = 0.0  # Wall time of all tasks together.
    memory_peak: int = 0  # Bytes that the workers used together at most, when they were inspected.


class WorkerMonitor(Generic[Item, Result]):
    """Handles the messages and the deaths of workers."""

    def __init__(
        self, workers: WorkerSet[Item], options: PoolOptions, state: PoolState, clock: Callable[[], float]
    ) -> None:
        self.queue: TaskQueue[Item] = TaskQueue()
        self.results: ResultBuffer[Item, Result] = ResultBuffer(options.serializer.decode)
        self._workers = workers
        self._options = options
        self._state = state
        self._clock = clock
        self._startup_failures = 0

    def read_messages(self, worker: WorkerHandle[Item]) -> None:
        """Handle what one read of a worker's messages brings."""
        for message in worker.messages.receive():
            self.handle_message(worker, message)
        if worker.messages.eof:
            self.remove(worker)
        elif worker.has_violated_protocol:
            self.remove(worker, LossReason.PROTOCOL_VIOLATION)
        else:
            self._workers.update(worker)

    def handle_message(self, worker: WorkerHandle[Item], message: WorkerMessage) -> None:
        """Handle a message that may come now.

        Raises:
            BrokenPoolError: the initializer raised.
        """
        if message.kind in REQUESTS:
            if worker.count_request():
                self._handle_request(worker, message)
        elif message.kind == MessageType.READY:
            worker.ready = True
        elif message.kind == MessageType.INIT_FAILED:
            failure = decode_failure(message.payload)
            self.queue.requeue(worker.tasks.values())
            worker.tasks.clear()  # It exits by itself.
            raise BrokenPoolError(f"a worker's initializer raised {failure.error}\n{failure.traceback}")
        else:
            self._handle_result(worker, message)

    def _handle_request(self, worker: WorkerHandle[Item], message: WorkerMessage) -> None:
        if message.kind != MessageType.RESERVE_MEMORY:
            worker.channel.files.send(self._open_files(worker.tasks[message.number], message))
            return
        size = decode_memory_request(message.payload)
        if self._workers.memory.budget.fits(size) and not self._workers.memory.is_waiting(worker):
            worker.progress.begin_memory_wait()
            self._workers.memory.reserve(worker, size)
        else:
            worker.reject()

    def _handle_result(self, worker: WorkerHandle[Item], message: WorkerMessage) -> None:
        if message.kind == MessageType.RETURNED_FILES:
            message = message._replace(files=worker.receive_result_files())
            if not message.files:
                return  # A protocol violation.
        outcome = self._check(worker, message)
        if outcome is None:
            worker.reject()
            return
        self._workers.memory.release(worker)
        task = worker.complete_task()
        if message.kind == MessageType.NOT_STARTED:
            self.queue.requeue([task])
            return
        self._startup_failures = 0
        self._state.busy_seconds += message.seconds
        has_files = bool(message.files) or isinstance(task.item, WithFiles)
        self._workers.backlog.add(message.seconds, has_files=has_files)
        self.results.add(task, outcome, worker.pid)

    def _check(
        self, worker: WorkerHandle[Item], message: WorkerMessage
    ) -> WorkerMessage | TaskResult[Item, Result] | None:
        """Return what a message about a result means; itself if that is decoded later, None if it is invalid."""
        serializer = self._options.serializer
        if message.kind != MessageType.RAISED and not (serializer.validates and message.kind in RESULTS_PROPER):
            return message
        task = next(iter(worker.tasks.values()))
        try:
            return task.decode_result(message, worker.pid, serializer.decode)
        except Exception:  # noqa: BLE001  The payload may be anything, and so may be what its decoder raises.
            close_all(message.files)
            return None

    @contextlib.contextmanager
    def _open_files(self, task: Task[Item], message: WorkerMessage) -> Iterator[Sequence[FileIO]]:
        """Yield the files that a worker requests; none if it may have none."""
        sandbox = self._options.sandbox
        if message.kind == MessageType.SEND_FILES:
            yield task.item.files if isinstance(task.item, WithFiles) else ()
        elif sandbox is None or sandbox.open_file is None:
            yield ()
        else:
            with sandbox.open_file(task.item, os.fsdecode(bytes(message.payload))) as file:
                yield (file,)

    def remove(
        self,
        worker: WorkerHandle[Item],
        reason: LossReason = LossReason.CRASHED,
        overdue: Task[Item] | None = None,
        *,
        detail: str = "",
    ) -> None:
        """Remove a worker that is dead or has to die: handle its remaining messages, then find out what it died of.

        Args:
            worker: the worker.
            reason: why it has to die.
            overdue: the task that took too long.
            detail: what the worker did, if it has to die for that.
        """
        self._workers.remove(worker)
        self._state.workers_lost += 1
        try:
            if reason is not LossReason.CRASHED:
                worker.process.kill()
            exit_code = worker.process.reap()
            # All that it sent counts, so this comes before any blame.
            for message in worker.messages.drain():
                self.handle_message(worker, message)
            if worker.has_violated_protocol:
                reason, detail = LossReason.PROTOCOL_VIOLATION, ""
            task, since = find_culprit(worker, reason, overdue)
            self.queue.requeue((other for other in worker.tasks.values() if other is not task), by_crash=True)
            if task is not None:
                if is_interrupted(reason, exit_code, self._state.signals):
                    reason = LossReason.INTERRUPTED
                stderr = worker.channel.stderr.read()
                loss = task.make_loss(reason, worker.pid, exit_code, self._clock() - since, stderr)
                self._record_loss(task, replace(loss, detail=detail, started=since))
            elif not worker.ready:
                self._count_startup_failure(worker, exit_code)
        finally:
            worker.close()

    def _record_loss(self, task: Task[Item], loss: WorkerLost[Item]) -> None:
        self._startup_failures = 0
        self._state.busy_seconds += loss.seconds
        final = loss.reason not in _RETRIED or bool(self._state.stop)
        if final or not self.queue.schedule_retry(task, loss, self._options.retries):
            self.results.add(task, loss, loss.worker)

    def _count_startup_failure(self, worker: WorkerHandle[Item], exit_code: int) -> None:
        self._startup_failures += 1
        if self._startup_failures > max(3, 2 * self._workers.size):
            how = signal_name(-exit_code) if exit_code < 0 else f"exit code {exit_code}"
            stderr = worker.channel.stderr.read().decode(errors="replace").strip()
            count = self._startup_failures
            raise BrokenPoolError(f"{count} workers in a row died before their first task; the last by {how}: {stderr}")

    def interrupt(self) -> None:
        """Kill all workers that have tasks."""
        for worker in self._workers:
            if worker.tasks:
                self.remove(worker, LossReason.INTERRUPTED)
