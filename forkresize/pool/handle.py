"""The parent's handle of one worker: its process, its end of the pipe, its tasks. Decides nothing."""

import contextlib
import os
import select
import selectors
import signal
import time
from collections.abc import Iterator
from multiprocessing.context import ForkProcess
from typing import Generic

from forkresize.pool.channel import GRANT, NO_SIGPIPE, WorkerChannel
from forkresize.pool.protocol import FrameReader, MessageType, WorkerMessage
from forkresize.pool.queue import Task
from forkresize.pool.result import Item

_CHUNK = 1 << 16
_MOST_READS = 1 << 10
"""More than a pipe holds; somebody who goes on writing is not listened to for ever."""
_PAUSE = 0.0005
_GRACE = 1.0
"""Seconds that a process which has nothing more to do gets for leaving by itself, or after SIGKILL."""


class WorkerHandle(Generic[Item]):
    """One worker, seen from the parent.

    Attributes:
        pid: its process id.
        sentinel: a descriptor that turns readable when the process has ended.
        station: what is shared with it.
        tasks: what it was handed and has not answered, by number, in the order it will start them.
        handed: how many tasks it was handed in all.
        waiting_since: when it last answered a task, or was handed one while idle.
        gone: whether its end of the pipe is closed.
        events: what its end of the pipe is watched for, in the selector's terms.
        dismissed: whether it no longer counts.
        worn: whether it is to be replaced as soon as it has nothing to do.
        fit: whether it has said that it is ready for its first task.
    """

    def __init__(self, process: ForkProcess, station: WorkerChannel) -> None:
        assert process.pid is not None  # noqa: S101  It was started.
        self.pid = process.pid
        self.sentinel = _open_sentinel(process)
        self.station = station
        self.tasks: dict[int, Task[Item]] = {}
        self.handed = 0
        self.waiting_since = 0.0
        self.gone = False
        self.events = selectors.EVENT_READ
        self.dismissed = False
        self.worn = False
        self.fit = False
        self._answered = 0
        self._seen_at: float | None = None
        self._asked_at: float | None = None
        self._waited = 0.0
        self._lied = False
        self._hired_at = time.monotonic()
        self._process = process
        self._inbox = FrameReader()
        self._unsent: list[bytes | memoryview] = []

    def give(self, task: Task[Item]) -> None:
        """Hand it a task; flush() sends it."""
        if not self.tasks:
            self.waiting_since = time.monotonic()
        self.tasks[task.number] = task
        self.handed += 1
        self._unsent.append(task.order)

    def flush(self) -> bool:
        """Send what the pipe has room for; return whether nothing is left to send."""
        data = self._unsent[0] if len(self._unsent) == 1 else b"".join(self._unsent)
        try:
            sent = self.station.near.send(data, NO_SIGPIPE)
        except BlockingIOError:
            sent = 0
        except OSError:
            # It is dead, which shows when the pipe is read; its tasks are handed to another.
            sent = len(data)
        self._unsent = [memoryview(data)[sent:]] if sent < len(data) else []
        return not self._unsent

    def accepts(self, report: WorkerMessage, *, stopped: bool) -> bool:
        """Whether it may send a report by now; if not, it has gone astray, and nothing that it sends is heard any more.

        Tasks are done in the order in which they were handed out, so that it can speak of the first alone.

        Args:
            report: what it sent.
            stopped: whether tasks may be declined.
        """
        if report.kind in {MessageType.FIT, MessageType.UNFIT}:
            is_honest = not self.fit
        else:
            is_honest = report.number in self.tasks and self.tasks[report.number] is self._first
        if report.kind == MessageType.DECLINED:
            is_honest &= stopped
        is_honest &= 0 <= report.seconds <= time.monotonic() - self._hired_at
        self._lied |= not is_honest
        return not self._lied

    def finish(self) -> Task[Item]:
        """Take the task that it has answered off it."""
        self._answered = next(iter(self.tasks))
        self._seen_at, self._asked_at, self._waited = None, None, 0.0
        self.waiting_since = time.monotonic()
        return self.tasks.pop(self._answered)

    @property
    def _first(self) -> Task[Item] | None:
        return next(iter(self.tasks.values()), None)

    def receive(self) -> list[WorkerMessage]:
        """Return the reports that one read brings; maybe none."""
        return self._inbox.feed(self._read() or b"")

    def drain(self) -> Iterator[WorkerMessage]:
        """Yield all reports that it had sent by now."""
        for _ in range(_MOST_READS):
            data = self._read()
            if not data:
                return
            yield from self._inbox.feed(data)

    @property
    def is_astray(self) -> bool:
        """Whether it sent what no worker sends."""
        return self._lied or self._inbox.is_broken

    def _read(self) -> bytes | None:
        for _ in range(2):
            try:
                data = self.station.near.recv(_CHUNK)
            except BlockingIOError:
                return None
            except ConnectionResetError:
                # Said once of a peer that died with unread input; what it wrote before that can still be read.
                continue
            self.gone = not data
            return data
        self.gone = True
        return b""

    def current(self) -> tuple[Task[Item] | None, float]:
        """Return the task that it is on, None if it has not begun that, and the time since which it is.

        Time in which the task waited for memory is left out. Whatever the worker has noted but the task it answered
        last stands for the first that it has not, so that one that was taken over can't lay it on another.
        """
        number, since = self.station.slot.read()
        task = self._first
        if task is None or number == self._answered:
            return None, self.waiting_since
        # It says itself when it began; one that was taken over may say that it has yet to.
        self._seen_at = self._seen_at or time.monotonic()
        return task, min(self._seen_at, since) + self._waited

    def first_returned(self, times: int) -> Task[Item] | None:
        """Return the first of its tasks that workers gave back so often; None if there is none."""
        return next((task for task in self.tasks.values() if task.returns >= times), None)

    def ask(self) -> None:
        """Take note that it asked for memory, and waits."""
        self._asked_at = time.monotonic()

    def admit(self) -> None:
        """Tell it that the memory it asked for is its; that it waited does not count."""
        if self._asked_at is not None:
            self._waited += time.monotonic() - self._asked_at
            self._asked_at = None
        # One that has died needs none.
        with contextlib.suppress(OSError):
            self.station.lending.near.send(GRANT, NO_SIGPIPE)

    def leave(self) -> None:
        """Let it go when it has nothing to do: it reads the end of its pipe."""
        self.station.near.close()

    def kill(self) -> None:
        """Send SIGKILL; its end is not waited for."""
        self._process.kill()

    def end(self) -> int:
        """See the process to its end, by SIGKILL if need be.

        Returns:
            Its exit code, or the negated number of the signal that ended it. A process that waits for a disk may
            outlive SIGKILL for a while; it is taken for dead.
        """
        if not self._ends_within(_GRACE):
            self._process.kill()
            self._ends_within(_GRACE)
        return -signal.SIGKILL if self._process.exitcode is None else self._process.exitcode

    def _ends_within(self, seconds: float) -> bool:
        # Not Process.join: it would wait for ever if the work had closed the descriptor that it waits for.
        deadline = time.monotonic() + seconds
        poll = select.poll()
        poll.register(self.sentinel, select.POLLIN)
        while self._process.exitcode is None:
            if time.monotonic() > deadline:
                return False
            if poll.poll(seconds * 1000):
                time.sleep(_PAUSE)
        return True

    def forget(self) -> None:
        """Close every descriptor but the process's own, as a forked worker must do with those of the others."""
        self.station.close()
        os.close(self.sentinel)

    def close(self) -> None:
        """Close every descriptor."""
        self.forget()
        if self._process.exitcode is not None:
            self._process.close()


def _open_sentinel(process: ForkProcess) -> int:
    """Open a descriptor that is readable once the process has ended.

    Linux knows it of the process itself. Elsewhere it is a pipe, which a process that the work started may hold open.
    """
    assert process.pid is not None  # noqa: S101
    try:
        return os.pidfd_open(process.pid)
    except (AttributeError, OSError):
        return os.dup(process.sentinel)
