import faulthandler
import os
import pickle
import signal
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from forkresize.pool import Completed, LossReason, Pool, PoolOptions, Raised, TaskResult, WorkerLost
from forkresize.pool.handle import WorkerHandle
from forkresize.pool.protocol import MAX_PAYLOAD

JOBS = 40
VICTIM = 10

pytestmark = pytest.mark.timeout(60)

Run = Callable[..., list[TaskResult[Any, Any]]]
WaitUntil = Callable[[Callable[[], object]], None]


def all_but_the_victim_are_done(answers: list[TaskResult[Any, Any]]) -> bool:
    others = [answer for answer in answers if answer.item != VICTIM]
    return [(a.item, a.result) for a in others if isinstance(a, Completed)] == [
        (number, number * 2) for number in range(JOBS) if number != VICTIM
    ]


@pytest.mark.parametrize(
    ("fault", "signal_name", "exit_code"),
    [
        ("kill_itself", "SIGKILL", None),
        ("terminate_itself", "SIGTERM", None),
        ("segfault", "SIGSEGV", None),
        ("abort", "SIGABRT", None),
        ("die_of_a_real_time_signal", f"signal {signal.SIGRTMIN + 3}", None),
        ("exit_hard", None, 3),
        ("exit_hard_with_success", None, 0),
        ("close_every_pipe", "SIGKILL", None),
        ("leave_a_child_and_die", "SIGKILL", None),
    ],
)
@pytest.mark.parametrize("pause", [0, 0.002])
def test_exactly_the_job_that_killed_its_worker_is_blamed(
    run: Run, faults: ModuleType, fault: str, signal_name: str | None, exit_code: int | None, pause: float
) -> None:
    answers = run(faults.At(VICTIM, getattr(faults, fault), pause=pause), range(JOBS), retries=0)
    assert len(answers) == JOBS
    victim = answers[VICTIM]
    assert isinstance(victim, WorkerLost)
    assert (victim.item, victim.reason, victim.attempts) == (VICTIM, LossReason.CRASHED, 1)
    assert (victim.signal, victim.exit_code) == (signal_name, exit_code)
    assert all_but_the_victim_are_done(answers)


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ("fail", "ValueError: no"),
        ("sys_exit", "SystemExit: 3"),
        ("interrupt", "KeyboardInterrupt"),
        ("return_unpicklable", "MemoryError"),
        ("return_explosive", "ValueError: no"),
    ],
)
def test_a_job_that_raises_or_cannot_be_sent_back_is_one_error(
    run: Run, faults: ModuleType, fault: str, error: str
) -> None:
    answers = run(faults.At(VICTIM, getattr(faults, fault)), range(JOBS))
    victim = answers[VICTIM]
    assert isinstance(victim, Raised)
    assert (victim.error, victim.attempts) == (error, 1)
    assert f"in {'__reduce__' if fault == 'return_unpicklable' else 'fail' if 'explo' in fault else fault}" in (
        victim.traceback
    )
    assert all_but_the_victim_are_done(answers)


def test_an_exception_that_cannot_describe_itself_still_has_its_name(run: Run, faults: ModuleType) -> None:
    (answer,) = run(faults.call, [faults.fail_nameless])
    assert isinstance(answer, Raised)
    assert "NamelessError" in answer.error


def test_an_item_that_cannot_be_sent_is_answered_and_the_rest_is_done(faults: ModuleType) -> None:
    with Pool(str, options=PoolOptions(workers=2)) as pool:
        answers = list(pool.imap_unordered([1, faults.Unpicklable(), 2]))
    (refused,) = [answer for answer in answers if isinstance(answer, Raised)]
    assert (refused.error, refused.attempts, refused.worker) == ("MemoryError", 0, os.getpid())
    assert sorted(answer.result for answer in answers if isinstance(answer, Completed)) == ["1", "2"]


def test_an_item_that_cannot_be_received_is_one_error(faults: ModuleType) -> None:
    with Pool(str, options=PoolOptions(workers=2)) as pool:
        (answer,) = pool.imap_unordered([faults.Explosive()])
    assert isinstance(answer, Raised)
    assert answer.error == "ValueError: no"


def test_an_item_that_kills_whoever_unpickles_it_is_blamed(faults: ModuleType) -> None:
    with Pool(str, options=PoolOptions(workers=1, retries=0)) as pool:
        answers = list(pool.imap_unordered([1, faults.Deadly(), 2]))
    assert [type(answer) for answer in answers] == [Completed, WorkerLost, Completed]


def test_large_items_and_results_pass_both_ways(run: Run, faults: ModuleType) -> None:
    answers = run(bytes.upper, [bytes([letter]) * faults.LARGE for letter in b"abcdef"])
    assert sorted(answer.result[:1] for answer in answers if isinstance(answer, Completed)) == [
        b"A",
        b"B",
        b"C",
        b"D",
        b"E",
        b"F",
    ]
    assert {len(answer.result) for answer in answers if isinstance(answer, Completed)} == {faults.LARGE}


