"""A worker that was taken over costs its job, and no more."""

import contextlib
import gc
import pickle
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from forkresize.pool import Answer, Done, Fault, Lost, Pool, PoolOptions, Raised
from forkresize.pool.message import Kind, Report, pack_report
from forkresize.pool.slot import Slot
from forkresize.pool.stderr import CAPTURED_BYTES

JOBS = 40
VICTIM = 10

pytestmark = pytest.mark.timeout(60)

Run = Callable[..., list[Answer[Any, Any]]]


def all_but_the_victim_are_done(answers: list[Answer[Any, Any]]) -> bool:
    others = [answer for answer in answers if answer.item != VICTIM]
    return [(a.item, a.result) for a in others if isinstance(a, Done)] == [
        (number, number * 2) for number in range(JOBS) if number != VICTIM
    ]


needs_proc = pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="finds the pipe by /proc")


@needs_proc
def test_a_report_of_a_job_that_its_worker_was_not_given_is_no_answer(faults: ModuleType) -> None:
    def forge_a_report(number: int) -> int:
        faults.write_to_the_pool(pack_report(Report(1, 999, 0.0, b"", b"")))
        return number

    with Pool(forge_a_report, options=PoolOptions(workers=1)) as pool:
        answers = list(pool.imap_unordered(range(3)))
    assert [(answer.item, type(answer)) for answer in answers] == [(0, Done), (1, Done), (2, Done)]


@needs_proc
@pytest.mark.parametrize(
    "fault", ["announce_a_payload_without_end", "announce_standard_error_without_end", "write_without_end"]
)
def test_a_worker_that_sends_what_no_worker_sends_costs_its_job_alone(fault: str, run: Run, faults: ModuleType) -> None:
    answers = run(faults.At(VICTIM, getattr(faults, fault)), range(JOBS))
    victim = answers[VICTIM]
    assert isinstance(victim, Lost)
    assert (victim.fault, victim.signal, victim.attempts) == (Fault.ASTRAY, "SIGKILL", 1)
    assert all_but_the_victim_are_done(answers)


@needs_proc
def test_a_worker_that_hides_its_job_is_blamed_for_the_one_it_was_given(run: Run, faults: ModuleType) -> None:
    def hide_and_lie() -> None:
        slot = next(each for each in gc.get_objects() if isinstance(each, Slot))
        slot.begin(999)
        faults.announce_a_payload_without_end()

    answers = run(faults.At(VICTIM, hide_and_lie), range(JOBS), workers=1)
    assert getattr(answers[VICTIM], "fault", None) is Fault.ASTRAY
    assert all_but_the_victim_are_done(answers)


def test_a_worker_that_says_each_time_that_it_had_not_begun_is_blamed_in_the_end(run: Run, faults: ModuleType) -> None:
    def hide_and_die() -> None:
        for slot in [each for each in gc.get_objects() if isinstance(each, Slot)]:
            with contextlib.suppress(ValueError):
                slot.begin(999)
        faults.kill_itself()

    answers = run(faults.At(VICTIM, hide_and_die), range(JOBS), workers=1, retries=0)
    assert getattr(answers[VICTIM], "fault", None) is Fault.CRASHED
    assert all_but_the_victim_are_done(answers)


def test_a_worker_that_floods_standard_error_is_ended(run: Run, faults: ModuleType) -> None:
    answers = run(faults.At(VICTIM, faults.flood_standard_error), range(JOBS))
    victim = answers[VICTIM]
    assert isinstance(victim, Lost)
    assert victim.fault is Fault.ASTRAY
    assert len(victim.stderr) <= CAPTURED_BYTES
    assert all_but_the_victim_are_done(answers)


@needs_proc
def test_a_worker_that_never_stops_talking_is_ended_at_its_deadline(run: Run, faults: ModuleType) -> None:
    answers = run(faults.At(VICTIM, faults.write_answers_of_nobody_without_end), range(JOBS), timeout=1)
    assert getattr(answers[VICTIM], "fault", None) is Fault.TIMED_OUT
    assert all_but_the_victim_are_done(answers)


@needs_proc
def test_an_error_that_is_none_is_told_as_one(faults: ModuleType) -> None:
    def send_a_number(_: object) -> None:
        faults.write_to_the_pool(pack_report(Report(Kind.RAISED, 1, 0.0, b"", pickle.dumps(7))))
        faults.hang()

    with Pool(send_a_number, options=PoolOptions(workers=1, timeout=1)) as pool:
        (answer,) = pool.imap_unordered(["x"])
    assert isinstance(answer, Raised)
    assert answer.error == "the worker sent no error but a value of type int"
