"""A supervisor with a fake clock and fake workers: no processes, no waiting."""

import math
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any, cast

from forkresize.pool import PoolOptions, Serializer
from forkresize.pool.backlog import Backlog
from forkresize.pool.inspection import Excess
from forkresize.pool.memory import AdmissionController, Budget
from forkresize.pool.monitor import PoolState
from forkresize.pool.progress import TaskProgress
from forkresize.pool.protocol import MessageType, WorkerMessage
from forkresize.pool.supervisor import Supervisor

TEXT = Serializer(str.encode, lambda data: bytes(data).decode())


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class FakeWorker:
    """A worker whose messages and death are scripted by the test."""

    def __init__(self, pid: int, clock: Clock) -> None:
        self.pid = pid
        self.clock = clock
        self.started: tuple[int, float] = (0, 0.0)
        self.progress: TaskProgress[str] = TaskProgress(SimpleNamespace(read=lambda: self.started))  # type: ignore[arg-type]
        self.tasks = self.progress.tasks
        self.inbox: list[WorkerMessage] = []
        self.messages = SimpleNamespace(eof=False, receive=self.take, drain=self.take, flush=lambda: True)
        self.process = SimpleNamespace(sentinel=object(), kill=self.kill, reap=self.reap)
        self.channel = SimpleNamespace(stderr=SimpleNamespace(read=lambda: b"last words"))
        self.ready = True
        self.removed = self.has_violated_protocol = self.was_killed = self.closed = False
        self.exit_code = -9
        self.granted = self.used = 0

    def take(self) -> list[WorkerMessage]:
        messages, self.inbox = self.inbox, []
        return messages

    def start(self) -> None:
        """Start the first task."""
        self.started = (next(iter(self.tasks)), self.clock.now)

    def send(self, kind: MessageType, payload: bytes = b"", seconds: float = 0.5) -> None:
        """Send a message about the first task."""
        self.inbox.append(WorkerMessage(kind, next(iter(self.tasks), 0), seconds, b"", payload))

    def count_request(self) -> bool:
        return True

    def complete_task(self) -> Any:
        return self.progress.complete_current()

    def reject(self) -> None:
        self.has_violated_protocol = True

    def grant_memory(self) -> None:
        self.progress.end_memory_wait()
        self.granted += 1

    def kill(self) -> None:
        self.was_killed = True

    def reap(self) -> int:
        return self.exit_code

    def close(self) -> None:
        self.closed = True


