"""A worker that was taken over costs its job, and no more."""

import contextlib
import gc
import pickle
import time
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from forkresize.pool import Completed, LossReason, Pool, PoolOptions, Raised, TaskResult, WorkerLost
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

JOBS = 40
VICTIM = 10

pytestmark = pytest.mark.timeout(60)

Run = Callable[..., list[TaskResult[Any, Any]]]


def all_but_the_victim_are_done(answers: list[TaskResult[Any, Any]]) -> bool:
    others = [answer for answer in answers if answer.item != VICTIM]
    return [(a.item, a.result) for a in others if isinstance(a, Completed)] == [
        (number, number * 2) for number in range(JOBS) if number != VICTIM
    ]


needs_proc = pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="finds the pipe by /proc")


FORGED = {
    "an answer to a job that it was not given": (MessageType.RETURNED, 999),
    "an answer to the job that comes next": (MessageType.RETURNED, VICTIM + 2),
    "word that it was not stopped for": (MessageType.DECLINED, VICTIM + 1),
    "word that it never came to itself": (MessageType.UNFIT, 0),
    "a wish for another job": (MessageType.WANTS, VICTIM + 2),
    "a need of another job": (MessageType.RESERVES, VICTIM + 2),
}


@needs_proc
@pytest.mark.parametrize("forged", FORGED)
def test_a_worker_that_speaks_for_another_job_costs_its_own_alone(forged: str, run: Run, faults: ModuleType) -> None:
    def forge_and_go_on() -> None:
        for slot in slots():
            slot.begin(VICTIM + 2)
        kind, number = FORGED[forged]
        faults.write_to_the_pool(encode_message(WorkerMessage(kind, number, 0.0, b"", pickle.dumps(7))))
        faults.hang()

    answers = run(faults.At(VICTIM, forge_and_go_on), range(JOBS), workers=1)
    assert getattr(answers[VICTIM], "reason", None) is LossReason.PROTOCOL_VIOLATION
    assert all_but_the_victim_are_done(answers)


def slots() -> list[CurrentTask]:
    found = []
    for slot in [each for each in gc.get_objects() if isinstance(each, CurrentTask)]:
        with contextlib.suppress(ValueError):
            slot.read()
            found.append(slot)
    return found


@needs_proc
def test_a_worker_that_asks_for_memory_again_and_again_is_ended_at_its_deadline(run: Run, faults: ModuleType) -> None:
    def ask_without_end() -> None:
        while True:
            faults.write_to_the_pool(
                encode_message(
                    WorkerMessage(MessageType.RESERVES, VICTIM + 1, 0.0, b"", encode_memory_request(1 << 20))
                )
            )
            time.sleep(0.01)

    answers = run(faults.At(VICTIM, ask_without_end), range(JOBS), workers=1, timeout=0.5)
    assert getattr(answers[VICTIM], "reason", None) is LossReason.TIMED_OUT
    assert all_but_the_victim_are_done(answers)


@needs_proc
def test_a_worker_that_says_it_took_no_time_at_all_or_more_than_there_was_goes_astray(
    run: Run, faults: ModuleType
) -> None:
    for seconds in (-1.0, 1e300):

        def lie(seconds: float = seconds) -> None:
            faults.write_to_the_pool(
                encode_message(WorkerMessage(MessageType.RETURNED, VICTIM + 1, seconds, b"", pickle.dumps(7)))
            )
            faults.hang()

        answers = run(faults.At(VICTIM, lie), range(JOBS), workers=1)
        assert getattr(answers[VICTIM], "reason", None) is LossReason.PROTOCOL_VIOLATION
        assert all_but_the_victim_are_done(answers)


@needs_proc
@pytest.mark.parametrize(
    "fault", ["announce_a_payload_without_end", "announce_standard_error_without_end", "write_without_end"]
)
def test_a_worker_that_sends_what_no_worker_sends_costs_its_job_alone(fault: str, run: Run, faults: ModuleType) -> None:
    answers = run(faults.At(VICTIM, getattr(faults, fault)), range(JOBS))
    victim = answers[VICTIM]
    assert isinstance(victim, WorkerLost)
    assert (victim.reason, victim.signal, victim.attempts) == (LossReason.PROTOCOL_VIOLATION, "SIGKILL", 1)
    assert all_but_the_victim_are_done(answers)


