"""The parent's loop: hand out, wait, time out, bury, blame. Forks by Crew, queues by Backlog."""

import math
import os
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from selectors import EVENT_READ, EVENT_WRITE
from typing import Any, Generic, TypeAlias

from forkresize.errors import BrokenPoolError
from forkresize.pool.handle import WorkerHandle
from forkresize.pool.options import PoolOptions
from forkresize.pool.protocol import MessageType, WorkerMessage, decode_failure, decode_memory_request
from forkresize.pool.queue import Task, TaskQueue
from forkresize.pool.result import Activity, Item, LossReason, Result, TaskResult, WorkerLost
from forkresize.pool.results import decode, from_loss, from_message, from_pickling_error
from forkresize.pool.signals import STOP_SIGNALS, signal_name
from forkresize.pool.state import PoolState
from forkresize.pool.workers import WorkerSet

OnTick: TypeAlias = Callable[[Sequence[Activity[Any]]], object]

_SLOW_START = 10.0
"""Seconds that a worker may take, on a busy machine, to begin a task it was handed; no task is to blame for those."""

_LOOK = 0.5
"""Seconds between two looks at how much memory the workers have, and how much they said."""

_MOST_RETURNS = 20
_RETURNS = {LossReason.PROTOCOL_VIOLATION: 0, LossReason.TIMED_OUT: 1}
"""How many workers may end with a task that they had not begun, by what they say, before it is to blame."""

_GROUP_SIGNAL = 0.05
"""Seconds in which a signal to the whole process group reaches the parent after it has ended a worker."""