class FakeSelector:
    """Reports the events that the test has prepared; time passes when there are none."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.events: list[tuple[Any, int]] = []
        self.script: Iterator[Callable[[], object]] = iter(())
        self.registered: dict[Any, Any] = {}

    def select(self, timeout: float) -> list[tuple[Any, int]]:
        if timeout and not self.events:
            action = next(self.script, None)
            if action is None:
                assert timeout < math.inf, "it would wait forever"
                self.clock.now += timeout
            else:
                action()
        events, self.events = self.events, []
        return events

    def get_map(self) -> dict[Any, Any]:
        return self.registered

    def register(self, file: Any, _events: int, data: Any) -> None:
        self.registered[file] = data

    def unregister(self, file: Any) -> None:
        del self.registered[file]


class FakeWorkers:
    """A WorkerSet of fake workers."""

    def __init__(self, size: int, clock: Clock) -> None:
        budget = Budget(1000, size)
        budget.allowance, budget.shared = 0, 1000
        self.memory = AdmissionController(budget)
        self.selector = FakeSelector(clock)
        self.size = size
        self.clock = clock
        self.alive: list[FakeWorker] = []
        self.all: list[FakeWorker] = []
        self.excesses: list[tuple[FakeWorker, Excess]] = []
        self.cleared = False
        self.backlog = Backlog()
        self.pause = 0.0

    def __iter__(self) -> Iterator[FakeWorker]:
        return iter(list(self.alive))

    @property
    def busy(self) -> bool:
        return any(worker.tasks for worker in self.alive)

    def available(self) -> Iterator[FakeWorker | None]:
        while True:
            free = [worker for worker in self.alive if not worker.tasks]
            if free:
                yield free[0]
            elif len(self.alive) < self.size:
                yield None
            else:
                with_room = [worker for worker in self.alive if len(worker.tasks) < 2]
                if not with_room:
                    return
                yield with_room[0]

    def acquire(self) -> FakeWorker | None:
        if not any(not worker.tasks for worker in self.alive) and len(self.alive) < self.size:
            self.alive.append(FakeWorker(100 + len(self.all), self.clock))
            self.all.append(self.alive[-1])
        return next(worker for worker in self.alive if not worker.tasks)

    def assign(self, worker: FakeWorker, task: Any) -> None:
        worker.progress.assign(task)
        # By the fake clock.
        worker.progress.idle_since = self.clock.now

    def flush_all(self) -> None:
        pass

    flush_urgent = flush_all

    def flush(self, worker: FakeWorker) -> None:
        pass

    def update(self, worker: FakeWorker) -> None:
        pass

    def find_excesses(self) -> list[tuple[FakeWorker, Excess]]:
        excesses, self.excesses = self.excesses, []
        return excesses

    def remove(self, worker: FakeWorker) -> None:
        worker.removed = True
        self.memory.release(worker)
        self.alive.remove(worker)

    def clear(self) -> None:
        self.cleared = True
        self.alive.clear()


class Signals:
    def __init__(self) -> None:
        self.first: int | None = None
        self.forced = False
        self.resumed_at = 0.0

    def clear(self) -> None:
        pass

    def wait(self, seconds: float) -> None:
        pass


class Flag:
    def __init__(self) -> None:
        self.value = False

    def __bool__(self) -> bool:
        return self.value

    def set(self) -> None:
        self.value = True


class Bench:
    """A supervisor with everything around it faked."""

    def __init__(self, size: int = 1, **options: Any) -> None:
        self.clock = Clock()
        self.workers = cast("Any", FakeWorkers(size, self.clock))
        self.signals = cast("Any", Signals())
        self.stop = cast("Any", Flag())
        self.state = PoolState(self.stop, self.signals)
        settings = PoolOptions(**{"serializer": TEXT, "task_serializer": TEXT, **options})
        self.ticks: list[float] = []
        self.supervisor: Supervisor[str, str] = Supervisor(
            self.workers, settings, self.state, lambda _: self.ticks.append(self.clock.now), self.clock
        )

    def run(self, items: str, *script: Callable[[], object]) -> list[Any]:
        """Return all results; each step of the script happens when the supervisor would wait."""
        self.workers.selector.script = iter(script)
        return list(self.supervisor.run(items))

    def worker(self, number: int = -1) -> FakeWorker:
        worker: FakeWorker = self.workers.all[number]
        return worker

    def readable(self, worker: FakeWorker) -> None:
        self.workers.selector.events.append((SimpleNamespace(data=worker, fd=object()), 1))

    def complete(self, number: int = -1, result: bytes = b"done") -> None:
        """The worker runs and completes its first task."""
        worker = self.worker(number)
        worker.start()
        worker.send(MessageType.RETURNED, result)
        self.readable(worker)

    def complete_all(self) -> None:
        for number in range(len(self.workers.all)):
            self.complete(number)

    def start(self, number: int = -1) -> None:
        self.worker(number).start()

    def die(self, number: int = -1, exit_code: int = -11) -> None:
        worker = self.worker(number)
        worker.exit_code = exit_code
        self.workers.selector.events.append((SimpleNamespace(data=worker, fd=worker.process.sentinel), 1))

    def send(self, kind: MessageType, payload: bytes = b"") -> None:
        self.worker().send(kind, payload)
        self.readable(self.worker())

    def wait(self, seconds: float) -> None:
        self.clock.now += seconds


def items_of(results: list[Any]) -> list[str]:
    return [result.item for result in results]


class Receiver:
    def __init__(self) -> None:
        self.outcomes: list[Any] = []

    def start(self) -> bool:
        return True

    def finish(self, result: Any) -> None:
        self.outcomes.append(result)

    def abandon(self, error: Exception | None) -> None:
        self.outcomes.append(error)
