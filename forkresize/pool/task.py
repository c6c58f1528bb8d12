"""One item on its way through the pool: Task, and the results made from what happens to it."""

import math
import os
from collections.abc import Callable
from typing import Any, Generic, Protocol

from msgspec import Struct

from forkresize.pool.files import MAX_FILES, WithFiles, close_all
from forkresize.pool.protocol import Failure, MessageType, WorkerMessage, decode_failure, encode_task
from forkresize.pool.result import Completed, Item, LossReason, Raised, TaskResult, WorkerLost
from forkresize.pool.signals import signal_name


class Receiver(Protocol):
    """Gets the result of a submitted task."""

    def start(self) -> bool:
        """Return whether the task is still wanted; called before it is first assigned to a worker."""

    def finish(self, result: TaskResult[Any, Any], /) -> None:
        """Receive the result."""

    def abandon(self, error: Exception | None, /) -> None:
        """Receive the fact that there will be no result: the pool failed or, without an error, was stopped."""


class Task(Struct, Generic[Item], eq=False):
    """One item on its way through the pool."""

    number: int
    item: Item
    timeout: float = math.inf  # Seconds; infinite for no limit.
    receiver: Receiver | None = None  # None if it belongs to an iteration.
    retries: int | None = None  # How often it is tried again if its worker dies; None for as often as the options say.
    last_loss: WorkerLost[Item] | None = None  # The result if it is not retried, once a worker has died of it.
    requeues: int = 0  # Workers that died with it, but before they started it, by their own account.
    frame: bytes = b""  # The message that hands it to a worker.

    @property
    def crashes(self) -> int:
        """How many workers have died of it."""
        return self.last_loss.attempts if self.last_loss else 0

    def serialize(self, encode: Callable[[Any], bytes]) -> None:
        """Make the frame. Done once, however often it is sent.

        Raises:
            Exception: the item cannot be serialized.
        """
        if self.frame:
            return
        if not isinstance(self.item, WithFiles):
            self.frame = encode_task(self.number, encode(self.item))
            return
        count = len(self.item.files)
        if count > MAX_FILES:
            raise ValueError(f"{count} files with one task, more than {MAX_FILES}")
        self.frame = encode_task(self.number, encode(self.item.value), count)

    def result_from(
        self, message: WorkerMessage, worker: int, decode: Callable[[bytes | bytearray], Any]
    ) -> Completed[Item, Any] | Raised[Item]:
        """Return the result that a worker's message reports; what cannot be decoded counts as raised."""
        try:
            return self.decode_result(message, worker, decode)
        except Exception as error:  # noqa: BLE001  The payload may be anything.
            close_all(message.files)
            failure = Failure.of(error)
        return self._make_raised(failure, message, worker)

    def decode_result(
        self, message: WorkerMessage, worker: int, decode: Callable[[bytes | bytearray], Any]
    ) -> Completed[Item, Any] | Raised[Item]:
        """Return the result that a worker's message reports.

        Raises:
            Exception: the payload cannot be decoded.
        """
        if message.kind == MessageType.RAISED:
            return self._make_raised(decode_failure(message.payload), message, worker)
        result = decode(message.payload)
        return Completed(
            item=self.item,
            result=WithFiles(result, message.files) if message.files else result,
            attempts=self.last_loss.attempts + 1 if self.last_loss else 1,
            worker=worker,
            seconds=message.seconds,
            stderr=message.stderr.decode(errors="replace") if message.stderr else "",
            started=message.started,
        )

    def _make_raised(self, failure: Failure, message: WorkerMessage, worker: int) -> Raised[Item]:
        common = self._common(worker, message.seconds, message.stderr)
        return Raised(error=failure.error, traceback=failure.traceback, started=message.started, **common)

    def make_rejection(self, error: Exception) -> Raised[Item]:
        """Return the result of an item that cannot be serialized."""
        failure = Failure.of(error)
        common = {**self._common(os.getpid(), 0.0, b""), "attempts": 0}
        return Raised(error=failure.error, traceback=failure.traceback, **common)

    def make_loss(
        self, reason: LossReason, worker: int, exit_code: int, seconds: float, stderr: bytes
    ) -> WorkerLost[Item]:
        """Return the result of a task that its worker died of; the exit code is negative for a signal."""
        return WorkerLost(
            reason=reason,
            signal=signal_name(-exit_code) if exit_code < 0 else None,
            exit_code=None if exit_code < 0 else exit_code,
            **self._common(worker, seconds, stderr),
        )

    def _common(self, worker: int, seconds: float, stderr: bytes | bytearray) -> dict[str, Any]:
        text = stderr.decode(errors="replace")
        return {"item": self.item, "attempts": self.crashes + 1, "worker": worker, "seconds": seconds, "stderr": text}
