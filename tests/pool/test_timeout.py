import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import ModuleType
from typing import IO, Any

import pytest

from forkresize.pool import (
    Activity,
    Completed,
    LossReason,
    NothingYet,
    Pool,
    PoolOptions,
    TaskResult,
    WorkerLost,
    progress,
)
from forkresize.pool.child import ChildProcess

Run = Callable[..., list[TaskResult[Any, Any]]]
WaitUntil = Callable[[Callable[[], object]], None]

pytestmark = [pytest.mark.timeout(60), pytest.mark.slow]


@pytest.mark.parametrize("fault", ["hang", "hang_in_c", "stop_itself"])
def test_hanging_task_is_killed_at_its_deadline_and_others_complete(run: Run, faults: ModuleType, fault: str) -> None:
    results = run(faults.At(3, getattr(faults, fault)), range(20), timeout=1, retries=3)
    victim = results[3]
    assert isinstance(victim, WorkerLost)
    assert (victim.reason, victim.signal, victim.exit_code) == (LossReason.TIMED_OUT, "SIGKILL", None)
    assert victim.attempts == 1
    assert 1 <= victim.seconds < 20
    assert [result.item for result in results if isinstance(result, Completed)] == [n for n in range(20) if n != 3]


def test_worker_that_claims_a_later_start_is_killed_at_its_deadline(run: Run, faults: ModuleType) -> None:
    results = run(faults.At(3, faults.claim_to_have_just_begun), range(9), timeout=1)
    victim = results[3]
    assert isinstance(victim, WorkerLost)
    assert victim.reason is LossReason.TIMED_OUT
    assert 1 <= victim.seconds < 20
    assert [result.item for result in results if isinstance(result, Completed)] == [n for n in range(9) if n != 3]


def test_each_hanging_task_has_its_own_deadline(run: Run, faults: ModuleType) -> None:
    results = run(faults.call, [faults.hang] * 4, timeout=1)
    assert [result.reason for result in results if isinstance(result, WorkerLost)] == [LossReason.TIMED_OUT] * 4
    assert all(1 <= result.seconds < 20 for result in results)


def test_timeout_applies_to_each_task_alone(run: Run, faults: ModuleType) -> None:
    results = run(faults.At(-1, faults.hang, pause=0.02), range(80), timeout=1)
    assert {type(result) for result in results} == {Completed}


def test_result_that_arrived_in_time_counts_even_if_read_late() -> None:
    """The results are larger than one read."""
    with Pool(bytes, options=PoolOptions(workers=1, timeout=0.8)) as pool:
        results = []
        for result in pool.imap_unordered([100_000] * 3):
            results.append(result)
            time.sleep(0.85)  # Past the deadline.
    assert [len(result.result) for result in results if isinstance(result, Completed)] == [100_000] * 3
    assert pool.workers_lost == 0


def test_task_started_while_its_worker_is_killed_for_another_is_not_blamed(
    faults: ModuleType, tmp_path: Path, wait_until: WaitUntil, monkeypatch: pytest.MonkeyPatch
) -> None:
    def work(number: int) -> int:
        if number == 0:
            wait_until((tmp_path / "go").exists)
        (tmp_path / str(number)).touch()
        return number

    kill = ChildProcess.kill

    def kill_late(self: ChildProcess) -> None:
        (tmp_path / "go").touch()
        wait_until((tmp_path / "1").exists)
        kill(self)

    monkeypatch.setattr(ChildProcess, "kill", kill_late)
    with Pool(work, options=PoolOptions(workers=1, timeout=0.5)) as pool:
        results = list(pool.imap_unordered(range(3)))
    assert [(result.item, type(result)) for result in results] == [(0, Completed), (1, Completed), (2, Completed)]


def test_worker_stopped_while_idle_is_replaced_and_its_next_task_not_blamed(
    faults: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(progress, "_START_GRACE", 0.5)

    def items() -> Iterator[int]:
        yield 0
        while not results:
            yield -1
        os.kill(results[0].worker, signal.SIGSTOP)
        yield from range(1, 5)

    results: list[TaskResult[int, int]] = []
    with Pool(faults.double, options=PoolOptions(workers=1, timeout=1)) as pool:
        results.extend(pool.imap_unordered(items()))
    assert {type(result) for result in results} == {Completed}
    assert sorted(result.item for result in results if result.item > 0) == [1, 2, 3, 4]
    assert pool.workers_lost == 1


def test_time_while_all_processes_are_stopped_does_not_count(faults: ModuleType) -> None:
    """As by Ctrl-Z and fg; a test can only do the second."""
    continued: list[float] = []

    def go_on(activities: Sequence[Activity[object]]) -> None:
        if activities and not continued and activities[0].seconds > 0.4:
            continued.append(activities[0].seconds)
            os.kill(os.getpid(), signal.SIGCONT)

    options = PoolOptions(workers=1, timeout=1, tick=0.01)
    with Pool(faults.call, options=options, on_tick=go_on) as pool:
        (result,) = pool.imap_unordered([faults.hang])
    assert isinstance(result, WorkerLost)
    assert result.seconds >= continued[0] + 1


# Each line is one write, so that no reader sees a part of it.
FEEDER = """
import os, time
os.write(1, b"a\\n")
time.sleep(4)
os.write(1, b"b\\n")
"""


def test_deadline_is_kept_while_a_slow_feeder_in_another_process_is_quiet(faults: ModuleType) -> None:
    def items(lines: IO[bytes]) -> Iterator[bytes | NothingYet]:
        while True:
            line = lines.read(2)  # None if there is nothing yet.
            if line == b"":
                return
            yield line or NothingYet(lines.fileno())

    def work(line: bytes) -> bytes:
        if line == b"a\n":
            faults.hang()
        return line

    feeder = subprocess.Popen([sys.executable, "-c", FEEDER], stdout=subprocess.PIPE, bufsize=0)
    arrived: dict[bytes, float] = {}
    with feeder, Pool(work, options=PoolOptions(workers=2, timeout=1)) as pool:
        assert feeder.stdout is not None
        os.set_blocking(feeder.stdout.fileno(), False)
        for result in pool.imap_unordered(items(feeder.stdout)):
            arrived[result.item] = time.monotonic()
            if result.item == b"a\n":
                assert getattr(result, "reason", None) is LossReason.TIMED_OUT
                assert 1 <= result.seconds < 2.5
    assert list(arrived) == [b"a\n", b"b\n"]
    assert arrived[b"b\n"] - arrived[b"a\n"] > 1.5
