"""The supervisor's state machine, with a fake clock and fake workers: no processes, no waiting."""

import math
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any, cast

import pytest

from forkresize.errors import BrokenPoolError
from forkresize.pool import Completed, LossReason, PoolOptions, Raised, Serializer, WorkerLost
from forkresize.pool.backlog import Backlog
from forkresize.pool.inspection import Excess
from forkresize.pool.memory import AdmissionController, Budget
from forkresize.pool.monitor import PoolState
from forkresize.pool.progress import TaskProgress
from forkresize.pool.protocol import (
    Failure,
    MessageType,
    WorkerMessage,
    encode_failure,
    encode_memory_request,
)
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


def test_each_item_has_one_result_in_the_order_of_completion() -> None:
    bench = Bench(size=2)
    results = bench.run("abc", lambda: bench.complete(1), lambda: bench.complete(0), lambda: bench.complete(0))
    assert items_of(results) == ["b", "a", "c"]
    assert all(isinstance(result, Completed) and result.result == "done" for result in results)
    assert bench.state.busy_seconds == 1.5


def test_workers_get_at_most_two_tasks_each() -> None:
    bench = Bench(size=2)
    held: list[int] = []

    def look() -> None:
        held.extend(len(worker.tasks) for worker in bench.workers)
        bench.complete(0)

    bench.run("abcdef", look, *[lambda: bench.complete(0)] * 3, *[lambda: bench.complete(1)] * 2)
    assert held == [2, 2]


def test_started_task_of_a_dead_worker_is_retried_alone_and_the_next_one_requeued() -> None:
    bench = Bench(retries=1)
    results = bench.run(
        "abc",
        bench.start,
        bench.die,
        bench.complete,  # b
        bench.complete,  # c
        lambda: bench.complete(result=b"again"),
    )
    assert items_of(results) == ["b", "c", "a"]
    assert [result.attempts for result in results] == [1, 1, 2]
    assert bench.state.workers_lost == 1


def test_task_whose_retries_are_used_up_is_lost_with_the_signal() -> None:
    bench = Bench(retries=0)
    (result,) = bench.run("a", bench.start, bench.die)
    assert isinstance(result, WorkerLost)
    assert (result.reason, result.signal, result.stderr) == (LossReason.CRASHED, "SIGSEGV", "last words")


def test_idle_death_costs_no_task() -> None:
    bench = Bench(retries=0)

    results = bench.run("ab", bench.complete, bench.die, bench.complete)
    assert [type(result) for result in results] == [Completed, Completed]
    assert bench.state.workers_lost == 1


def test_message_sent_before_death_counts() -> None:
    bench = Bench(retries=0)

    def complete_and_die() -> None:
        worker = bench.worker()
        worker.start()
        worker.send(MessageType.RETURNED, b"last")
        bench.die()

    (result,) = bench.run("a", complete_and_die)
    assert isinstance(result, Completed)
    assert result.result == "last"


def test_overdue_task_is_killed_and_not_retried() -> None:
    bench = Bench(timeout=5, retries=3)
    results = bench.run("ab", bench.start, lambda: bench.wait(5.1), bench.complete)
    assert [getattr(result, "reason", None) for result in results] == [LossReason.TIMED_OUT, None]
    assert bench.worker(0).was_killed
    assert bench.worker(0).closed


def test_task_that_is_not_started_gets_a_grace_period_and_is_requeued_then() -> None:
    bench = Bench(timeout=5)
    began = bench.clock.now
    (result,) = bench.run("a", lambda: bench.wait(5.1), lambda: bench.wait(4), lambda: bench.wait(6), bench.complete)
    assert isinstance(result, Completed)
    assert bench.worker(0).was_killed
    assert bench.clock.now - began >= 15


def test_result_that_arrives_at_the_deadline_counts() -> None:
    bench = Bench(timeout=5)

    def finish_late() -> None:
        bench.worker().send(MessageType.RETURNED, b"late")
        bench.wait(5.1)

    (result,) = bench.run("a", bench.start, finish_late)
    assert isinstance(result, Completed)
    assert not bench.worker().was_killed


def test_time_before_the_process_resumed_does_not_count() -> None:
    bench = Bench(timeout=5)

    def resume() -> None:
        bench.wait(60)
        bench.signals.resumed_at = bench.clock.now

    results = bench.run("a", bench.start, resume, lambda: bench.wait(4), bench.complete)
    assert isinstance(results[0], Completed)


