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

pytestmark = pytest.mark.timeout(60)


def jobs(folder: Path) -> list[Path]:
    return [path for path in folder.iterdir() if path.name.isdecimal()]


@pytest.fixture
def start(tmp_path: Path, wait_until: WaitUntil) -> Iterator[Start]:
    """Start the program and wait until both of its workers are on a job."""
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
        wait_until(lambda: len(jobs(tmp_path)) >= 2)
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
def test_the_first_signal_lets_running_jobs_finish_and_starts_no_more(
    start: Start, tmp_path: Path, signum: signal.Signals
) -> None:
    program = start(0.5)
    program.send_signal(signum)
    outcome = finish(program)
    assert outcome["interrupted"] == signum
    assert sorted(outcome["answers"]) == [[0, "done"], [1, "done"]]
    assert len(jobs(tmp_path)) == 2


def test_ctrl_c_reaches_the_whole_group_and_running_jobs_finish_all_the_same(start: Start) -> None:
    program = start(0.5)
    os.killpg(program.pid, signal.SIGINT)
    assert sorted(finish(program)["answers"]) == [[0, "done"], [1, "done"]]


def test_the_second_signal_kills_what_runs_and_says_so(start: Start, tmp_path: Path, wait_until: WaitUntil) -> None:
    program = start(30)
    program.send_signal(signal.SIGINT)
    wait_until((tmp_path / "stopping").exists)
    time.sleep(0.15)  # What comes sooner counts as an echo of the first.
    began = time.monotonic()
    program.send_signal(signal.SIGTERM)
    outcome = finish(program)
    assert time.monotonic() - began < 5
    assert outcome["interrupted"] == signal.SIGINT
    assert sorted(outcome["answers"]) == [[0, "interrupted"], [1, "interrupted"]]


def test_the_second_signal_answers_for_those_who_were_on_a_job_only(faults: ModuleType) -> None:
    answers: list[TaskResult[object, object]] = []
    sent: list[float] = []

    def interrupt(_: object) -> None:
        now = time.monotonic()
        if answers and (not sent or now - sent[0] > 0.15):
            sent.append(now)
            os.kill(os.getpid(), signal.SIGINT)

    with Pool(faults.call, options=PoolOptions(workers=2, tick=0.01), on_tick=interrupt) as pool:
        answers.extend(pool.imap_unordered([faults.hang, faults.interrupt]))
    assert [(answer.item, getattr(answer, "reason", None)) for answer in answers] == [
        (faults.interrupt, None),
        (faults.hang, LossReason.INTERRUPTED),
    ]


def test_a_signal_sent_twice_at_once_counts_as_one(start: Start) -> None:
    program = start(0.5)
    program.send_signal(signal.SIGINT)
    program.send_signal(signal.SIGTERM)
    assert sorted(finish(program)["answers"]) == [[0, "done"], [1, "done"]]


@pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGHUP])
def test_workers_that_die_of_the_groups_signal_are_interrupted_not_crashed(
    start: Start, signum: signal.Signals
) -> None:
    program = start(30)
    os.killpg(program.pid, signum)
    outcome = finish(program)
    assert outcome["interrupted"] == signum
    assert sorted(outcome["answers"]) == [[0, "interrupted"], [1, "interrupted"]]


@pytest.mark.parametrize("name", ["SIGHUP", "SIGINT", "SIGTERM"])
def test_a_signal_that_was_ignored_stays_ignored_in_parent_and_workers(start: Start, name: str) -> None:
    program = start(0.2, f"ignore={name}")
    os.killpg(program.pid, signal.Signals[name])
    outcome = finish(program)
    assert outcome["interrupted"] is None
    assert sorted(outcome["answers"]) == [[number, "done"] for number in range(12)]


def test_where_ended_children_are_ignored_their_end_is_still_known(faults: ModuleType) -> None:
    previous = signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    try:
        with Pool(faults.call, options=PoolOptions(workers=1, retries=0)) as pool:
            (answer,) = pool.imap_unordered([faults.segfault])
        assert signal.getsignal(signal.SIGCHLD) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGCHLD, previous)
    assert getattr(answer, "signal", None) == "SIGSEGV"


def test_handlers_and_wakeup_descriptor_are_put_back() -> None:
    def handlers() -> list[object]:
        return [signal.getsignal(signum) for signum in (*signal.Signals,)]

    before = handlers()
    with Pool(str) as pool:
        assert handlers() != before
        list(pool.imap_unordered([1]))
    assert handlers() == before
    assert signal.set_wakeup_fd(-1) == -1


def test_a_handler_that_python_cannot_put_back_becomes_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    real = signal.signal
    before = signal.getsignal(signal.SIGHUP)
    monkeypatch.setattr(
        signal, "signal", lambda signum, handler: [real(signum, handler), None][signum == signal.SIGHUP]
    )
    with Pool(str):
        pass
    assert real(signal.SIGHUP, before) is signal.SIG_DFL


@pytest.mark.filterwarnings("ignore:.*multi-threaded.*:DeprecationWarning")
def test_outside_the_main_thread_it_works_without_touching_signals() -> None:
    before = signal.getsignal(signal.SIGINT)
    answers: list[object] = []

    def use() -> None:
        with Pool(str, options=PoolOptions(workers=2)) as pool:
            for answer in pool.imap_unordered(range(10)):
                assert isinstance(answer, Completed)
                assert signal.getsignal(signal.SIGINT) is before
                answers.append(answer.result)

    thread = threading.Thread(target=use)
    thread.start()
    thread.join(DEADLINE)
    assert sorted(map(str, answers)) == [str(number) for number in range(10)]


@pytest.mark.parametrize("options", [[], ["no-libc"]])
def test_a_killed_parent_leaves_no_worker_behind(
    start: Start, tmp_path: Path, wait_until: WaitUntil, options: list[str]
) -> None:
    program = start(0.3 if options else 30, *options)
    program.kill()
    program.communicate()
    workers = {path.read_text() for path in jobs(tmp_path)}
    wait_until(lambda: not any(alive(pid) for pid in workers))


def alive(pid: str) -> bool:
    state = subprocess.run(["/bin/ps", "-o", "stat=", "-p", pid], capture_output=True, text=True, check=False).stdout
    return bool(state.strip()) and not state.startswith("Z")


def test_signals_of_file_leases_are_ignored_for_a_while() -> None:
    before = signal.getsignal(signal.SIGIO)
    with sigio_ignored():
        os.kill(os.getpid(), signal.SIGIO)
    assert signal.getsignal(signal.SIGIO) is before