@needs_proc
def test_a_worker_that_hides_its_job_is_blamed_for_the_one_it_was_given(run: Run, faults: ModuleType) -> None:
    def hide_and_lie() -> None:
        slot = next(each for each in gc.get_objects() if isinstance(each, CurrentTask))
        slot.begin(999)
        faults.announce_a_payload_without_end()

    answers = run(faults.At(VICTIM, hide_and_lie), range(JOBS), workers=1)
    assert getattr(answers[VICTIM], "reason", None) is LossReason.PROTOCOL_VIOLATION
    assert all_but_the_victim_are_done(answers)


def test_a_worker_that_says_each_time_that_it_had_not_begun_is_blamed_in_the_end(run: Run, faults: ModuleType) -> None:
    def hide_and_die() -> None:
        for slot in [each for each in gc.get_objects() if isinstance(each, CurrentTask)]:
            with contextlib.suppress(ValueError):
                slot.begin(999)
        faults.kill_itself()

    answers = run(faults.At(VICTIM, hide_and_die), range(JOBS), workers=1, retries=0)
    assert getattr(answers[VICTIM], "reason", None) is LossReason.CRASHED
    assert all_but_the_victim_are_done(answers)


@needs_proc
@pytest.mark.parametrize("then", ["is silent", "says that it is unfit", "says that it is fit"])
def test_a_worker_that_is_taken_over_by_its_very_first_job_does_not_end_the_run(
    then: str, run: Run, faults: ModuleType
) -> None:
    said = {"says that it is unfit": MessageType.UNFIT, "says that it is fit": MessageType.FIT}

    def die_as_if_it_had_not_begun() -> None:
        for slot in slots():
            slot.begin(0)
        if then in said:
            failure = encode_failure(Failure.of(ValueError("no")))
            faults.write_to_the_pool(encode_message(WorkerMessage(said[then], 0, 0.0, b"", failure)))
        faults.kill_itself()

    answers = run(
        faults.At(VICTIM, die_as_if_it_had_not_begun),
        [VICTIM, *range(VICTIM), *range(VICTIM + 1, JOBS)],
        workers=1,
        retries=0,
    )
    fault = LossReason.PROTOCOL_VIOLATION if then in said else LossReason.CRASHED
    assert [getattr(answer, "reason", None) for answer in answers if answer.item == VICTIM] == [fault]
    assert all_but_the_victim_are_done(answers)


def test_a_worker_that_floods_standard_error_is_ended(run: Run, faults: ModuleType) -> None:
    answers = run(faults.At(VICTIM, faults.flood_standard_error), range(JOBS))
    victim = answers[VICTIM]
    assert isinstance(victim, WorkerLost)
    assert victim.reason is LossReason.PROTOCOL_VIOLATION
    assert len(victim.stderr) <= CAPTURED_BYTES
    assert all_but_the_victim_are_done(answers)


@needs_proc
def test_a_worker_that_never_stops_talking_is_ended(run: Run, faults: ModuleType) -> None:
    answers = run(faults.At(VICTIM, faults.write_answers_of_nobody_without_end), range(JOBS), timeout=1)
    assert getattr(answers[VICTIM], "reason", None) is LossReason.PROTOCOL_VIOLATION
    assert all_but_the_victim_are_done(answers)


@needs_proc
def test_an_error_that_is_none_is_told_as_one(faults: ModuleType) -> None:
    def send_a_number(_: object) -> None:
        faults.write_to_the_pool(encode_message(WorkerMessage(MessageType.RAISED, 1, 0.0, b"", pickle.dumps(7))))
        faults.hang()

    with Pool(send_a_number, options=PoolOptions(workers=1, timeout=1)) as pool:
        (answer,) = pool.imap_unordered(["x"])
    assert isinstance(answer, Raised)
    assert "ValueError" in answer.error or "JSON" in answer.error or "UnicodeDecodeError" in answer.error