def test_waiting_for_memory_is_not_overdue(monkeypatch: pytest.MonkeyPatch) -> None:
    bench = Bench(size=2, timeout=5)
    monkeypatch.setattr("forkresize.pool.progress.time.monotonic", bench.clock)

    def reserve(number: int) -> None:
        worker = bench.worker(number)
        worker.start()
        worker.send(MessageType.RESERVE_MEMORY, encode_memory_request(800))
        bench.readable(worker)

    granted: list[int] = []
    results = bench.run(
        "ab",
        lambda: reserve(0),
        lambda: reserve(1),
        lambda: bench.wait(4),
        lambda: granted.append(bench.worker(1).granted),
        lambda: bench.complete(0),
        lambda: bench.wait(4),
        lambda: granted.append(bench.worker(1).granted),
        lambda: bench.complete(1),
    )
    assert [type(result) for result in results] == [Completed, Completed]
    assert granted == [0, 1]


@pytest.mark.parametrize("limit", ["protocol", "stderr"])
def test_protocol_violation_and_stderr_flood_cost_the_current_task_alone(limit: str) -> None:
    bench = Bench(retries=3)

    def violate() -> None:
        bench.start()
        if limit == "stderr":
            bench.workers.excesses.append((bench.worker(), Excess(LossReason.PROTOCOL_VIOLATION, "wrote too much")))
            bench.wait(0.6)
        else:
            bench.worker().has_violated_protocol = True
            bench.readable(bench.worker())

    results = bench.run("ab", violate, bench.complete)
    assert getattr(results[0], "reason", None) is LossReason.PROTOCOL_VIOLATION
    assert isinstance(results[1], Completed)


@pytest.mark.parametrize("times", [1, 2])
def test_task_whose_worker_used_too_much_memory_is_retried_once_and_alone(times: int) -> None:
    bench = Bench(size=2)

    def use_too_much() -> None:
        worker = next(each for each in bench.workers.alive if any(task.item == "a" for task in each.tasks.values()))
        worker.start()
        bench.workers.excesses.append((worker, Excess(LossReason.MEMORY_LIMIT, "used 2 MB, its share is 1 MB")))
        bench.wait(0.6)

    script = [use_too_much, lambda: bench.complete(1), use_too_much if times == 2 else bench.complete]
    results = {result.item: result for result in bench.run("ab", *script)}
    assert isinstance(results["b"], Completed)
    assert results["a"].attempts == 2
    if times == 1:
        assert isinstance(results["a"], Completed)
    else:
        assert results["a"].reason is LossReason.MEMORY_LIMIT
        assert results["a"].describe() == "used 2 MB, its share is 1 MB"


def test_worker_that_violates_the_protocol_unstarted_is_blamed_for_its_first_task() -> None:
    bench = Bench()

    def violate() -> None:
        bench.worker().has_violated_protocol = True
        bench.readable(bench.worker())

    (result,) = bench.run("a", violate)
    assert getattr(result, "reason", None) is LossReason.PROTOCOL_VIOLATION


def test_task_with_which_20_workers_died_unstarted_is_blamed() -> None:
    bench = Bench(retries=0)
    (result,) = bench.run("a", *[bench.die] * 21)
    assert isinstance(result, WorkerLost)
    assert bench.state.workers_lost == 21


def test_workers_that_die_before_they_are_ready_break_the_pool() -> None:
    bench = Bench()

    def die_early() -> None:
        bench.worker().ready = False
        bench.die(exit_code=3)

    with pytest.raises(BrokenPoolError, match=r"4 workers in a row died .* exit code 3: last words"):
        bench.run("a", *[die_early] * 4)
    assert bench.workers.cleared


def test_failed_initializer_breaks_the_pool() -> None:
    bench = Bench()
    payload = encode_failure(Failure("ValueError: no", "Traceback"))
    with pytest.raises(BrokenPoolError, match=r"initializer raised ValueError: no\nTraceback"):
        bench.run("a", lambda: bench.send(MessageType.INIT_FAILED, payload))


def test_ready_message_makes_a_worker_ready() -> None:
    bench = Bench()

    def become_ready() -> None:
        bench.worker().ready = False
        bench.send(MessageType.READY)

    bench.run("a", become_ready, bench.complete)
    assert bench.worker().ready


def test_raised_message_is_a_result() -> None:
    bench = Bench()
    payload = encode_failure(Failure("ValueError: no", "Traceback"))
    (result,) = bench.run("a", lambda: bench.send(MessageType.RAISED, payload))
    assert isinstance(result, Raised)
    assert result.error == "ValueError: no"


def test_stop_lets_running_tasks_finish_and_leaves_the_others_without_result() -> None:
    bench = Bench()

    def refuse() -> None:
        bench.send(MessageType.NOT_STARTED)

    results = bench.run("abc", bench.stop.set, bench.complete, refuse)
    assert items_of(results) == ["a"]


