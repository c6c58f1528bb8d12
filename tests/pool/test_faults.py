import faulthandler
import os
import pickle
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from forkresize.pool import Completed, LossReason, Pool, PoolOptions, Raised, TaskResult, WorkerLost
from forkresize.pool.protocol import MAX_PAYLOAD
from tests.children import write_pid

TASKS = 40
VICTIM = 10

pytestmark = pytest.mark.timeout(60)

Run = Callable[..., list[TaskResult[Any, Any]]]
WaitUntil = Callable[[Callable[[], object]], None]


def all_but_the_victim_are_done(results: list[TaskResult[Any, Any]]) -> bool:
    others = [result for result in results if result.item != VICTIM]
    return [(a.item, a.result) for a in others if isinstance(a, Completed)] == [
        (number, number * 2) for number in range(TASKS) if number != VICTIM
    ]


@pytest.mark.slow
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
def test_exactly_the_task_that_killed_its_worker_is_blamed(
    run: Run, faults: ModuleType, fault: str, signal_name: str | None, exit_code: int | None, pause: float
) -> None:
    results = run(faults.At(VICTIM, getattr(faults, fault), pause=pause), range(TASKS), retries=0)
    assert len(results) == TASKS
    victim = results[VICTIM]
    assert isinstance(victim, WorkerLost)
    assert (victim.item, victim.reason, victim.attempts) == (VICTIM, LossReason.CRASHED, 1)
    assert (victim.signal, victim.exit_code) == (signal_name, exit_code)
    assert all_but_the_victim_are_done(results)


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
def test_task_that_raises_or_has_an_unserializable_result_is_one_error(
    run: Run, faults: ModuleType, fault: str, error: str
) -> None:
    results = run(faults.At(VICTIM, getattr(faults, fault)), range(TASKS))
    victim = results[VICTIM]
    assert isinstance(victim, Raised)
    assert (victim.error, victim.attempts) == (error, 1)
    assert f"in {'__reduce__' if fault == 'return_unpicklable' else 'fail' if 'explo' in fault else fault}" in (
        victim.traceback
    )
    assert all_but_the_victim_are_done(results)


def test_exception_whose_str_raises_still_has_its_name(run: Run, faults: ModuleType) -> None:
    (result,) = run(faults.call, [faults.fail_nameless])
    assert isinstance(result, Raised)
    assert "NamelessError" in result.error


def test_item_that_cannot_be_serialized_is_one_error(faults: ModuleType) -> None:
    with Pool(str, options=PoolOptions(workers=2)) as pool:
        results = list(pool.imap_unordered([1, faults.Unpicklable(), 2]))
    (refused,) = [result for result in results if isinstance(result, Raised)]
    assert (refused.error, refused.attempts, refused.worker) == ("MemoryError", 0, os.getpid())
    assert sorted(result.result for result in results if isinstance(result, Completed)) == ["1", "2"]


def test_item_that_cannot_be_deserialized_is_one_error(faults: ModuleType) -> None:
    with Pool(str, options=PoolOptions(workers=2)) as pool:
        (result,) = pool.imap_unordered([faults.Explosive()])
    assert isinstance(result, Raised)
    assert result.error == "ValueError: no"


def test_item_that_kills_the_worker_while_unpickling_is_blamed(faults: ModuleType) -> None:
    with Pool(str, options=PoolOptions(workers=1, retries=0)) as pool:
        results = list(pool.imap_unordered([1, faults.Deadly(), 2]))
    assert [type(result) for result in results] == [Completed, WorkerLost, Completed]


@pytest.mark.slow
def test_large_items_and_results_cross(run: Run, faults: ModuleType) -> None:
    results = run(bytes.upper, [bytes([letter]) * faults.LARGE for letter in b"abcdef"])
    assert sorted(result.result[:1] for result in results if isinstance(result, Completed)) == [
        b"A",
        b"B",
        b"C",
        b"D",
        b"E",
        b"F",
    ]
    assert {len(result.result) for result in results if isinstance(result, Completed)} == {faults.LARGE}


