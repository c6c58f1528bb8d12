import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from forkresize.pool import Completed, LossReason, Pool, PoolOptions, TaskResult, sigio_ignored

WaitUntil = Callable[[Callable[[], object]], None]
Start = Callable[..., "subprocess.Popen[str]"]

PROGRAM = Path(__file__).with_name("program.py")
DEADLINE = 20

pytestmark = [pytest.mark.timeout(60), pytest.mark.slow]


def tasks(folder: Path) -> list[Path]:
    return [path for path in folder.iterdir() if path.name.isdecimal()]


@pytest.fixture
def start(tmp_path: Path, wait_until: WaitUntil) -> Iterator[Start]:
    """Start the program and wait until both of its workers have a task."""
    programs: list[subprocess.Popen[str]] = []

    def start_program(seconds: float, *options: str) -> "subprocess.Popen[str]":
        program = subprocess.Popen(
            [sys.executable, "-W", "error", PROGRAM, tmp_path, str(seconds), *options],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        programs.append(program)
        wait_until(lambda: len(tasks(tmp_path)) >= 2)
        return program

    yield start_program
    for program in programs:
        program.kill()
        program.communicate()


def finish(program: "subprocess.Popen[str]") -> Any:
    stdout, stderr = program.communicate(timeout=DEADLINE)
    assert (program.returncode, stderr) == (0, "")
    return json.loads(stdout)


@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_first_signal_lets_running_tasks_finish_and_starts_no_more(
    start: Start, tmp_path: Path, signum: signal.Signals
) -> None:
    program = start(0.5)
    program.send_signal(signum)
    outcome = finish(program)
    assert outcome["interrupted"] == signum
    assert sorted(outcome["results"]) == [[0, "done"], [1, "done"]]
    assert len(tasks(tmp_path)) == 2


def test_running_tasks_finish_after_ctrl_c_to_the_whole_group(start: Start) -> None:
    program = start(0.5)
    os.killpg(program.pid, signal.SIGINT)
    assert sorted(finish(program)["results"]) == [[0, "done"], [1, "done"]]


def test_second_signal_kills_running_tasks(start: Start, tmp_path: Path, wait_until: WaitUntil) -> None:
    program = start(30)
    program.send_signal(signal.SIGINT)
    wait_until((tmp_path / "stopping").exists)
    time.sleep(0.15)  # Past the debounce time.
    began = time.monotonic()
    program.send_signal(signal.SIGTERM)
    outcome = finish(program)
    assert time.monotonic() - began < 5
    assert outcome["interrupted"] == signal.SIGINT
    assert sorted(outcome["results"]) == [[0, "interrupted"], [1, "interrupted"]]


def test_second_signal_interrupts_only_workers_that_have_tasks(faults: ModuleType) -> None:
    results: list[TaskResult[object, object]] = []
    sent: list[float] = []

    def interrupt(_: object) -> None:
        now = time.monotonic()
        if results and (not sent or now - sent[0] > 0.15):
            sent.append(now)
            os.kill(os.getpid(), signal.SIGINT)

    with Pool(faults.call, options=PoolOptions(workers=2, tick=0.01), on_tick=interrupt) as pool:
        results.extend(pool.imap_unordered([faults.hang, faults.interrupt]))
    assert [(result.item, getattr(result, "reason", None)) for result in results] == [
        (faults.interrupt, None),
        (faults.hang, LossReason.INTERRUPTED),
    ]


def test_second_signal_within_the_debounce_time_is_ignored(start: Start) -> None:
    program = start(0.5)
    program.send_signal(signal.SIGINT)
    program.send_signal(signal.SIGTERM)
    assert sorted(finish(program)["results"]) == [[0, "done"], [1, "done"]]


@pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGHUP])
def test_workers_killed_by_a_signal_to_the_group_count_as_interrupted(start: Start, signum: signal.Signals) -> None:
    program = start(30)
    os.killpg(program.pid, signum)
    outcome = finish(program)
    assert outcome["interrupted"] == signum
    assert sorted(outcome["results"]) == [[0, "interrupted"], [1, "interrupted"]]


@pytest.mark.parametrize("name", ["SIGHUP", "SIGINT", "SIGTERM"])
def test_ignored_signal_stays_ignored_in_parent_and_workers(start: Start, name: str) -> None:
    program = start(0.2, f"ignore={name}")
    os.killpg(program.pid, signal.Signals[name])
    outcome = finish(program)
    assert outcome["interrupted"] is None
    assert sorted(outcome["results"]) == [[number, "done"] for number in range(12)]


def test_exit_codes_are_known_although_sigchld_was_ignored(faults: ModuleType) -> None:
    previous = signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    try:
        with Pool(faults.call, options=PoolOptions(workers=1, retries=0)) as pool:
            (result,) = pool.imap_unordered([faults.segfault])
        assert signal.getsignal(signal.SIGCHLD) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGCHLD, previous)
    assert getattr(result, "signal", None) == "SIGSEGV"


def test_signal_handlers_and_wakeup_fd_are_restored() -> None:
    def handlers() -> list[object]:
        return [signal.getsignal(signum) for signum in (*signal.Signals,)]

    before = handlers()
    with Pool(str) as pool:
        assert handlers() != before
        list(pool.imap_unordered([1]))
    assert handlers() == before
    assert signal.set_wakeup_fd(-1) == -1


def test_handler_that_python_cannot_restore_becomes_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    real = signal.signal
    before = signal.getsignal(signal.SIGHUP)
    monkeypatch.setattr(
        signal, "signal", lambda signum, handler: [real(signum, handler), None][signum == signal.SIGHUP]
    )
    with Pool(str):
        pass
    assert real(signal.SIGHUP, before) is signal.SIG_DFL


@pytest.mark.filterwarnings("ignore:.*multi-threaded.*:DeprecationWarning")
def test_pool_in_another_thread_installs_no_signal_handlers() -> None:
    before = signal.getsignal(signal.SIGINT)
    results: list[object] = []

    def use() -> None:
        with Pool(str, options=PoolOptions(workers=2)) as pool:
            for result in pool.imap_unordered(range(10)):
                assert isinstance(result, Completed)
                assert signal.getsignal(signal.SIGINT) is before
                results.append(result.result)

    thread = threading.Thread(target=use)
    thread.start()
    thread.join(DEADLINE)
    assert sorted(map(str, results)) == [str(number) for number in range(10)]


@pytest.mark.parametrize("options", [[], ["no-libc"]])
def test_workers_end_when_their_parent_is_killed(
    start: Start, tmp_path: Path, wait_until: WaitUntil, options: list[str]
) -> None:
    program = start(0.3 if options else 30, *options)
    program.kill()
    program.communicate()
    workers = {path.read_text() for path in tasks(tmp_path)}
    wait_until(lambda: not any(alive(pid) for pid in workers))


def alive(pid: str) -> bool:
    state = subprocess.run(["/bin/ps", "-o", "stat=", "-p", pid], capture_output=True, text=True, check=False).stdout
    return bool(state.strip()) and not state.startswith("Z")


def test_sigio_is_ignored_within_the_context() -> None:
    before = signal.getsignal(signal.SIGIO)
    with sigio_ignored():
        os.kill(os.getpid(), signal.SIGIO)
    assert signal.getsignal(signal.SIGIO) is before
