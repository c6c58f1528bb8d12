"""The loop of the pool's process: assign tasks, wait for workers, enforce deadlines."""

import math
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from selectors import EVENT_READ, EVENT_WRITE
from typing import Any, Generic, TypeAlias

from forkresize.errors import BrokenPoolError
from forkresize.pool.handle import WorkerHandle
from forkresize.pool.monitor import PoolState, WorkerMonitor
from forkresize.pool.options import PoolOptions
from forkresize.pool.queue import NothingYet
from forkresize.pool.result import Activity, Item, LossReason, Result, TaskResult
from forkresize.pool.task import Receiver, Task
from forkresize.pool.workers import WorkerSet

OnTick: TypeAlias = Callable[[Sequence[Activity[Any]]], object]

_CHECK_INTERVAL = 0.1
_IDLE_CHECK_INTERVAL = 0.5
"""Seconds between two checks of what the workers take, while any has a task and otherwise."""


class Supervisor(Generic[Item, Result]):
    """Ensures that every task that is taken has exactly one result."""

    def __init__(
        self,
        workers: WorkerSet[Item],
        options: PoolOptions,
        state: PoolState,
        on_tick: OnTick | None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Create a supervisor."""
        self._workers = workers
        self._options = options
        self._state = state
        self._on_tick = on_tick
        self._clock = clock
        self._timeout = math.inf if options.timeout is None else options.timeout
        self._monitor: WorkerMonitor[Item, Result] = WorkerMonitor(workers, options, state, clock)
        self._queue = self._monitor.queue
        self._results = self._monitor.results
        self._iterating = False
        self._retrying = False  # Whether a task may be running that has to be alone.
        self._next_deadline = self._next_check = self._next_tick = 0.0
        self._stop_at = math.inf if options.stop_after is None else clock() + options.stop_after
        self.watch(state.signals, EVENT_READ, lambda _: state.signals.clear())

    def watch(self, file: Any, events: int, callback: Callable[[int], object]) -> None:
        """Call a function with the selector's events when a file is ready; without events, stop that."""
        selector = self._workers.selector
        if file in selector.get_map():
            selector.unregister(file)
        if events:
            selector.register(file, events, callback)

    def run(self, items: Iterable[Item | NothingYet]) -> Iterator[TaskResult[Item, Result]]:
        """Run a task for each item; yield the results as they arrive.

        Raises:
            BrokenPoolError: the workers die before they can start a task.
            RuntimeError: another iteration is open.
        """
        if self._iterating:
            raise RuntimeError("another iteration over this pool is open: exhaust it or close it first")
        self._iterating = True
        self._queue.open(items)
        finished = False
        try:
            unfinished = self._assign_tasks()
            while unfinished or self._results or self._workers.busy or self._is_waiting_for_source:
                yield from self._results.take()
                if unfinished or not (self._workers.busy or self._is_waiting_for_source):
                    self._poll(0)
                else:
                    self._pause()
                    self._poll(math.inf)
                unfinished = self._assign_tasks()
            finished = True
        except BrokenPoolError as error:
            self.abandon(error)
            raise
        finally:
            self._end_iteration(finished=finished)
        if self._queue.error is not None:
            raise self._queue.error

    def submit(self, item: Item, timeout: float | None, receiver: Receiver, retries: int | None = None) -> None:
        """Add a task whose result goes to a receiver; poll() works on it."""
        self._queue.submit(item, self._timeout if timeout is None else timeout, receiver, retries)

    def poll(self, timeout: float) -> None:
        """Work on submitted tasks: wait for an event, at most this many seconds, and handle it.

        Raises:
            BrokenPoolError: the workers die before they can start a task.
        """
        try:
            unfinished = self._assign_tasks()
            self._poll(0 if unfinished else timeout)
            self._assign_tasks()
        except BrokenPoolError as error:
            self.abandon(error)
            raise
        self._results.deliver()

    def abandon(self, error: Exception) -> None:
        """Give up all submitted tasks that have no result, and kill the workers."""
        self._results.deliver()
        self._clear_workers()
        for task in self._queue.drain():
            if task.receiver:
                task.receiver.abandon(error)

    def _clear_workers(self) -> None:
        """End all workers; submitted tasks go back to the queue."""
        self._queue.requeue(task for worker in self._workers for task in worker.tasks.values() if task.receiver)
        self._workers.clear()

    def _end_iteration(self, *, finished: bool) -> None:
        self._iterating = False
        if self._queue.waiting:
            self.watch(self._queue.waiting.descriptor, 0, self._on_source_ready)
        if not finished:
            self._clear_workers()
            self._results.deliver()
            self._results.discard()
        self._queue.close()

    @property
    def _is_waiting_for_source(self) -> bool:
        return self._queue.waiting is not None and not self._state.stop

    def _on_source_ready(self, _: int) -> None:
        if self._queue.waiting:
            self.watch(self._queue.waiting.descriptor, 0, self._on_source_ready)
            self._queue.waiting = None

    def _assign_tasks(self) -> bool:
        """Return whether there may be more to assign once the results that wait are taken."""
        unfinished = not self._state.stop and self._fill_workers()
        if self._state.stop:
            for task in self._queue.drain():
                if task.last_loss:
                    self._results.add(task, task.last_loss, task.last_loss.worker)
                elif task.receiver:
                    task.receiver.abandon(None)
        elif self._queue.retries and not unfinished and not self._workers.busy:
            self._assign(self._queue.retries.popleft())
            self._retrying = True
        self._workers.flush_all()
        return unfinished

    def _fill_workers(self) -> bool:
        for worker in self._workers.available():
            # Before the source is asked, which may take a while.
            self._workers.flush_urgent()
            self._retrying = self._retrying and any(each.progress.is_retrying for each in self._workers)
            task = self._queue.take(self._timeout, from_source=not self._retrying)
            if self._queue.waiting and task is None:
                self.watch(self._queue.waiting.descriptor, EVENT_READ, self._on_source_ready)
            if task is None or self._state.stop:
                if task is not None and task.receiver:
                    self._queue.requeue([task])
                break
            rejected = not self._assign(task, worker)
            # What arrived while a worker was found is taken first: otherwise results pile up as long as one is idle.
            if rejected or (worker is None and self._iterating and self._results):
                return True
        return False

    def _assign(self, task: Task[Item], worker: WorkerHandle[Item] | None = None) -> bool:
        """Return whether the task can be sent at all; if not, it has its result."""
        try:
            task.serialize(self._options.task_serializer.encode)
        except Exception as error:  # noqa: BLE001  An item's class may do anything.
            result = task.make_rejection(error)
            self._results.add(task, result, result.worker)
            return False
        if worker is None:
            try:
                # While the source was asked, a worker may have become idle.
                self._poll(0)
                worker = self._workers.acquire()
            finally:
                if worker is None:
                    self._queue.requeue([task])
            if worker is None:
                return True
        self._workers.assign(worker, task)
        if task.timeout < self._timeout:
            self._next_deadline = min(self._next_deadline, self._clock() + task.timeout)
        return True

    def _pause(self) -> None:
        """Let results of short tasks gather, while all workers have enough to do."""
        if seconds := min(self._workers.pause, self._time_to_timer()):
            time.sleep(seconds)

    def _poll(self, timeout: float) -> None:
        """Wait for events, at most this long and not beyond the next timer, and handle them."""
        for key, events in self._workers.selector.select(min(timeout, self._time_to_timer()) if timeout else 0):
            worker = key.data
            if callable(worker):
                worker(events)
            elif worker.removed:
                continue  # By an earlier event of this round.
            elif key.fd == worker.process.sentinel:
                self._monitor.remove(worker)
            else:
                if events & EVENT_WRITE:
                    self._workers.flush(worker)
                self._monitor.read_messages(worker)
        if self._state.signals.forced:
            self._monitor.interrupt()
        self._run_timers()

    def _time_to_timer(self) -> float:
        until = min(self._next_deadline, self._next_check, self._next_tick if self._on_tick else math.inf)
        if not self._state.stop:
            until = min(until, self._stop_at)
        return max(0.0, until - self._clock())

    def _run_timers(self) -> None:
        now = self._clock()
        if now >= self._stop_at:
            self._state.stop.set()
        if now >= self._next_deadline:
            self._next_deadline = self._kill_overdue(now)
        if now >= self._next_check:
            self._next_check = now + (_CHECK_INTERVAL if self._workers.busy else _IDLE_CHECK_INTERVAL)
            for worker, (reason, detail) in self._workers.find_excesses():
                self._monitor.remove(worker, reason, detail=detail)
            self._state.memory_peak = max(self._state.memory_peak, sum(worker.used for worker in self._workers))
        if self._on_tick is not None and now >= self._next_tick:
            self._next_tick = now + self._options.tick
            self._on_tick([_activity(worker, now) for worker in self._workers])

    def _kill_overdue(self, now: float) -> float:
        """Return when to check again: no task can become overdue before that."""
        earliest = now + self._timeout
        for worker in self._workers:
            if self._deadline(worker) <= now:
                # A result that arrived in time counts, even if it is read late.
                for message in worker.messages.drain():
                    self._monitor.handle_message(worker, message)
                if self._deadline(worker) <= now:
                    self._monitor.remove(worker, LossReason.TIMED_OUT, worker.progress.read()[0])
                    continue
                self._workers.update(worker)
            earliest = min(earliest, self._deadline(worker), *(now + task.timeout for task in worker.tasks.values()))
        return earliest

    def _deadline(self, worker: WorkerHandle[Item]) -> float:
        is_waiting = self._workers.memory.is_waiting(worker)
        return math.inf if is_waiting else worker.progress.deadline(self._state.signals.resumed_at)


def _activity(worker: WorkerHandle[Item], now: float) -> Activity[Item]:
    task, since = worker.progress.read()
    return Activity(worker.pid, None, 0.0) if task is None else Activity(worker.pid, task.item, now - since)
