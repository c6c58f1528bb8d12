"""The installed command with little disk, memory or descriptors, or when it is suspended."""

import json
import os
import resource
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest
from PIL import Image

from tests.protocols import Draw, Run

pytestmark = pytest.mark.slow

RunLimited = Callable[..., "subprocess.CompletedProcess[str]"]

needs_proc = pytest.mark.skipif(not os.path.isdir("/proc/self"), reason="looks for processes where Linux lists them")


@pytest.fixture
def photos(tmp_path: Path, draw: Draw) -> Path:
    """Twelve pictures of about ten kilobytes each."""
    for number in range(12):
        draw(tmp_path / f"in/{number:02}.png", (160, 120), seed=number)
    return tmp_path / "in"


@pytest.fixture
def limited(command: list[str], tmp_path: Path, photos: Path) -> RunLimited:
    """Run the command on the pictures with limits set: ``limited({resource.RLIMIT_NOFILE: 64}, "--workers", "2")``."""

    def run(
        limits: Mapping[int, int], *options: str, out: str = "out", env: Mapping[str, str] | None = None
    ) -> "subprocess.CompletedProcess[str]":
        def limit() -> None:
            for kind, most in limits.items():
                resource.setrlimit(kind, (most, most))

        return subprocess.run(
            [*command, "in", out, "--width", "100", "--report", "r.jsonl", *options],
            cwd=tmp_path,
            env={**os.environ, **(env or {})},
            preexec_fn=limit,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    return run


def statuses(tmp_path: Path) -> list[str]:
    report = tmp_path / "r.jsonl"
    return [json.loads(line)["status"] for line in report.read_text().splitlines()] if report.exists() else []


def whole(folder: Path) -> list[Path]:
    """Return all files below a folder, without the state directory; each must be a complete picture."""
    found = [path for path in folder.rglob("*") if path.is_file() and ".forkresize" not in path.parts]
    for path in found:
        with Image.open(path) as image:
            image.load()
    return found


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Callable[[int], Path]]:
    """Mount a file system of a number of kilobytes; skip if that is not allowed."""
    mounted = []

    def mount(kilobytes: int) -> Path:
        place = tmp_path / "disk"
        place.mkdir()
        made = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", f"size={kilobytes}k", "tmpfs", place],  # noqa: S607
            capture_output=True,
            check=False,
        )
        if made.returncode:
            pytest.skip("nothing may be mounted here")
        mounted.append(place)
        return place

    yield mount
    for place in mounted:
        subprocess.run(["umount", "-l", place], check=True)  # noqa: S607


@pytest.mark.skipif(not shutil.which("mount"), reason="there is no mount")
@pytest.mark.parametrize("kilobytes", [0, 4, 16, 40, 100, 140, 200])
def test_a_full_disk_stops_the_run_without_incomplete_outputs(
    kilobytes: int, tmp_path: Path, limited: RunLimited, small_disk: Callable[[int], Path]
) -> None:
    disk = small_disk(kilobytes or 4)
    if not kilobytes:
        (disk / "full").write_bytes(bytes(4096))
    done = limited(
        {}, "--format", "tiff", "--ledger=auto" if kilobytes % 8 else "--no-ledger", "--workers", "2", out="disk/out"
    )
    assert done.returncode == 3, done.stderr
    assert "No space left" in done.stderr or "is full" in done.stderr
    assert "Traceback" not in done.stderr
    (disk / "full").unlink(missing_ok=True)
    left = whole(disk)
    found = statuses(tmp_path)
    assert found.count("written") == len(left)
    assert set(found) <= {"written", "failed"}
    assert not list(disk.rglob(".*.forkresize-*"))


@pytest.mark.parametrize("most", [1000, 20_000])
def test_an_output_above_the_file_size_limit_of_the_shell_fails(most: int, tmp_path: Path, limited: RunLimited) -> None:
    done = limited({resource.RLIMIT_FSIZE: most}, "--format", "tiff", "--no-ledger")
    assert done.returncode in {1, 3}, done.stderr
    assert "File too large" in done.stderr
    assert "Traceback" not in done.stderr
    assert not whole(tmp_path / "out")


@pytest.mark.parametrize("most", [64, 24])
def test_few_descriptors_suffice_or_are_an_error(most: int, tmp_path: Path, limited: RunLimited) -> None:
    done = limited({resource.RLIMIT_NOFILE: most}, "--workers", "4")
    assert "Traceback" not in done.stderr
    assert done.returncode in ({0} if most == 64 else {0, 1, 3}), done.stderr
    if done.returncode == 0:
        assert len(whole(tmp_path / "out")) == 12


def test_little_address_space_fails_with_a_memory_limit_and_does_not_hang(
    tmp_path: Path, limited: RunLimited, draw: Draw
) -> None:
    Image.new("RGB", (9000, 9000)).save(tmp_path / "in/large.png", compress_level=1)
    done = limited({resource.RLIMIT_AS: 350 << 20}, "--workers", "2", "--sandbox", "off")
    assert done.returncode == 1, done.stderr
    assert "memory" in done.stderr
    assert len(whole(tmp_path / "out")) == 12


@pytest.mark.parametrize(
    "env",
    [
        {"TMPDIR": "/nowhere/at/all"},
        {"HOME": "/nowhere/at/all", "XDG_CONFIG_HOME": ""},
        {"TERM": ""},
        {"LANG": "C", "LC_ALL": "C", "PYTHONUTF8": "0"},
        {"LC_ALL": "POSIX", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "PYTHONIOENCODING": "ascii:strict"},
        {"COLUMNS": "1", "LINES": "0"},
        {"COLUMNS": "many"},
        {"TZ": "Nowhere/At_All"},
        {"PATH": ""},
    ],
    ids=str,
)
def test_unusual_environments_are_accepted(
    env: dict[str, str], tmp_path: Path, limited: RunLimited, draw: Draw
) -> None:
    draw(tmp_path / "in/é漢.jpg")
    (tmp_path / "in/cut-é.jpg").write_bytes((tmp_path / "in/é漢.jpg").read_bytes()[:300])
    done = limited({}, "--verbose", env=env)
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert len(whole(tmp_path / "out")) == 13