def test_idle_workers_may_be_killed_without_blame(
    tmp_path: Path, wait_until: WaitUntil, is_asleep: Callable[[int], bool]
) -> None:
    def items() -> Iterator[Path]:
        for number in range(12):
            path = tmp_path / str(number)
            yield path
            # The two tasks after a kill are assigned to the dead worker.
            if number % 3 == 2:
                wait_until(path.exists)
                worker = int(path.read_text())
                wait_until(lambda: is_asleep(worker))  # noqa: B023  Called at once.
                os.kill(worker, signal.SIGKILL)

    with Pool(write_pid, options=PoolOptions(workers=1, retries=0)) as pool:
        results = list(pool.imap_unordered(items()))
    assert [type(result) for result in results] == [Completed] * 12
    assert pool.workers_lost >= 3


def test_too_large_result_is_one_error(run: Run, faults: ModuleType) -> None:
    results = run(faults.At(VICTIM, lambda: bytes(MAX_PAYLOAD)), range(TASKS))
    victim = results[VICTIM]
    assert isinstance(victim, Raised)
    assert victim.error.startswith(f"ValueError: the result takes {len(pickle.dumps(bytes(MAX_PAYLOAD)))} bytes, more")
    assert all_but_the_victim_are_done(results)


def test_results_sent_before_death_count(faults: ModuleType) -> None:
    """The second result is larger than one read, and is read when its worker is dead."""

    def work(size: int) -> bytes | None:
        return bytes(size) if size else faults.kill_itself()

    results = []
    with Pool(work, options=PoolOptions(workers=1, retries=0)) as pool:
        for result in pool.imap_unordered([1, 100_000, 0]):
            results.append(result)
            if result.item == 1:
                os.waitid(os.P_PID, result.worker, os.WEXITED | os.WNOWAIT)
    assert [(result.item, type(result)) for result in results] == [
        (1, Completed),
        (100_000, Completed),
        (0, WorkerLost),
    ]


@pytest.mark.slow
def test_random_kills_cost_nothing_with_retries(faults: ModuleType) -> None:
    with Pool(faults.At(-1, faults.fail, pause=0.005), options=PoolOptions(workers=2, retries=3)) as pool:
        results = []
        for result in pool.imap_unordered(range(300)):
            results.append(result)
            if result.item % 30 == 0:
                os.kill(result.worker, signal.SIGKILL)
    assert sorted(result.item for result in results) == list(range(300))
    assert {type(result) for result in results} == {Completed}
    assert pool.workers_lost >= 1


def test_stderr_of_an_abort_is_in_the_result(run: Run, faults: ModuleType) -> None:
    (result,) = run(faults.call, [faults.abort])
    assert "free(): invalid pointer\n" in result.stderr


def test_work_that_forks_and_returns_twice_has_one_result(run: Run, faults: ModuleType) -> None:
    results = run(faults.call, [faults.fork_and_return] * 5)
    assert [result.result for result in results if isinstance(result, Completed)] == ["parent"] * 5


def _note_and_return_large(file: Path) -> bytes:
    file.write_text(str(os.getpid()))
    return bytes(8 << 20)


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs /proc")
def test_worker_stopped_within_a_large_result_times_out(tmp_path: Path, wait_until: WaitUntil) -> None:
    note = tmp_path / "pid"

    def state() -> str:
        return Path(f"/proc/{note.read_text()}/stat").read_text().rpartition(")")[2].split()[0]

    def items() -> Iterator[Path]:
        yield note
        # The pool does not read its socket now, so it waits for room there.
        wait_until(lambda: note.exists() and note.read_text() and state() == "S")
        os.kill(int(note.read_text()), signal.SIGSTOP)
        wait_until(lambda: state() == "T")

    began = time.monotonic()
    with Pool(_note_and_return_large, options=PoolOptions(workers=1, timeout=0.5)) as pool:
        (result,) = pool.imap_unordered(items())
    assert isinstance(result, WorkerLost)
    assert (result.reason, result.signal) == (LossReason.TIMED_OUT, "SIGKILL")
    assert time.monotonic() - began < 10


def test_faulthandler_report_is_in_the_result(run: Run, faults: ModuleType) -> None:
    was_enabled = faulthandler.is_enabled()
    with open(os.devnull, "w") as elsewhere:
        faulthandler.enable(elsewhere)
        (result,) = run(faults.call, [faults.segfault], retries=0)
        faulthandler.disable()
    if was_enabled:
        faulthandler.enable()
    assert result.stderr
