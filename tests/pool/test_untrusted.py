"""A worker that is taken over by its input costs its current task, and no other."""

import contextlib
import gc
import pickle
import time
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from forkresize.pool import Completed, LossReason, TaskResult, WorkerLost
from forkresize.pool.protocol import (
    Failure,
    MessageType,
    WorkerMessage,
    encode_failure,
    encode_memory_request,
    encode_message,
)
from forkresize.pool.shared import CurrentTask
from forkresize.pool.stderr import CAPTURED_BYTES

TASKS = 40
VICTIM = 10

pytestmark = [pytest.mark.timeout(60), pytest.mark.slow]

Run = Callable[..., list[TaskResult[Any, Any]]]


def all_but_the_victim_are_done(results: list[TaskResult[Any, Any]]) -> bool:
    others = [result for result in results if result.item != VICTIM]
    return [(a.item, a.result) for a in others if isinstance(a, Completed)] == [
        (number, number * 2) for number in range(TASKS) if number != VICTIM
    ]


needs_proc = pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="finds the socket by /proc")


FORGED = {
    "result of a task that it does not have": (MessageType.RETURNED, 999),
    "result of its next task": (MessageType.RETURNED, VICTIM + 2),
    "NOT_STARTED although the pool was not stopped": (MessageType.NOT_STARTED, VICTIM + 1),
    "INIT_FAILED although it was ready": (MessageType.INIT_FAILED, 0),
    "request for a file of its next task": (MessageType.OPEN_FILE, VICTIM + 2),
    "request for memory of its next task": (MessageType.RESERVE_MEMORY, VICTIM + 2),
}


@needs_proc
@pytest.mark.parametrize("forged", FORGED)
def test_message_about_another_task_costs_only_the_current_task(forged: str, run: Run, faults: ModuleType) -> None:
    def forge_and_hang() -> None:
        for current in current_tasks():
            current.set(VICTIM + 2)
        kind, number = FORGED[forged]
        faults.write_to_the_pool(encode_message(WorkerMessage(kind, number, 0.0, b"", pickle.dumps(7))))
        faults.hang()

    results = run(faults.At(VICTIM, forge_and_hang), range(TASKS), workers=1)
    assert getattr(results[VICTIM], "reason", None) is LossReason.PROTOCOL_VIOLATION
    assert all_but_the_victim_are_done(results)


def current_tasks() -> list[CurrentTask]:
    found = []
    for current in [each for each in gc.get_objects() if isinstance(each, CurrentTask)]:
        with contextlib.suppress(ValueError):
            current.read()
            found.append(current)
    return found


@needs_proc
def test_worker_that_requests_memory_endlessly_is_killed_at_its_deadline(run: Run, faults: ModuleType) -> None:
    def ask_without_end() -> None:
        while True:
            faults.write_to_the_pool(
                encode_message(
                    WorkerMessage(MessageType.RESERVE_MEMORY, VICTIM + 1, 0.0, b"", encode_memory_request(1 << 20))
                )
            )
            time.sleep(0.01)

    results = run(faults.At(VICTIM, ask_without_end), range(TASKS), workers=1, timeout=0.5)
    assert getattr(results[VICTIM], "reason", None) is LossReason.TIMED_OUT
    assert all_but_the_victim_are_done(results)


@needs_proc
def test_impossible_duration_is_a_protocol_violation(run: Run, faults: ModuleType) -> None:
    for seconds in (-1.0, 1e300):

        def lie(seconds: float = seconds) -> None:
            faults.write_to_the_pool(
                encode_message(WorkerMessage(MessageType.RETURNED, VICTIM + 1, seconds, b"", pickle.dumps(7)))
            )
            faults.hang()

        results = run(faults.At(VICTIM, lie), range(TASKS), workers=1)
        assert getattr(results[VICTIM], "reason", None) is LossReason.PROTOCOL_VIOLATION
        assert all_but_the_victim_are_done(results)


@needs_proc
@pytest.mark.parametrize(
    "fault", ["announce_a_payload_without_end", "announce_standard_error_without_end", "write_without_end"]
)
def test_protocol_violation_costs_only_the_current_task(fault: str, run: Run, faults: ModuleType) -> None:
    results = run(faults.At(VICTIM, getattr(faults, fault)), range(TASKS))
    victim = results[VICTIM]
    assert isinstance(victim, WorkerLost)
    assert (victim.reason, victim.signal, victim.attempts) == (LossReason.PROTOCOL_VIOLATION, "SIGKILL", 1)
    assert all_but_the_victim_are_done(results)


@needs_proc
def test_worker_that_forges_its_current_task_is_blamed_for_the_assigned_one(run: Run, faults: ModuleType) -> None:
    def hide_and_lie() -> None:
        current = next(each for each in gc.get_objects() if isinstance(each, CurrentTask))
        current.set(999)
        faults.announce_a_payload_without_end()

    results = run(faults.At(VICTIM, hide_and_lie), range(TASKS), workers=1)
    assert getattr(results[VICTIM], "reason", None) is LossReason.PROTOCOL_VIOLATION
    assert all_but_the_victim_are_done(results)


def test_task_whose_workers_always_claim_not_to_have_started_it_is_blamed_eventually(
    run: Run, faults: ModuleType
) -> None:
    def hide_and_die() -> None:
        for current in [each for each in gc.get_objects() if isinstance(each, CurrentTask)]:
            with contextlib.suppress(ValueError):
                current.set(999)
        faults.kill_itself()

    results = run(faults.At(VICTIM, hide_and_die), range(TASKS), workers=1, retries=0)
    assert getattr(results[VICTIM], "reason", None) is LossReason.CRASHED
    assert all_but_the_victim_are_done(results)


@needs_proc
@pytest.mark.parametrize("then", ["sends nothing", "sends INIT_FAILED", "sends READY"])
def test_worker_taken_over_by_its_first_task_does_not_break_the_pool(then: str, run: Run, faults: ModuleType) -> None:
    forged = {"sends INIT_FAILED": MessageType.INIT_FAILED, "sends READY": MessageType.READY}

    def die_as_if_not_started() -> None:
        for current in current_tasks():
            current.set(0)
        if then in forged:
            failure = encode_failure(Failure.of(ValueError("no")))
            faults.write_to_the_pool(encode_message(WorkerMessage(forged[then], 0, 0.0, b"", failure)))
        faults.kill_itself()

    results = run(
        faults.At(VICTIM, die_as_if_not_started),
        [VICTIM, *range(VICTIM), *range(VICTIM + 1, TASKS)],
        workers=1,
        retries=0,
    )
    fault = LossReason.PROTOCOL_VIOLATION if then in forged else LossReason.CRASHED
    assert [getattr(result, "reason", None) for result in results if result.item == VICTIM] == [fault]
    assert all_but_the_victim_are_done(results)


def test_worker_that_floods_standard_error_is_killed(run: Run, faults: ModuleType) -> None:
    results = run(faults.At(VICTIM, faults.flood_standard_error), range(TASKS))
    victim = results[VICTIM]
    assert isinstance(victim, WorkerLost)
    assert victim.reason is LossReason.PROTOCOL_VIOLATION
    assert len(victim.stderr) <= CAPTURED_BYTES
    assert all_but_the_victim_are_done(results)


@needs_proc
def test_worker_that_never_stops_sending_is_killed(run: Run, faults: ModuleType) -> None:
    results = run(faults.At(VICTIM, faults.send_results_of_unknown_tasks_without_end), range(TASKS), timeout=1)
    assert getattr(results[VICTIM], "reason", None) is LossReason.PROTOCOL_VIOLATION
    assert all_but_the_victim_are_done(results)