def test_an_empty_environment_is_accepted(tmp_path: Path, photos: Path, command: list[str]) -> None:
    done = subprocess.run(
        [*command, "in", "out", "--width", "20"], cwd=tmp_path, env={}, capture_output=True, timeout=60, check=False
    )
    assert (done.returncode, done.stderr) == (0, b"")


def test_times_in_the_future_and_before_the_epoch_are_accepted(tmp_path: Path, photos: Path, forkresize: Run) -> None:
    for number, when in enumerate([2**33, -(2**31), 0, 2**32 - 1]):
        os.utime(photos / f"{number:02}.png", (when, when))
    options = ["in", "out", "--width", "100", "--preserve-times", "--json"]
    assert json.loads(forkresize(*options).stdout)["written"] == 12
    assert json.loads(forkresize(*options).stdout)["unchanged"] == 12


@pytest.mark.parametrize("ledger", ["--ledger=auto", "--no-ledger"])
def test_a_clock_set_back_keeps_outputs_and_detects_changes(
    tmp_path: Path, photos: Path, forkresize: Run, ledger: str
) -> None:
    ahead = time.time() + 86_400
    for source in photos.iterdir():
        os.utime(source, (ahead, ahead))
    options = ["in", "out", "--width", "100", "--preserve-times", "--json", ledger]
    assert json.loads(forkresize(*options).stdout)["written"] == 12
    assert json.loads(forkresize(*options).stdout)["unchanged"] == 12
    os.utime(photos / "00.png")
    # By modification times alone, an output that is newer than its source is up to date.
    changed = 1 if ledger == "--ledger=auto" else 0
    again = json.loads(forkresize(*options).stdout)
    assert (again["written"], again["unchanged"]) == (changed, 12 - changed)


@pytest.mark.skipif(not shutil.which("taskset"), reason="there is no taskset")
def test_one_cpu_and_low_priority_suffice(tmp_path: Path, photos: Path, command: list[str]) -> None:
    cpu = str(min(os.sched_getaffinity(0)))
    line = ["taskset", "-c", cpu, "nice", "-n", "19", *command, "in", "out", "--width", "20", "--json"]
    done = subprocess.run(line, cwd=tmp_path, capture_output=True, timeout=60, check=True)
    summary = json.loads(done.stdout)
    assert (summary["written"], summary["workers"]) == (12, 1)


@pytest.mark.parametrize("options", ["--verbose 2>&1", "--dry-run", "--json", "--help"])
def test_a_closed_pipe_loses_no_output(options: str, tmp_path: Path, photos: Path, command: list[str]) -> None:
    line = f"set -o pipefail; {command[0]} in out --width 20 {options} | head -c 1 >/dev/null"
    done = subprocess.run(["bash", "-c", line], cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)  # noqa: S607
    assert "Traceback" not in done.stderr
    assert done.returncode in {0, 141}
    if options.startswith(("--verbose", "--json")):
        assert len(whole(tmp_path / "out")) == 12


def children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


@needs_proc
@pytest.mark.parametrize("who", ["parent", "worker", "all"])
def test_a_suspended_process_continues(who: str, tmp_path: Path, photos: Path, draw: Draw, command: list[str]) -> None:
    first = draw(tmp_path / "in/x0.png", (700, 500))
    for number in range(1, 20):
        shutil.copy(first, tmp_path / f"in/x{number}.png")
    arguments = [*command, "in", "out", "--width", "600", "--workers", "2", "--json"]
    with subprocess.Popen(arguments, cwd=tmp_path, stdout=subprocess.PIPE) as process:
        while not whole_yet(tmp_path / "out"):
            time.sleep(0.01)
        workers = children(process.pid)
        stopped = {"parent": [process.pid], "worker": workers[:1], "all": [process.pid, *workers]}[who]
        for pid in stopped:
            os.kill(pid, signal.SIGSTOP)
        time.sleep(0.7)
        for pid in reversed(stopped):
            os.kill(pid, signal.SIGCONT)
        output, _ = process.communicate(timeout=60)
    summary = json.loads(output)
    assert (process.returncode, summary["written"], summary["failed"], summary["workers_lost"]) == (0, 32, 0, 0)


def whole_yet(folder: Path) -> list[str]:
    return [name for name in os.listdir(folder) if name.endswith(".png") and name[0] != "."] if folder.is_dir() else []


@needs_proc
def test_a_worker_that_stays_suspended_is_timed_out(
    tmp_path: Path, photos: Path, draw: Draw, command: list[str]
) -> None:
    for number in range(8):
        draw(tmp_path / f"in/x{number}.png", (1000, 800), seed=number)
    arguments = [
        *command,
        "in",
        "out",
        "--width",
        "900",
        "--workers",
        "2",
        "--timeout",
        "2s",
        "--json",
        "--retries",
        "0",
    ]
    with subprocess.Popen(arguments, cwd=tmp_path, stdout=subprocess.PIPE) as process:
        while not whole_yet(tmp_path / "out"):
            time.sleep(0.005)
        os.kill(children(process.pid)[0], signal.SIGSTOP)
        output, _ = process.communicate(timeout=60)
    summary = json.loads(output)
    assert process.returncode == summary["exit_code"] == int(bool(summary["failed"]))
    assert summary["written"] + summary["failed"] == 20
    assert summary["failed"] <= 1
