"""The installed command with buckets, while processes are killed, interrupted or in each other's way."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.children import is_alive
from tests.e2e.buckets.bucket import SECRET, Bucket, RunCommand, counts, picture
from tests.e2e.frozen import Workers, children
from tests.servers.program import uses

pytestmark = [*uses("ministack"), pytest.mark.slow, pytest.mark.timeout(180)]


@pytest.fixture
def start(command: list[str], env: dict[str, str], tmp_path: Path) -> Iterator[Callable[..., "subprocess.Popen[str]"]]:
    processes: list[subprocess.Popen[str]] = []

    def start_command(*arguments: str) -> "subprocess.Popen[str]":
        process = subprocess.Popen(
            [*command, *arguments, "--json"],
            cwd=tmp_path,
            env={**os.environ, **env},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        processes.append(process)
        return process

    yield start_command
    for process in processes:
        if process.poll() is None:
            process.kill()
        process.communicate()


def wait_for(condition: Callable[[], object], seconds: float = 90) -> Any:
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)
    return found


def supervisor_of(pid: int) -> int:
    """Return the supervisor of a run, which one of its threads has started."""
    found = []
    for task in Path(f"/proc/{pid}/task").iterdir():
        with contextlib.suppress(OSError):  # The thread has ended.
            found += [int(each) for each in (task / "children").read_text().split()]
    return found[0] if found else 0


@pytest.fixture
def many(make_bucket: Callable[[str], Bucket]) -> Bucket:
    bucket = make_bucket("many")
    for number in range(24):
        bucket.put(f"in/{number:02}.jpg", picture(number, (1200, 900)))
    return bucket


SLOW = ("--width", "600", "--format", "avif", "--workers", "2")
"""Workers take longer than transfers."""

QUICK = ("--width", "100", "--workers", "2")


def freeze_workers(process: "subprocess.Popen[str]") -> tuple[int, Workers]:
    """Stop the workers of a run when they are there; return its supervisor, and them."""
    supervisor = wait_for(lambda: supervisor_of(process.pid))
    wait_for(lambda: len(children(supervisor)) == 2)
    workers = Workers(supervisor)
    workers.freeze()
    return supervisor, workers


def test_processes_of_a_run(many: Bucket, web: Bucket, start: Callable[..., "subprocess.Popen[str]"]) -> None:
    process = start(many.url("in"), web.url("out"), *QUICK)
    supervisor, workers = freeze_workers(process)
    # This process has threads, and has forked nothing but the supervisor, a fresh interpreter with a single thread.
    assert len(list(Path(f"/proc/{process.pid}/task").iterdir())) > 1
    assert len(list(Path(f"/proc/{supervisor}/task").iterdir())) == 1
    for pid in (supervisor, *workers.pids):
        assert SECRET.encode() not in Path(f"/proc/{pid}/environ").read_bytes()
        assert b"AWS_" not in Path(f"/proc/{pid}/environ").read_bytes()
    workers.go_on()
    assert process.wait(90) == 0


def test_workers_start_while_the_store_has_not_answered(
    env: dict[str, str], start: Callable[..., "subprocess.Popen[str]"]
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        env["AWS_ENDPOINT_URL"] = f"http://127.0.0.1:{silent.getsockname()[1]}"
        process = start("s3://photos/in", "s3://web/out", *SLOW)
        supervisor = wait_for(lambda: supervisor_of(process.pid))
        process.kill()
        process.communicate(timeout=60)
    wait_for(lambda: not is_alive(supervisor))


def test_first_interrupt_finishes_pictures_in_progress_and_the_next_run_continues(
    many: Bucket, web: Bucket, run: RunCommand, start: Callable[..., "subprocess.Popen[str]"]
) -> None:
    process = start(many.url("in"), web.url("out"), *SLOW)
    wait_for(lambda: web.keys("out/0") or web.keys("out/1") or web.keys("out/2"))
    process.send_signal(signal.SIGINT)
    summary = json.loads(process.communicate(timeout=90)[0])
    assert (process.returncode, summary["failed"]) == (130, 0)
    made = len([key for key in web.keys("out/") if ".forkresize" not in key])
    assert 1 <= made == summary["written"] < 24
    assert counts(run(many.url("in"), web.url("out"), *SLOW)) == (24 - made, made, 0, 0, 0)


def test_second_interrupt_ends_the_run_at_once(
    many: Bucket, web: Bucket, run: RunCommand, start: Callable[..., "subprocess.Popen[str]"]
) -> None:
    process = start(many.url("in"), web.url("out"), *QUICK)
    supervisor, workers = freeze_workers(process)
    # What comes within a tenth of a second counts as the same signal, and a third one would end the clean-up.
    process.send_signal(signal.SIGINT)
    for _ in range(5):
        time.sleep(0.2)
        process.send_signal(signal.SIGINT)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(10)
            break
    assert process.returncode == 130
    wait_for(lambda: not is_alive(supervisor))
    # One that was stopped before it asked to end with the supervisor keeps the pipes of this test.
    workers.send(signal.SIGKILL)
    assert run(many.url("in"), web.url("out"), *QUICK)["failed"] == 0
    assert len([key for key in web.keys("out/") if ".forkresize" not in key]) == 24


@pytest.mark.parametrize("victim", ["worker", "supervisor"])
def test_killed_process_costs_nothing(
    many: Bucket, web: Bucket, run: RunCommand, start: Callable[..., "subprocess.Popen[str]"], victim: str
) -> None:
    process = start(many.url("in"), web.url("out"), *QUICK)
    supervisor, workers = freeze_workers(process)
    os.kill(workers.pids[0] if victim == "worker" else supervisor, signal.SIGKILL)
    workers.go_on()
    summary = json.loads(process.communicate(timeout=120)[0])
    assert (process.returncode, summary["written"], summary["failed"]) == (0, 24, 0)
    assert counts(run(many.url("in"), web.url("out"), *QUICK)) == (0, 24, 0, 0, 0)


def test_killed_command_leaves_a_destination_that_the_next_run_completes(
    many: Bucket, web: Bucket, run: RunCommand, start: Callable[..., "subprocess.Popen[str]"]
) -> None:
    process = start(many.url("in"), web.url("out"), *SLOW)
    supervisor = wait_for(lambda: supervisor_of(process.pid))
    wait_for(lambda: [key for key in web.keys("out/") if key.endswith(".avif")])
    process.kill()
    process.wait()
    wait_for(lambda: not is_alive(supervisor))
    run(many.url("in"), web.url("out"), *SLOW, code=75)
    # As if its lock had expired, which takes a minute.
    web.delete(*[key for key in web.keys("out/") if ".forkresize" in key])
    summary = run(many.url("in"), web.url("out"), *SLOW)
    assert (summary["written"] + summary["unchanged"], summary["failed"]) == (24, 0)
    assert [key for key in web.keys("out/") if not key.endswith(".avif")] == []


def test_object_that_is_deleted_in_mid_run_fails_by_name(
    many: Bucket, web: Bucket, start: Callable[..., "subprocess.Popen[str]"]
) -> None:
    data = picture(1, (300, 200))
    for number in range(100, 200):  # More than are fetched ahead.
        many.put(f"in/{number}.jpg", data)
    process = start(many.url("in"), web.url("out"), *QUICK, "--order", "path")
    _, workers = freeze_workers(process)
    many.delete("in/199.jpg")
    workers.go_on()
    summary = json.loads(process.communicate(timeout=120)[0])
    assert (process.returncode, summary["written"], summary["failed"]) == (1, 123, 1)
    assert [each["source"] for each in summary["failures"]] == [many.url("in/199.jpg")]


def test_another_run_on_the_destination_waits_or_ends_with_75(
    many: Bucket, web: Bucket, run: RunCommand, start: Callable[..., "subprocess.Popen[str]"]
) -> None:
    process = start(many.url("in"), web.url("out"), *QUICK)
    _, workers = freeze_workers(process)
    wait_for(lambda: web.keys("out/.forkresize/"))
    assert "another run" in run(many.url("in"), web.url("out"), *QUICK, code=75)["stderr"]
    workers.go_on()
    assert counts(run(many.url("in"), web.url("out"), *QUICK, "--lock-wait", "120")) == (0, 24, 0, 0, 0)
    assert process.wait(90) == 0