def test_retry_that_waits_when_the_pool_stops_has_its_loss_as_result() -> None:
    bench = Bench(retries=5)
    results = bench.run("abc", bench.start, bench.die, bench.stop.set, bench.complete, bench.complete)
    assert [type(result) for result in results] == [WorkerLost, Completed, Completed]


def test_pool_stops_after_its_time() -> None:
    bench = Bench(stop_after=10)
    results = bench.run("abc", bench.start, lambda: bench.wait(11), bench.complete, bench.complete)
    assert items_of(results) == ["a", "b"]
    assert bench.stop


def test_second_stop_signal_interrupts_workers_that_have_tasks() -> None:
    bench = Bench(size=2)

    def force() -> None:
        bench.start(0)
        bench.signals.first, bench.signals.forced = 2, True
        bench.stop.set()

    (result,) = bench.run("a", force)
    assert getattr(result, "reason", None) is LossReason.INTERRUPTED


def test_worker_killed_by_a_stop_signal_to_the_group_is_interrupted() -> None:
    bench = Bench(retries=3)

    def signal_group() -> None:
        bench.start()
        bench.signals.first = 15
        bench.stop.set()
        bench.die(exit_code=-15)

    (result,) = bench.run("a", signal_group)
    assert getattr(result, "reason", None) is LossReason.INTERRUPTED


def test_ticks_are_one_interval_apart() -> None:
    bench = Bench(tick=0.2)
    bench.run("a", *[lambda: bench.wait(0.05)] * 40, bench.complete)
    pauses = [later - earlier for earlier, later in zip(bench.ticks, bench.ticks[1:], strict=False)]
    assert len(pauses) >= 8
    assert all(0.2 - 1e-6 <= pause <= 0.26 for pause in pauses)


class Receiver:
    def __init__(self) -> None:
        self.outcomes: list[Any] = []

    def start(self) -> bool:
        return True

    def finish(self, result: Any) -> None:
        self.outcomes.append(result)

    def abandon(self, error: Exception | None) -> None:
        self.outcomes.append(error)


def test_own_timeout_of_a_submitted_task_is_its_deadline() -> None:
    bench = Bench(size=2, timeout=60)
    hurried, patient = Receiver(), Receiver()
    bench.supervisor.submit("a", 2.0, hurried)
    bench.supervisor.submit("b", None, patient)
    bench.workers.selector.script = iter([lambda: bench.start(0), lambda: bench.start(1)])
    began = bench.clock.now
    while not hurried.outcomes:
        bench.supervisor.poll(math.inf)
    assert hurried.outcomes[0].reason is LossReason.TIMED_OUT
    assert bench.clock.now - began < 3
    assert not patient.outcomes


def test_submitted_task_is_retried_next_and_not_alone() -> None:
    bench = Bench(retries=1)
    receivers = {item: Receiver() for item in "abc"}
    for item, receiver in receivers.items():
        bench.supervisor.submit(item, None, receiver)
    bench.workers.selector.script = iter([bench.start, bench.die, bench.complete])
    for _ in range(3):
        bench.supervisor.poll(math.inf)
    assert [len(receiver.outcomes) for receiver in receivers.values()] == [1, 0, 0]
    assert receivers["a"].outcomes[0].attempts == 2


def test_abandoned_tasks_have_the_error() -> None:
    bench = Bench()
    receivers = [Receiver() for _ in range(4)]
    for receiver in receivers:
        bench.supervisor.submit("x", None, receiver)
    bench.supervisor.poll(0)
    error = BrokenPoolError("closed")
    bench.supervisor.abandon(error)
    assert [receiver.outcomes for receiver in receivers] == [[error]] * 4


def test_result_that_arrives_as_the_pool_breaks_reaches_its_receiver() -> None:
    bench = Bench(size=2)
    done, failed = Receiver(), Receiver()
    bench.supervisor.submit("a", None, done)
    bench.supervisor.submit("b", None, failed)
    bench.supervisor.poll(0)
    bench.complete(0)
    bench.worker(1).ready = False
    bench.worker(1).send(MessageType.INIT_FAILED, encode_failure(Failure("ValueError: no", "")))
    bench.readable(bench.worker(1))
    with pytest.raises(BrokenPoolError):
        bench.supervisor.poll(0)
    assert [type(outcome) for outcome in done.outcomes] == [Completed]
    assert [type(outcome) for outcome in failed.outcomes] == [BrokenPoolError]


def test_result_is_yielded_even_if_the_consumer_stops_the_pool() -> None:
    bench = Bench(size=2)
    bench.workers.selector.script = iter([bench.complete_all])
    results = bench.supervisor.run("ab")
    first = next(results)
    bench.stop.set()
    assert sorted([first.item, *(result.item for result in results)]) == ["a", "b"]
