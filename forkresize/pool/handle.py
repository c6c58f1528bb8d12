"""The parent's handle of one worker: its process, its messages and its tasks."""

import os
import selectors
import time
from io import FileIO
from typing import Generic

from forkresize.pool.backlog import MAX_TASKS
from forkresize.pool.channel import ParentEnd, WorkerChannel
from forkresize.pool.child import ChildProcess
from forkresize.pool.files import MAX_FILES, WithFiles, is_sealed, to_files
from forkresize.pool.progress import TaskProgress
from forkresize.pool.protocol import MAX_PAYLOAD, MAX_REQUESTS, MESSAGE_RULES, FrameReader, MessageHeader, When
from forkresize.pool.result import Item
from forkresize.pool.shared import SharedFlag
from forkresize.pool.task import Task

_MAX_RESULTS = MAX_TASKS
"""How many results a worker may have sent that were not received: one for each task that it may have."""


class WorkerHandle(Generic[Item]):
    """One worker, seen from the parent."""

    def __init__(
        self, process: ChildProcess, channel: WorkerChannel, stop: SharedFlag, max_result: int = MAX_PAYLOAD
    ) -> None:
        self.process = process
        self.pid = process.pid
        self.channel = channel
        self.messages = ParentEnd(channel.parent_end, FrameReader(max_result, self._expects))
        self.progress: TaskProgress[Item] = TaskProgress(channel.current)
        self.tasks = self.progress.tasks
        self.ready = False  # Whether it has sent READY.
        self.retiring = False  # Replaced as soon as it has no task.
        self.removed = False  # No longer belongs to the pool.
        self.events = selectors.EVENT_READ  # What the selector waits for on its message socket.
        self.bucket: dict[WorkerHandle[Item], None] | None = None  # See WorkerSet.
        self.inherited = 0  # Bytes of memory that it has from the pool's process beyond those of the first worker.
        self.used = 0  # Bytes of memory at its last inspection, with its files in memory.
        self._arrived: list[list[int]] = []  # The descriptors of results whose messages may still be on their way.
        self._stop = stop
        self._protocol_error = False
        self._requests = 0  # Since its last result.
        self._started_at = time.monotonic()

    def assign(self, task: Task[Item]) -> None:
        """Assign a task; ``messages.flush()`` sends it."""
        self.progress.assign(task)
        self.messages.send(task.frame)

    def _expects(self, header: MessageHeader) -> bool:
        """Return whether the worker may send a message with this header now.

        Tasks are done in the order of their assignment, so a message must be about the first.
        """
        kind, number, seconds, started, _, _ = header
        when = MESSAGE_RULES[kind].when
        if when is When.STARTING:
            expected = not self.ready
        else:
            expected = number == next(iter(self.tasks), None)
            if when is When.STOPPED:
                expected &= bool(self._stop)
            elif when is When.FILES_DUE:
                expected = expected and isinstance(self.tasks[number].item, WithFiles)
        now = time.monotonic()
        is_plausible = 0 <= seconds <= now - self._started_at and 0 <= started <= now
        return expected and not self._protocol_error and is_plausible

    def count_request(self) -> bool:
        """Return whether the worker may request something again during its task."""
        self._requests += 1
        self._protocol_error |= self._requests > MAX_REQUESTS
        return not self._protocol_error

    def complete_task(self) -> Task[Item]:
        """Remove and return the first task, which has its result."""
        self._requests = 0
        return self.progress.complete_current()

    def reject(self) -> None:
        """Record that it sent what no honest worker sends; all its further messages are ignored."""
        self._protocol_error = True

    def receive_result_files(self) -> tuple[FileIO, ...]:
        """Return the files of its result, which must be sealed memfds; empty after a protocol violation."""
        descriptors = self._arrived.pop(0) if self._arrived else self.channel.files.receive_result()
        if 0 < len(descriptors) <= MAX_FILES and all(map(is_sealed, descriptors)):
            return to_files(descriptors)
        self._protocol_error = True
        for descriptor in descriptors:
            os.close(descriptor)
        return ()

    def collect_files(self) -> None:
        """Receive the files of results that were sent, so that they are counted even if no message follows."""
        while descriptors := self.channel.files.receive_result():
            self._arrived.append(descriptors)
            self._protocol_error |= len(self._arrived) > _MAX_RESULTS
            if self._protocol_error:
                return

    @property
    def collected_files(self) -> list[int]:
        """Their descriptors, which belong to this handle."""
        return [each for descriptors in self._arrived for each in descriptors]

    @property
    def has_violated_protocol(self) -> bool:
        """Whether it sent what no honest worker sends."""
        return self._protocol_error or self.messages.corrupt

    def grant_memory(self) -> None:
        """Let its task continue: the memory is reserved."""
        self.progress.end_memory_wait()
        self.channel.files.grant()

    def close_inherited(self) -> None:
        """In another worker: close the descriptors of this one."""
        for each in self.collected_files:
            os.close(each)
        self.channel.close()
        os.close(self.process.sentinel)

    def close(self) -> None:
        """Close all descriptors."""
        for each in self.collected_files:
            os.close(each)
        self.channel.close()
        self.process.close()