def _has_spoken(member: WorkerHandle[int]) -> bool:
    try:
        member.station.near.recv(1, socket.MSG_PEEK)
    except BlockingIOError:
        return False
    except OSError:
        return True  # It is dead.
    return True


def test_idle_workers_may_be_killed_without_any_job_being_blamed(wait_until: WaitUntil) -> None:
    def items() -> Iterator[int]:
        assert pool._supervisor is not None  # noqa: SLF001
        crew = pool._supervisor._crew  # noqa: SLF001
        for number in range(12):
            yield number
            busy = [member for member in crew if member.tasks]
            wait_until(lambda: all(map(_has_spoken, busy)))  # noqa: B023 (called at once)
            # Who has answered the only job it was given is idle.
            if number % 2 and all(len(member.tasks) == 1 for member in busy):
                for member in crew:
                    os.kill(member.pid, signal.SIGKILL)

    with Pool(_as_text, options=PoolOptions(workers=2, retries=0)) as pool:
        answers = list(pool.imap_unordered(items()))
    assert sorted(answer.item for answer in answers if isinstance(answer, Completed)) == list(range(12))
    assert pool.workers_lost >= 3


def test_a_result_too_large_to_be_sent_is_one_error(run: Run, faults: ModuleType) -> None:
    answers = run(faults.At(VICTIM, lambda: bytes(MAX_PAYLOAD)), range(JOBS))
    victim = answers[VICTIM]
    assert isinstance(victim, Raised)
    assert victim.error.startswith(f"ValueError: the result takes {len(pickle.dumps(bytes(MAX_PAYLOAD)))} bytes, more")
    assert all_but_the_victim_are_done(answers)


def test_what_a_worker_answered_before_it_died_counts(faults: ModuleType) -> None:
    """The second answer is larger than one read's worth, and is read when its worker is dead."""

    def work(size: int) -> bytes | None:
        return bytes(size) if size else faults.kill_itself()

    answers = []
    with Pool(work, options=PoolOptions(workers=1, retries=0)) as pool:
        for answer in pool.imap_unordered([1, 100_000, 0]):
            answers.append(answer)
            if answer.item == 1:
                os.waitid(os.P_PID, answer.worker, os.WEXITED | os.WNOWAIT)
    assert [(answer.item, type(answer)) for answer in answers] == [
        (1, Completed),
        (100_000, Completed),
        (0, WorkerLost),
    ]


def test_random_kills_cost_nothing_with_retries(faults: ModuleType) -> None:
    with Pool(faults.At(-1, faults.fail, pause=0.005), options=PoolOptions(workers=2, retries=3)) as pool:
        answers = []
        for answer in pool.imap_unordered(range(300)):
            answers.append(answer)
            if answer.item % 30 == 0:
                os.kill(answer.worker, signal.SIGKILL)
    assert sorted(answer.item for answer in answers) == list(range(300))
    assert {type(answer) for answer in answers} == {Completed}
    assert pool.workers_lost >= 1


def test_what_libc_says_when_it_aborts_reaches_the_answer(run: Run, faults: ModuleType) -> None:
    (answer,) = run(faults.call, [faults.abort])
    assert "free(): invalid pointer\n" in answer.stderr


def test_work_that_forks_and_returns_twice_is_answered_once(run: Run, faults: ModuleType) -> None:
    answers = run(faults.call, [faults.fork_and_return] * 5)
    assert [answer.result for answer in answers if isinstance(answer, Completed)] == ["parent"] * 5


def _as_text(number: int) -> object:
    return str(number)


def _note_and_return_large(file: Path) -> bytes:
    file.write_text(str(os.getpid()))
    return bytes(8 << 20)


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="sees by /proc that a process waits")
def test_a_worker_stopped_half_way_through_a_large_answer_is_timed_out(tmp_path: Path, wait_until: WaitUntil) -> None:
    note = tmp_path / "pid"

    def state() -> str:
        return Path(f"/proc/{note.read_text()}/stat").read_text().rpartition(")")[2].split()[0]

    def items() -> Iterator[Path]:
        yield note
        # Nobody reads its pipe meanwhile, so it can only be waiting for room in there.
        wait_until(lambda: note.exists() and note.read_text() and state() == "S")
        os.kill(int(note.read_text()), signal.SIGSTOP)
        wait_until(lambda: state() == "T")

    began = time.monotonic()
    with Pool(_note_and_return_large, options=PoolOptions(workers=1, timeout=0.5)) as pool:
        (answer,) = pool.imap_unordered(items())
    assert isinstance(answer, WorkerLost)
    assert (answer.reason, answer.signal) == (LossReason.TIMED_OUT, "SIGKILL")
    assert time.monotonic() - began < 10


def test_a_parent_that_has_python_report_crashes_finds_them_in_the_answer(run: Run, faults: ModuleType) -> None:
    was_enabled = faulthandler.is_enabled()
    with open(os.devnull, "w") as elsewhere:
        faulthandler.enable(elsewhere)
        (answer,) = run(faults.call, [faults.segfault], retries=0)
        faulthandler.disable()
    if was_enabled:
        faulthandler.enable()
    assert answer.stderr
