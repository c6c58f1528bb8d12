"""The supervisor's state machine when workers die, are late or break the rules: which task is blamed, and retried."""

import pytest

from forkresize.errors import BrokenPoolError
from forkresize.pool import Completed, LossReason, WorkerLost
from forkresize.pool.inspection import Excess
from forkresize.pool.protocol import Failure, MessageType, encode_failure, encode_memory_request
from tests.pool.supervisor_bench import Bench, items_of


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


def test_worker_killed_by_a_stop_signal_to_the_group_is_interrupted() -> None:
    bench = Bench(retries=3)

    def signal_group() -> None:
        bench.start()
        bench.signals.first = 15
        bench.stop.set()
        bench.die(exit_code=-15)

    (result,) = bench.run("a", signal_group)
    assert getattr(result, "reason", None) is LossReason.INTERRUPTED
