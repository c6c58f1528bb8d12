"""The installed command when it is stopped or killed, or loses a worker."""

import contextlib
import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PIL import Image

from tests.e2e.frozen import Workers, children, frozen_command
from tests.protocols import Draw, Run

Running = subprocess.Popen[bytes]

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not os.path.isdir("/proc/self"), reason="looks for processes where Linux lists them"),
]

DEADLINE = 30
SOURCES = 24
OPTIONS = ["--width", "600", "--workers", "2", "--report", "report.jsonl"]


def wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + DEADLINE
    while not condition():
        assert time.monotonic() < deadline, "what was waited for did not come"
        time.sleep(0.01)


def insist_until(process: Running, condition: Callable[[], bool]) -> None:
    def insist() -> bool:
        process.send_signal(signal.SIGINT)
        return condition()

    wait_for(insist)


def alive(pid: int) -> bool:
    try:
        return "State:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False


def files(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.rglob("*") if path.is_file() and path.parent.name != ".forkresize")


def statuses(tmp_path: Path) -> dict[str, str]:
    lines = (tmp_path / "report.jsonl").read_text().splitlines()
    return {record["source"]: record["status"] for record in map(json.loads, lines)}


@pytest.fixture
def large(tmp_path: Path, draw: Draw) -> Path:
    """Pictures that each take almost a tenth of a second."""
    first = draw(tmp_path / "in/00.png", (1000, 750))
    for number in range(1, SOURCES):
        os.link(first, tmp_path / f"in/{number:02}.png")
    return tmp_path / "in"


@pytest.fixture
def frozen(tmp_path: Path, large: Path, command: list[str]) -> Iterator[tuple[Running, Workers]]:
    """The running command, which has made some outputs, and its frozen workers."""
    with frozen_command([*command, "in", "out", *OPTIONS], tmp_path / "out", SOURCES) as frozen:
        yield frozen


@pytest.mark.parametrize(("signum", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_a_signal_ends_the_run_after_pictures_in_progress(
    signum: signal.Signals, code: int, tmp_path: Path, frozen: tuple[Running, Workers], forkresize: Run
) -> None:
    started, workers = frozen
    started.send_signal(signum)
    workers.go_on()
    _, stderr = started.communicate(timeout=DEADLINE)
    assert started.returncode == code
    assert signum.name in stderr.decode()
    assert not any(map(alive, workers.pids))
    reported = statuses(tmp_path)
    assert 0 < len(reported) < SOURCES
    assert set(reported.values()) == {"written"}
    assert files(tmp_path / "out") == sorted(os.path.basename(source) for source in reported)
    again = json.loads(forkresize("in", "out", *OPTIONS, "--json").stdout)
    assert (again["unchanged"], again["written"]) == (len(reported), SOURCES - len(reported))


def test_a_second_signal_ends_the_run_at_once_without_incomplete_outputs(
    tmp_path: Path, frozen: tuple[Running, Workers]
) -> None:
    started, workers = frozen
    insist_until(started, lambda: not any(map(alive, workers.pids)))
    started.communicate(timeout=DEADLINE)
    assert started.returncode == 130
    assert not any(map(alive, workers.pids))
    reported = statuses(tmp_path)
    written = {os.path.basename(name) for name, status in reported.items() if status == "written"}
    # A worker may have been killed between its last rename and its report.
    assert written <= set(files(tmp_path / "out")) <= {os.path.basename(name) for name in reported}
    for made in (tmp_path / "out").rglob("*.png"):
        with Image.open(made) as picture:
            picture.load()
    assert list(reported.values()).count("failed") <= 2


def test_killed_workers_lose_no_picture(tmp_path: Path, frozen: tuple[Running, Workers]) -> None:
    started, workers = frozen
    os.kill(workers.pids[0], signal.SIGKILL)
    workers.go_on()
    for made in range(4, SOURCES // 2, 3):
        wait_for(lambda: len(files(tmp_path / "out")) > made)  # noqa: B023 (called at once)
        for worker in children(started.pid)[:1]:
            with contextlib.suppress(ProcessLookupError):
                os.kill(worker, signal.SIGKILL)
    started.communicate(timeout=DEADLINE)
    assert started.returncode == 0
    assert set(statuses(tmp_path).values()) == {"written"}
    assert len(files(tmp_path / "out")) == SOURCES


def test_a_killed_run_leaves_no_process_and_the_next_run_cleans_up(
    tmp_path: Path, frozen: tuple[Running, Workers], forkresize: Run
) -> None:
    started, workers = frozen
    started.kill()
    started.wait(timeout=DEADLINE)
    wait_for(lambda: not any(map(alive, workers.pids)))
    assert list((tmp_path / "out").glob(".forkresize-*"))
    assert forkresize("in", "out", *OPTIONS).returncode == 0
    assert files(tmp_path / "out") == [f"{number:02}.png" for number in range(SOURCES)]
    assert not list((tmp_path / "out").rglob(".*forkresize-*"))
