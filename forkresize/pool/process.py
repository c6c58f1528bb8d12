"""PoolProcess: a Pool whose supervisor runs in a process of its own, for programs with threads or an event loop."""

import itertools
import math
import os
import pickle
import sys
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Executor, Future
from io import FileIO
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from forkresize.pool.call import Call, Convert
from forkresize.pool.dispatcher import Dispatcher
from forkresize.pool.files import MAX_FILES, WithFiles
from forkresize.pool.options import PoolOptions
from forkresize.pool.server import TASK_HEADER, Configuration, PoolStats

if TYPE_CHECKING:
    import asyncio

T = TypeVar("T")

_DEFAULTS = PoolOptions()


def _keep(result: Any) -> Any:
    return result


class PoolProcess(Executor, Generic[T]):
    """A pool of forked workers for programs that must not fork: with threads, or with an event loop.

    The supervisor that forks the workers runs in a process of its own, started as a fresh interpreter at the first
    task. It ends with this process. This process gets one thread, which exchanges tasks and results with it and calls
    the callbacks of futures. All methods may be called from any thread; in asyncio, use ``asyncio.wrap_future``.

    If a worker dies, its task is retried as in a Pool. If the supervisor dies, it is restarted, and the tasks that it
    had are tried once more; those that it has again when it dies a second time fail with a SupervisorLostError.

    A context manager that waits for all tasks when it is left.
    """

    def __init__(
        self,
        work: Callable[[Any], T] | str,
        *,
        options: PoolOptions = _DEFAULTS,
        initializer: Callable[[], object] | str | None = None,
        preload: Callable[[], object] | str | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        """Create a pool; no process is started before the first task.

        Functions are given as ``package.module:function`` or as values that can be pickled. They are imported in the
        supervisor's process, so they may not be defined in ``__main__``.

        Args:
            work: called in a worker with each task.
            options: as of a Pool. The serializers run in this process and in the workers.
            initializer: called in each worker before its first task.
            preload: called once in the supervisor's process; what it loads is shared by all workers.
            environment: variables of the supervisor's process and its workers; None for those of this process.
        """
        self._options = options
        settings = pickle.dumps((work, initializer, preload, options))
        self._dispatcher = Dispatcher(Configuration(list(sys.path), settings), options.serializer, environment)
        self._numbers = itertools.count(1)
        self._lock = threading.Lock()

    def serve_in(self, loop: "asyncio.AbstractEventLoop") -> None:
        """Exchange tasks and results in an event loop, and not in a thread; to be called before the first task.

        Callbacks of futures are called in the loop, which has to run until the pool has ended. Tasks may still be
        submitted from any thread.
        """
        self._dispatcher.serve_in(loop)

    def submit(self, task: Any, /, *, timeout: float | None = None) -> "Future[T]":  # type: ignore[override]
        """Add a task; return the future of its result.

        The future's exception is a TaskError if the task fails, a BrokenPoolError if the pool cannot run any, a
        SupervisorLostError if the supervisor died twice while it had the task, and ``CancelledError`` if the task was
        not started before ``PoolOptions.stop_after``. A future can be cancelled until its task is sent.

        Args:
            task: what the work function is called with. If it is a WithFiles, its files may be closed when this
                returns.
            timeout: seconds it may take; None for that of the options.

        Raises:
            BrokenPoolError: the pool cannot run tasks.
            RuntimeError: the pool is shut down.
            Exception: the task cannot be serialized.
        """
        future: Future[T] = self._submit(task, timeout, None, None)
        return future

    def submit_task(
        self,
        task: Any,
        /,
        *,
        timeout: float | None = None,
        retries: int | None = None,
        convert: Convert = _keep,
    ) -> "Future[Any]":
        """Add a task; return the future of its TaskResult, without its item, or of what that is converted to.

        It has the worker, the seconds and the standard error as well, and a task that fails is not an exception. The
        future's exceptions are otherwise those of ``submit``.

        Args:
            task: see ``submit``.
            timeout: see ``submit``; ``math.inf`` for no limit.
            retries: how often it is tried again if its worker dies; None for as often as the options say.
            convert: called with the TaskResult, or with a SupervisorLostError, where results are received; returns what
                the future gets: its exception if it is that error.

        Raises:
            BrokenPoolError: the pool cannot run tasks.
            RuntimeError: the pool is shut down.
            Exception: the task cannot be serialized.
        """
        return self._submit(task, timeout, retries, convert)

    def _submit(self, task: Any, timeout: float | None, retries: int | None, convert: Convert | None) -> "Future[Any]":
        value, files = (task.value, task.files) if isinstance(task, WithFiles) else (task, ())
        if len(files) > MAX_FILES:
            raise ValueError(f"{len(files)} files with one task, more than {MAX_FILES}")
        data = self._options.task_serializer.encode(value)
        number = next(self._numbers)
        limits = math.nan if timeout is None else timeout, -1 if retries is None else retries
        payload = TASK_HEADER.pack(number, *limits) + data
        copies = tuple(FileIO(os.dup(file.fileno())) for file in files)
        call = Call(number, task, payload, copies, Future(), convert)
        try:
            self._dispatcher.add(call)
        except BaseException:
            call.close()
            raise
        return call.future

    def map(self, tasks: Iterable[Any], /, *, timeout: float | None = None) -> Iterator[T]:  # type: ignore[override]
        """Submit all tasks; yield their results in order.

        Raises:
            Exception: the exception of the first task that failed.
        """
        futures = [self.submit(task, timeout=timeout) for task in tasks]
        return (future.result() for future in futures)

    @property
    def supervisor_pid(self) -> int | None:
        """Process id of the supervisor; None while there is none."""
        return self._dispatcher.supervisor_pid

    def start(self) -> None:
        """Start the supervisor's process before the first task, without waiting for it."""
        self._dispatcher.start()

    @property
    def stats(self) -> PoolStats:
        """The workers and what they took, as of the supervisor's last message; empty before the first one."""
        return self._dispatcher.stats

    def terminate(self) -> None:
        """End the processes at once. The futures of all tasks that are not done fail with a BrokenPoolError."""
        self._dispatcher.terminate()
        self._dispatcher.join()

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Accept no more tasks, and end the processes when all are done."""
        self._dispatcher.close(cancel_futures=cancel_futures)
        if wait:
            self._dispatcher.join()
