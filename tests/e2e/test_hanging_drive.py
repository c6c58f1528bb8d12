"""The command on a drive that stops answering: results, deadlines and signals go on.

Before there was a process for the walk, no picture was done, and neither the deadline of a picture nor that of the run
was kept, until the drive answered again.
"""

import ctypes
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.frozen import children
from tests.e2e.test_interrupt import alive, wait_for
from tests.protocols import Draw

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        sys.platform != "linux" or os.geteuid() != 0 or not os.access("/dev/fuse", os.R_OK | os.W_OK),
        reason="mounts a file system of FUSE, as root on Linux",
    ),
]

SERVER = Path(__file__).parent.parent / "hanging_drive.py"
_MNT_DETACH = 2


@pytest.fixture
def drive(tmp_path: Path, draw: Draw) -> Iterator["subprocess.Popen[str]"]:
    """Mount a drive at ``in``. It has a picture, one that cannot be read to its end, and a directory like that."""
    draw(tmp_path / "drive/a.jpg")
    draw(tmp_path / "drive/b-hanging.jpg")
    (tmp_path / "drive/hanging").mkdir()
    (tmp_path / "in").mkdir()
    server = [sys.executable, str(SERVER), str(tmp_path / "in"), str(tmp_path / "drive")]
    with subprocess.Popen(server, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            if process.stdout.readline() != "mounted\n":
                pytest.skip("this machine refuses to mount it")
            yield process
        finally:
            process.kill()
            ctypes.CDLL(None).umount2(os.fsencode(tmp_path / "in"), _MNT_DETACH)


@pytest.fixture
def started(
    tmp_path: Path, drive: "subprocess.Popen[str]", command: list[str], request: pytest.FixtureRequest
) -> Iterator["subprocess.Popen[str]"]:
    """The running command, whose walk waits for the drive."""
    assert drive.stdout is not None
    options = ["--width", "20", "--workers", "2", "--verbose", *getattr(request, "param", ())]
    # A test runner started with & ignores SIGINT, and children would inherit that.
    arguments = ["env", "--default-signal=INT,TERM,HUP", *command, "in", "out", *options]
    with (
        open(tmp_path / "stderr", "wb") as stderr,
        subprocess.Popen(arguments, cwd=tmp_path, stderr=stderr, text=True) as process,
    ):
        try:
            while drive.stdout.readline() != "hangs hanging\n":
                assert process.poll() is None
            yield process
        finally:
            process.kill()


def seconds_until_killed(tmp_path: Path) -> float:
    """Wait for the line about the picture that cannot be read to its end; return how long its worker was given."""
    found: list[str] = []

    def has_line() -> bool:
        found[:] = re.findall(r"b-hanging\.jpg  timed out: SIGKILL: killed after ([\d.]+) s", printed(tmp_path))
        return bool(found)

    wait_for(has_line)
    return float(found[0])


def printed(tmp_path: Path) -> str:
    return (tmp_path / "stderr").read_text()


@pytest.mark.parametrize("started", [["--timeout", "1s"]], indirect=True)
def test_pictures_are_done_and_deadlines_are_kept(tmp_path: Path, started: "subprocess.Popen[str]") -> None:
    assert 1 <= seconds_until_killed(tmp_path) < 5
    wait_for(lambda: "written   out/a.jpg" in printed(tmp_path))
    assert started.poll() is None


@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("started", [["--timeout", "1s"]], indirect=True)
def test_a_signal_ends_the_run(tmp_path: Path, started: "subprocess.Popen[str]", signum: signal.Signals) -> None:
    seconds_until_killed(tmp_path)
    processes = children(started.pid)
    assert processes
    began = time.monotonic()
    started.send_signal(signum)
    assert started.wait(20) == 128 + signum
    assert time.monotonic() - began < 10
    wait_for(lambda: not any(map(alive, processes)))


@pytest.mark.parametrize("started", [["--timeout", "1s", "--max-duration", "3s"]], indirect=True)
def test_the_duration_of_a_run_is_kept(tmp_path: Path, started: "subprocess.Popen[str]") -> None:
    assert started.wait(20) == 10
    assert "written   out/a.jpg" in printed(tmp_path)


@pytest.mark.parametrize("started", [["--timeout", "1s"]], indirect=True)
def test_no_process_outlives_a_run_that_is_killed(started: "subprocess.Popen[str]") -> None:
    wait_for(lambda: len(children(started.pid)) > 1)
    processes = children(started.pid)
    started.kill()
    started.wait()
    wait_for(lambda: not any(map(alive, processes)))
