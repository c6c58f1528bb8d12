"""What exchanges tasks and results with a supervisor's process, and restarts it: Dispatcher."""

import contextlib
import pickle
import reprlib
import selectors
import socket
import threading
from collections import deque
from collections.abc import Mapping
from io import FileIO
from typing import TYPE_CHECKING

from msgspec.structs import replace

from forkresize.errors import BrokenPoolError
from forkresize.pool.call import Call
from forkresize.pool.files import WithFiles, close_all
from forkresize.pool.future import abandon
from forkresize.pool.options import Serializer
from forkresize.pool.result import Completed, SupervisorLostError
from forkresize.pool.runner import Runner, ThreadRunner
from forkresize.pool.server import DECODER, Broken, Configuration, PoolStats, Ready, Reply
from forkresize.pool.supervisor_process import SupervisorProcess

if TYPE_CHECKING:
    import asyncio

_AHEAD = 2
"""Tasks per worker that the supervisor has at most: one that runs and one that is next."""

_MAX_LOSSES = 1
"""How often a task may be in progress when the supervisor dies, and is tried again."""

_MAX_START_FAILURES = 3


class Dispatcher:
    """Runs calls by a supervisor's process, in a thread of its own from the first call until after close()."""

    def __init__(
        self, configuration: Configuration, results: Serializer, environment: Mapping[str, str] | None = None
    ) -> None:
        """Create a dispatcher; nothing is started."""
        self._environment = environment
        self.stats = PoolStats()  # Of the supervisor's pool, as of its last message.
        self._configuration = pickle.dumps(configuration)
        self._results = results
        self._lock = threading.Lock()
        # Shared with other threads, under the lock.
        self._waiting: deque[Call] = deque()
        self._closing = False
        self._terminating = False
        self._is_wanted = False
        self._error: BrokenPoolError | None = None
        self._runner: Runner = ThreadRunner(self)
        self._wake_reader, self._wake_writer = socket.socketpair()
        self._wake_writer.setblocking(False)
        # Used by the runner only.
        self._selector: selectors.DefaultSelector | None = None
        self._in_flight: dict[int, Call] = {}
        self._supervisor: SupervisorProcess | None = None
        self._start_failures = 0

    @property
    def supervisor_pid(self) -> int | None:
        """Process id of the supervisor; None while there is none."""
        supervisor = self._supervisor
        return None if supervisor is None else supervisor.process.pid

    def serve_in(self, loop: "asyncio.AbstractEventLoop") -> None:
        """Run in an event loop in place of a thread; to be called before the first call.

        Raises:
            RuntimeError: it runs in a thread by now.
        """
        if self._runner.is_started:
            raise RuntimeError("the pool is in use: serve it in an event loop before its first task")
        from forkresize.pool.loop_runner import LoopRunner

        self._runner = LoopRunner(self, loop)

    def add(self, call: Call) -> None:
        """Run a call.

        Raises:
            BrokenPoolError: no call can be run.
            RuntimeError: the dispatcher is closed.
        """
        with self._lock:
            if self._error is not None:
                raise BrokenPoolError(str(self._error))
            if self._closing:
                raise RuntimeError("cannot submit a task after shutdown")
            self._waiting.append(call)
            self._runner.start()
        self._runner.wake()

    def start(self) -> None:
        """Start the supervisor, if there was no call yet, without waiting for it."""
        with self._lock:
            if self._closing:
                return
            self._is_wanted = True
            self._runner.start()
        self._runner.wake()

    def close(self, *, cancel_futures: bool) -> None:
        """Accept no more calls; the runner ends when all are done."""
        with self._lock:
            self._closing = True
            cancelled, kept = list[Call](), deque[Call]()
            for call in self._waiting:
                (cancelled if cancel_futures and not call.losses else kept).append(call)
            self._waiting = kept
            if not self._runner.is_started:
                self._close_wake()
        for call in cancelled:
            call.close()
            abandon(call.future, None)
        self._runner.wake()

    def terminate(self) -> None:
        """End the processes at once, and fail all calls with a BrokenPoolError."""
        with self._lock:
            self._closing = self._terminating = True
            if not self._runner.is_started:
                self._close_wake()
        self._runner.wake()

    def join(self) -> None:
        """Wait for the runner to end."""
        self._runner.join()

    # What the runner does with it: see Exchange.

    def wake(self) -> None:
        """End a wait."""
        with self._lock, contextlib.suppress(BlockingIOError):  # It has not yet noticed the last ones.
            if self._wake_writer.fileno() >= 0:
                self._wake_writer.send(b"w")

    def _close_wake(self) -> None:
        self._wake_reader.close()
        self._wake_writer.close()

    def fileno(self) -> int:
        """Return a descriptor that is readable when there is something to receive."""
        return self._open_selector().fileno()

    def _open_selector(self) -> selectors.DefaultSelector:
        if self._selector is None:
            self._selector = selectors.DefaultSelector()
            self._selector.register(self._wake_reader, selectors.EVENT_READ)
        return self._selector

    def end(self, error: BaseException | None) -> None:
        """End all."""
        try:
            if error is not None:
                self._break(BrokenPoolError(f"the pool's exchange with its supervisor failed: {error!r}"))
            if self._terminating:
                self._break(BrokenPoolError("the pool was terminated"))
            self._stop_supervisor(kill=self._terminating or error is not None)
        finally:
            with self._lock:
                self._closing = True
                self._close_wake()
            if self._selector is not None:
                self._selector.close()

    def send(self) -> bool:
        """Start the supervisor if it is needed, and send what it has room for; return False when all is done."""
        if self._is_done():
            return False
        with self._lock:
            is_needed = self._is_wanted or bool(self._waiting)
            self._is_wanted = False
        if self._supervisor is None and is_needed:
            self._start_supervisor()
        supervisor = self._supervisor
        while supervisor is not None and len(self._in_flight) < supervisor.capacity:
            with self._lock:
                call = self._waiting.popleft() if self._waiting else None
            if call is None:
                break
            # A future that is tried again is running already.
            if not call.losses and not call.future.set_running_or_notify_cancel():
                call.close()
                continue
            self._in_flight[call.number] = call
            supervisor.connection.send(call.payload, call.files)
        self._flush()
        # Calls that were cancelled while they waited are dropped now; no message follows that ends the wait for events.
        return not self._is_done()

    def _is_done(self) -> bool:
        with self._lock:
            return self._terminating or (self._closing and not self._waiting and not self._in_flight)

    def _flush(self) -> None:
        if self._supervisor is not None:
            done = self._supervisor.connection.flush()
            events = selectors.EVENT_READ | (0 if done else selectors.EVENT_WRITE)
            selector = self._open_selector()
            if events != selector.get_key(self._supervisor.connection).events:
                selector.modify(self._supervisor.connection, events)

    def receive(self, timeout: float | None) -> None:
        """Handle what has come."""
        for key, events in self._open_selector().select(timeout):
            if key.fileobj is self._wake_reader:
                self._wake_reader.recv(4096)
            elif events & selectors.EVENT_READ and self._supervisor is not None:
                for payload, files in self._supervisor.connection.receive():
                    self._handle_message(DECODER.decode(payload), files)
        if self._supervisor is not None and self._supervisor.connection.eof:
            self._on_supervisor_lost()

    def _handle_message(self, message: Ready | Reply | Broken, files: tuple[FileIO, ...]) -> None:
        if isinstance(message, Broken):
            self._break(BrokenPoolError(message.error))
        elif isinstance(message, Reply):
            call = self._in_flight.pop(message.number)
            call.close()
            self.stats = message.stats
            self._resolve(call, message, files)
        elif self._supervisor is not None:
            self._supervisor.capacity = _AHEAD * message.stats.workers
            self._start_failures = 0
            self.stats = message.stats

    def _resolve(self, call: Call, reply: Reply, files: tuple[FileIO, ...]) -> None:
        result = reply.result
        if result is None:
            abandon(call.future, None)
        elif not isinstance(result, Completed):
            call.finish(result)
        else:
            try:
                value = self._results.decode(result.result)
            except Exception as error:  # noqa: BLE001  A worker may send anything.
                close_all(files)
                call.future.set_exception(error)
            else:
                call.finish(replace(result, result=WithFiles(value, files) if files else value))

    def _start_supervisor(self) -> None:
        try:
            self._supervisor = SupervisorProcess(self._configuration, self._results.max_bytes, self._environment)
        except OSError as error:
            self._break(BrokenPoolError(f"the supervisor's process cannot be started: {error}"))
        else:
            self._open_selector().register(self._supervisor.connection, selectors.EVENT_READ)

    def _stop_supervisor(self, *, kill: bool = False) -> int | None:
        """Stop or kill the supervisor, if there is one; return its exit code."""
        supervisor, self._supervisor = self._supervisor, None
        if supervisor is None:
            return None
        self._open_selector().unregister(supervisor.connection)
        if kill:
            supervisor.process.kill()
        return supervisor.stop()

    def _on_supervisor_lost(self) -> None:
        was_ready = self._supervisor is not None and self._supervisor.capacity > 0
        # One that lives cannot be used without its connection, and an event loop must not wait for its end.
        exit_code = self._stop_supervisor(kill=was_ready)
        if not was_ready:
            self._start_failures += 1
            if self._start_failures >= _MAX_START_FAILURES:
                self._break(BrokenPoolError(f"the supervisor's process died at its start, with exit code {exit_code}"))
        again = []
        for call in self._in_flight.values():
            call.losses += 1
            if call.losses <= _MAX_LOSSES:
                again.append(call)
                continue
            call.close()
            text = f"the supervisor died {call.losses} times while it had the task {reprlib.repr(call.task)}"
            call.finish(SupervisorLostError(text, call.task))
        self._in_flight.clear()
        with self._lock:
            self._waiting.extendleft(reversed(again))

    def _break(self, error: BrokenPoolError) -> None:
        """Fail all calls, now and later."""
        with self._lock:
            self._error = self._error or error
            calls = [*self._in_flight.values(), *self._waiting]
            self._waiting.clear()
            self._in_flight.clear()
        for call in calls:
            call.close()
            abandon(call.future, error)
