"""The supervisor's state machine: who gets which task, when it stops, and what submitted tasks get."""

import math

import pytest

from forkresize.errors import BrokenPoolError
from forkresize.pool import Completed, LossReason, Raised, WorkerLost
from forkresize.pool.protocol import Failure, MessageType, encode_failure
from tests.pool.supervisor_bench import Bench, Receiver, items_of


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


def test_ticks_are_one_interval_apart() -> None:
    bench = Bench(tick=0.2)
    bench.run("a", *[lambda: bench.wait(0.05)] * 40, bench.complete)
    pauses = [later - earlier for earlier, later in zip(bench.ticks, bench.ticks[1:], strict=False)]
    assert len(pauses) >= 8
    assert all(0.2 - 1e-6 <= pause <= 0.26 for pause in pauses)


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