class Supervisor(Generic[Item, Result]):
    """Sees to it that every item that is handed out is answered exactly once."""

    def __init__(self, crew: WorkerSet[Item], options: PoolOptions, control: PoolState, on_tick: OnTick | None) -> None:
        """Make a supervisor.

        Args:
            crew: the workers.
            options: how they are to be treated.
            control: what the pool's user changes and looks at.
            on_tick: called every ``options.tick`` seconds with what each worker is doing.
        """
        self._crew = crew
        self._options = options
        self._control = control
        self._on_tick = on_tick
        self._timeout = math.inf if options.timeout is None else options.timeout
        self._decode = options.serializer.decode
        self._backlog: TaskQueue[Item] = TaskQueue(())
        # Made when they are taken: the workers have their next tasks before results are decoded.
        self._answers: list[Callable[[], TaskResult[Item, Result]]] = []
        self._stillborn = 0
        self._next_check = 0.0
        self._next_tick = 0.0
        self._next_look = 0.0
        self._end = math.inf if options.stop_after is None else time.monotonic() + options.stop_after
        crew.selector.register(control.watch, EVENT_READ, None)

    def run(self, items: Iterable[Item]) -> Iterator[TaskResult[Item, Result]]:
        """Do the work for all items; yield the answers as they come.

        Raises:
            PoolBrokenError: the workers can't be kept alive.
        """
        # Numbers go on from the run before: a worker's slot still holds one of those.
        self._backlog = TaskQueue(items, self._backlog.next_number)
        self._answers = []
        finished = False
        try:
            more = self._hand_out()
            while more or self._answers or self._crew.busy:
                answers, self._answers = self._answers, []
                for answer in answers:
                    yield answer()
                self._turn(wait=self._crew.busy and not more)
                more = self._hand_out()
            finished = True
        finally:
            if not finished:
                self._crew.clear()
        if self._backlog.error is not None:
            raise self._backlog.error

    def _hand_out(self) -> bool:
        """Return whether there is more to hand out when what is answered by now has been taken."""
        refused = not self._control.stop and self._fill()
        if self._control.stop:
            self._answers += [partial(_same, answer) for answer in self._backlog.give_up()]
        elif self._backlog.suspects and not refused and not self._crew.busy:
            self._place(self._backlog.suspects.popleft())
        self._crew.post()
        return refused

    def _fill(self) -> bool:
        """Hand out tasks while there is room; return whether that ended with one that can't be sent."""
        for member in self._crew.openings():
            # Before the next item is asked for, which may take its time.
            self._crew.post()
            task = self._backlog.take()
            if task is None or self._control.stop:
                break
            if not self._place(task, member):
                return True
        return False

    def _place(self, task: Task[Item], member: WorkerHandle[Item] | None = None) -> bool:
        """Return whether the task can be sent at all; if not, it is answered."""
        try:
            task.pack()
        except Exception as error:  # noqa: BLE001  An item's class may do anything.
            self._answers.append(partial(from_pickling_error, task, error, os.getpid()))
            return False
        if member is None:
            # While the item was waited for, a worker may have turned idle.
            self._turn(wait=False)
            member = self._crew.hire()
        if member is None:
            self._backlog.give_back([task])
        else:
            self._crew.give(member, task)
        return True

    def _turn(self, *, wait: bool) -> None:
        for key, events in self._crew.selector.select(self._patience() if wait else 0):
            member: WorkerHandle[Item] | None = key.data
            if member is None:
                self._control.watch.clear()
            elif member.dismissed:
                continue  # Buried by an earlier event of this turn.
            elif key.fd == member.sentinel:
                self._bury(member)
            else:
                if events & EVENT_WRITE:
                    self._crew.flush(member)
                self._hear(member)
        if self._control.watch.insisted:
            self._interrupt()
        self._look_at_clock()

    def _patience(self) -> float:
        until = min(self._next_check, self._next_look, self._next_tick if self._on_tick else math.inf)
        if not self._control.stop:
            until = min(until, self._end)
        return max(0.0, until - time.monotonic())

    def _hear(self, member: WorkerHandle[Item]) -> None:
        for report in member.receive():
            self._settle(member, report)
        if member.gone:
            self._bury(member)
        elif member.is_astray:
            self._bury(member, LossReason.PROTOCOL_VIOLATION)
        else:
            self._crew.update(member)

    def _settle(self, member: WorkerHandle[Item], report: WorkerMessage) -> None:
        if not member.accepts(report, stopped=bool(self._control.stop)):
            return
        if report.kind == MessageType.FIT:
            member.fit = True
            return
        if report.kind == MessageType.UNFIT:
            failure = decode_failure(report.payload)
            member.tasks.clear()  # It leaves by itself.
            raise BrokenPoolError(f"a worker's initializer raised {failure.error}\n{failure.traceback}")
        if report.kind in {MessageType.WANTS, MessageType.RESERVES}:
            self._provide(member, report)
            return
        self._crew.memory.release(member)
        task = member.finish()
        if report.kind == MessageType.DECLINED:
            # What was never started is left for another run; what was, is answered for.
            self._backlog.give_back([task])
            return
        self._stillborn = 0
        self._control.busy_seconds += report.seconds
        self._answers.append(partial(from_message, report, task, member.pid, self._decode))

    def _provide(self, member: WorkerHandle[Item], report: WorkerMessage) -> None:
        if report.kind == MessageType.RESERVES:
            member.ask()
            self._crew.memory.ask(member, decode_memory_request(report.payload))
            return
        sandbox, item = self._options.sandbox, member.tasks[report.number].item
        if sandbox is not None and sandbox.open_file is not None:
            member.station.lending.lend(partial(sandbox.open_file, item, os.fsdecode(bytes(report.payload))))

    def _bury(
        self, member: WorkerHandle[Item], fault: LossReason = LossReason.CRASHED, condemned: Task[Item] | None = None
    ) -> None:
        """See off a worker that is dead or is to die; answer what it still said, and find out what it died of.

        Args:
            member: the worker.
            fault: why it is being buried.
            condemned: the task that took too long.
        """
        self._crew.dismiss(member)
        self._control.workers_lost += 1
        try:
            if fault is not LossReason.CRASHED:
                member.kill()
            exit_code = member.end()
            # All that it said counts, so this comes before any blame.
            for report in member.drain():
                self._settle(member, report)
            fault = LossReason.PROTOCOL_VIOLATION if member.is_astray else fault
            task, since = member.current()
            if fault is LossReason.TIMED_OUT and task is not condemned:
                task = None  # It had gone on to the next, which is not to blame.
            elif task is None and (member.fit or fault is LossReason.PROTOCOL_VIOLATION):
                # What it says of itself is as little to be trusted as all else.
                task = member.first_returned(_RETURNS.get(fault, _MOST_RETURNS))
            self._backlog.give_back((other for other in member.tasks.values() if other is not task), by_death=True)
            if task is not None:
                seconds = time.monotonic() - since
                self._blame(task, from_loss(task, self._fault(fault, exit_code), member, exit_code, seconds))
            elif not member.fit:
                self._count_stillborn(member, exit_code)
        finally:
            member.close()

    def _fault(self, fault: LossReason, exit_code: int) -> LossReason:
        watch = self._control.watch
        if fault is LossReason.CRASHED and -exit_code in STOP_SIGNALS and watch.first is None:
            watch.wait(_GROUP_SIGNAL)
        stopped = watch.insisted or (watch.first is not None and -exit_code in STOP_SIGNALS)
        return LossReason.INTERRUPTED if stopped else fault

    def _blame(self, task: Task[Item], answer: WorkerLost[Item]) -> None:
        self._stillborn = 0
        self._control.busy_seconds += answer.seconds
        final = answer.reason is not LossReason.CRASHED or bool(self._control.stop)
        if final or not self._backlog.suspect(task, answer, self._options.retries):
            self._answers.append(partial(_same, answer))

    def _count_stillborn(self, member: WorkerHandle[Item], exit_code: int) -> None:
        self._stillborn += 1
        if self._stillborn > max(3, 2 * self._crew.size):
            how = signal_name(-exit_code) if exit_code < 0 else f"exit code {exit_code}"
            said = decode(member.station.stderr.read()).strip()
            raise BrokenPoolError(
                f"{self._stillborn} workers in a row died before their first job; the last of {how}: {said}"
            )

    def _interrupt(self) -> None:
        for member in self._crew:
            if member.tasks:
                self._bury(member, LossReason.INTERRUPTED)

    def _look_at_clock(self) -> None:
        now = time.monotonic()
        if now >= self._end:
            self._control.stop.set()
        if now >= self._next_check:
            self._next_check = self._kill_overdue(now)
        if now >= self._next_look:
            self._next_look = now + _LOOK
            self._crew.look_at_memory()
            for member in self._crew.flooders():
                self._bury(member, LossReason.PROTOCOL_VIOLATION)
        if self._on_tick is not None and now >= self._next_tick:
            self._next_tick = now + self._options.tick
            self._on_tick([_activity(member, now) for member in self._crew])

    def _kill_overdue(self, now: float) -> float:
        """Return when to look again; a job that starts after this has a later deadline."""
        earliest = now
        for member in self._crew:
            if self._since(member, now) + self._timeout <= now:
                # An answer that has come in time counts, even if it is read late.
                for report in member.drain():
                    self._settle(member, report)
                if self._since(member, now) + self._timeout <= now:
                    self._bury(member, LossReason.TIMED_OUT, member.current()[0])
                    continue
                self._crew.update(member)
            earliest = min(earliest, self._since(member, now))
        return earliest + self._timeout

    def _since(self, member: WorkerHandle[Item], now: float) -> float:
        if not member.tasks or self._crew.memory.is_waiting(member):
            return now
        task, since = member.current()
        # While all processes were stopped together, as by Ctrl-Z, no time counts.
        since = max(since, self._control.watch.resumed_at)
        return since if task is not None else since + _SLOW_START


def _activity(member: WorkerHandle[Item], now: float) -> Activity[Item]:
    task, since = member.current()
    return Activity(member.pid, None, 0.0) if task is None else Activity(member.pid, task.item, now - since)


def _same(answer: WorkerLost[Item]) -> WorkerLost[Item]:
    return answer
