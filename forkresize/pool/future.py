"""The future of a task of a Pool: PoolFuture. It works on the pool while it is waited for."""

import time
from collections.abc import Callable
from concurrent.futures import CancelledError, Future
from typing import Any, TypeVar

from forkresize.pool.result import Completed, Raised, TaskError, TaskResult, WorkerLostError

T = TypeVar("T")


def resolve(future: Future[T], result: TaskResult[Any, T]) -> None:
    """Give a running future the result of its task, or the exception that it means."""
    if isinstance(result, Completed):
        future.set_result(result.result)
    elif isinstance(result, Raised):
        future.set_exception(TaskError(result.error, result))
    else:
        future.set_exception(WorkerLostError(result.describe(), result))


def abandon(future: Future[Any], error: Exception | None) -> None:
    """Cancel a future or, with an error, make that its exception; it may be running."""
    if error is None and future.cancel():
        future.set_running_or_notify_cancel()
        return
    if future.running() or future.set_running_or_notify_cancel():
        future.set_exception(error or CancelledError())


class PoolFuture(Future[T]):
    """A future whose ``result()`` and ``exception()`` run the pool, which has no thread of its own.

    ``concurrent.futures.wait`` and ``as_completed`` do not run it.
    """

    def __init__(self, poll: Callable[[float | None], object]) -> None:
        """Create a future."""
        super().__init__()
        self._poll = poll

    def result(self, timeout: float | None = None) -> T:
        """Return the result, working on the pool until it is there.

        Raises:
            TimeoutError: it is not there after this many seconds.
        """
        self._run_pool(timeout)
        return super().result(0)

    def exception(self, timeout: float | None = None) -> BaseException | None:
        """Return the exception, None if the task completed, working on the pool until it is done.

        Raises:
            TimeoutError: it is not done after this many seconds.
        """
        self._run_pool(timeout)
        return super().exception(0)

    def _run_pool(self, timeout: float | None) -> None:
        deadline = None if timeout is None else time.monotonic() + timeout
        while not self.done():
            left = None if deadline is None else deadline - time.monotonic()
            if left is not None and left <= 0:
                return
            self._poll(left)

    # What a Receiver does.
    start = Future.set_running_or_notify_cancel
    finish = resolve
    abandon = abandon
