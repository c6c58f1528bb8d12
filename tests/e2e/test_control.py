"""The installed command with other runs, deadlines and shards, and with --watch."""

import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.protocols import Draw, Run

pytestmark = pytest.mark.slow

Running = subprocess.Popen[bytes]
Start = Callable[..., Running]

DEADLINE = 60
OPTIONS = ("in", "out", "--width", "20")
SLOW = 12
"""Sources of a run that takes some seconds."""

LONG_AGO = (1_000_000_000, 1_000_000_000)


def wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + DEADLINE
    while not condition():
        assert time.monotonic() < deadline, "what was waited for did not come"
        time.sleep(0.02)


def made(tmp_path: Path) -> list[str]:
    # Unlike a glob, a walk passes over directories that a run removes at this moment.
    out = tmp_path / "out"
    found = (os.path.relpath(os.path.join(above, name), out) for above, _, names in os.walk(out) for name in names)
    return sorted(path for path in found if not path.startswith(".forkresize"))


@pytest.fixture
def photos(tmp_path: Path, draw: Draw) -> Path:
    for number in range(8):
        os.utime(draw(tmp_path / f"in/{number}.jpg", seed=number), LONG_AGO)
    return tmp_path / "in"


@pytest.fixture
def start(tmp_path: Path, command: list[str]) -> Iterator[Start]:
    """Start the command and make sure that it ends: ``start("in", "out", "--watch")``."""
    running: list[Running] = []

    def run(*arguments: str) -> Running:
        # A test runner started with & ignores SIGINT, and children would inherit that.
        line = ["env", "--default-signal=INT,TERM,HUP", *command, *arguments]
        process = subprocess.Popen(line, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        running.append(process)
        return process

    yield run
    for process in running:
        process.kill()
        process.communicate()


@pytest.fixture
def slow(tmp_path: Path, draw: Draw) -> list[str]:
    """Arguments of a run that takes some seconds."""
    first = draw(tmp_path / "in/00.png", (1200, 900))
    for number in range(1, SLOW):
        os.link(first, tmp_path / f"in/{number:02}.png")
    return ["in", "out", "--width", "600", "--format", "avif", "--workers", "1"]


def hold_lock(process: Running, tmp_path: Path) -> None:
    """Stop a run that has the lock of the destination: it opens the ledger after that."""
    wait_for((tmp_path / "out/.forkresize/ledger.db").exists)
    process.send_signal(signal.SIGSTOP)
    assert process.poll() is None


class TestTwoRuns:
    def test_the_second_run_exits_at_once_with_a_message(self, tmp_path: Path, slow: list[str], start: Start) -> None:
        first = start(*slow, "--json")
        hold_lock(first, tmp_path)
        second = start(*slow)
        _, stderr = second.communicate(timeout=DEADLINE)
        assert second.returncode == 75
        assert b"another run is writing to out" in stderr
        assert first.poll() is None
        first.send_signal(signal.SIGCONT)
        summary = json.loads(first.communicate(timeout=DEADLINE)[0])
        assert (first.returncode, summary["written"]) == (0, SLOW)

    def test_with_lock_wait_the_second_run_follows_and_repeats_no_work(self, slow: list[str], start: Start) -> None:
        both = [start(*slow, "--json", "--lock-wait", "50s", *more) for more in ([], ["--verbose"])]
        outputs = [process.communicate(timeout=DEADLINE) for process in both]
        assert [process.returncode for process in both] == [0, 0]
        summaries = [json.loads(stdout) for stdout, _ in outputs]
        assert sorted((summary["written"], summary["unchanged"]) for summary in summaries) == [(0, SLOW), (SLOW, 0)]
        assert outputs[0][1] == b""
        waited = summaries[1]["written"] == 0
        assert outputs[1][1].count(b"waiting for another run to free the destination") == waited

    @pytest.mark.parametrize(("signum", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
    def test_a_signal_ends_the_wait_at_once(
        self, signum: signal.Signals, code: int, tmp_path: Path, slow: list[str], start: Start
    ) -> None:
        first = start(*slow)
        hold_lock(first, tmp_path)
        second = start(*slow, "--lock-wait", "1h", "--verbose")
        assert second.stderr is not None
        assert b"waiting for another run" in second.stderr.readline()
        second.send_signal(signum)
        second.communicate(timeout=DEADLINE)
        assert second.returncode == code
        assert first.poll() is None


def test_the_next_run_continues_after_max_duration(tmp_path: Path, slow: list[str], forkresize: Run) -> None:
    result = forkresize(*slow, "--max-duration", "0.8s", "--json")
    if not json.loads(result.stdout)["written"]:
        # A busy machine needs more time for the first picture.
        result = forkresize(*slow, "--max-duration", "4s", "--json")
    summary = json.loads(result.stdout)
    assert result.returncode == summary["exit_code"] == 10
    assert "--max-duration" in result.stderr
    assert 0 < summary["written"] < SLOW
    assert len(made(tmp_path)) == summary["written"]
    again = json.loads(forkresize(*slow, "--json").stdout)
    assert (again["unchanged"], again["written"]) == (summary["written"], SLOW - summary["written"])


def test_parallel_shards_write_every_output_once(tmp_path: Path, photos: Path, start: Start) -> None:
    shards = [start(*OPTIONS, "--workers", "1", "--json", "--shard", f"{number}/3") for number in (1, 2, 3)]
    summaries = [json.loads(shard.communicate(timeout=DEADLINE)[0]) for shard in shards]
    assert [summary["exit_code"] for summary in summaries] == [0, 0, 0]
    assert sum(summary["sources"] for summary in summaries) == sum(summary["written"] for summary in summaries) == 8
    assert len(made(tmp_path)) == 8


def test_files_are_selected_by_size_and_time(tmp_path: Path, photos: Path, forkresize: Run, draw: Draw) -> None:
    large = draw(photos / "large.png", (300, 300))
    os.utime(large, LONG_AGO)
    (tmp_path / "stamp").touch()
    os.utime(tmp_path / "stamp", LONG_AGO)
    os.utime(photos / "3.jpg", (1_000_000_001, 1_000_000_001))

    def taken(*options: str) -> list[str]:
        lines = forkresize(*OPTIONS, "--dry-run", *options).stdout.splitlines()
        return sorted(os.path.basename(line.split()[1]) for line in lines)

    assert taken("--min-size", "20K") == ["large.png"]
    assert "large.png" not in taken("--max-size", "20KB")
    assert taken("--newer-than", "stamp") == ["3.jpg"]
    assert taken("--newer-than", "2001-09-10", "--min-size", "1") == []
    assert len(taken("--newer-than", "36500d")) == 9


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--shard", "4/3"], "--shard: "),
        (["--newer-than", "soon"], "--newer-than: "),
        (["--min-size", "2K", "--max-size", "1K"], "--max-size: 1000 is less than the minimum size, 2000"),
        (["--nice", "20"], "--nice"),
        (["--watch", "--dry-run"], "--watch cannot be combined with --dry-run"),
        (["--watch", "--max-duration", "1h"], "--watch cannot be combined with --max-duration"),
    ],
)
def test_invalid_run_control_is_refused_before_any_work(
    options: list[str], message: str, tmp_path: Path, photos: Path, forkresize: Run
) -> None:
    result = forkresize(*OPTIONS, *options)
    assert result.returncode == 2
    assert message in result.stderr
    assert not (tmp_path / "out").exists()


class TestWatch:
    @pytest.fixture
    def watching(self, photos: Path, tmp_path: Path, start: Start) -> Running:
        """The command, waiting after all pictures were processed."""
        pytest.importorskip("watchdog")
        assert len(os.listdir(photos)) == 8
        process = start(*OPTIONS, "--watch", "--verbose", "--json", "--report", "run.jsonl", "--log-file", "in/run.log")
        wait_for(lambda: len(made(tmp_path)) == 8)
        return process

    def test_new_pictures_are_processed_until_ctrl_c(
        self, photos: Path, tmp_path: Path, watching: Running, draw: Draw
    ) -> None:
        draw(photos / "new.jpg")
        draw(tmp_path / "day/moved.jpg")
        os.utime(tmp_path / "day/moved.jpg", LONG_AGO)
        (tmp_path / "day").rename(photos / "day")
        wait_for(lambda: {"new.jpg", "day/moved.jpg"} <= set(made(tmp_path)))
        first = (tmp_path / "out/0.jpg").stat().st_ino
        draw(photos / "0.jpg", seed=99)
        draw(photos / "last.jpg")
        wait_for(lambda: "last.jpg" in made(tmp_path) and (tmp_path / "out/0.jpg").stat().st_ino != first)
        watching.send_signal(signal.SIGINT)
        stdout, _ = watching.communicate(timeout=DEADLINE)
        summary = json.loads(stdout)
        assert watching.returncode == summary["exit_code"] == 130
        assert (summary["written"], summary["failed"]) == (12, 0)
        reported = [json.loads(line)["source"] for line in (tmp_path / "run.jsonl").read_text().splitlines()]
        assert sorted(set(reported)) == sorted(
            [*(f"in/{number}.jpg" for number in range(8)), "in/new.jpg", "in/last.jpg", "in/day/moved.jpg"]
        )

    def test_a_file_is_processed_once_it_stops_growing(
        self, photos: Path, tmp_path: Path, watching: Running, draw: Draw
    ) -> None:
        whole = draw(tmp_path / "whole.png", (200, 200)).read_bytes()
        with (photos / "slow.png").open("wb", buffering=0) as file:
            for start in range(0, len(whole), len(whole) // 5):
                file.write(whole[start : start + len(whole) // 5])
                time.sleep(0.6)
            # Another file arrives, and is processed without waiting for the first.
            shutil.copy(tmp_path / "whole.png", photos / "quick.png")
            wait_for(lambda: "quick.png" in made(tmp_path))
            assert "slow.png" not in made(tmp_path)
        wait_for(lambda: "slow.png" in made(tmp_path))
        watching.send_signal(signal.SIGTERM)
        _, stderr = watching.communicate(timeout=DEADLINE)
        assert watching.returncode == 143
        assert b"failed  " not in stderr

    def test_a_source_that_is_away_for_a_while_is_waited_for(
        self, photos: Path, tmp_path: Path, watching: Running, draw: Draw
    ) -> None:
        assert watching.stderr is not None
        photos.rename(tmp_path / "away")
        for line in watching.stderr:
            if b"is away or was replaced" in line:
                break
        time.sleep(3)
        assert watching.poll() is None
        # Another directory takes its place: the drive was mounted again.
        shutil.copytree(tmp_path / "away", photos)
        draw(photos / "new.jpg")
        wait_for(lambda: "new.jpg" in made(tmp_path))
        draw(photos / "later.jpg")
        wait_for(lambda: "later.jpg" in made(tmp_path))
        watching.send_signal(signal.SIGINT)
        assert watching.wait(DEADLINE) == 130

    @pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM])
    def test_a_signal_ends_the_wait_for_a_source(
        self, photos: Path, tmp_path: Path, start: Start, signum: signal.Signals
    ) -> None:
        pytest.importorskip("watchdog")
        watching = start(*OPTIONS, "--watch", "--json")
        wait_for(lambda: len(made(tmp_path)) == 8)
        assert watching.stderr is not None
        photos.rename(tmp_path / "away")
        for line in watching.stderr:
            if b"is away or was replaced" in line:
                break
        began = time.monotonic()
        watching.send_signal(signum)
        stdout, _ = watching.communicate(timeout=DEADLINE)
        assert watching.returncode == 128 + signum
        assert time.monotonic() - began < 10
        assert json.loads(stdout)["written"] == 8

    def test_a_single_file_is_processed_whenever_it_was_replaced(
        self, tmp_path: Path, start: Start, draw: Draw
    ) -> None:
        pytest.importorskip("watchdog")
        photo = draw(tmp_path / "photo.jpg")
        process = start("photo.jpg", "out", "--width", "20", "--watch", "--quiet")
        output = tmp_path / "out/photo.jpg"
        wait_for(output.exists)
        for seed in (1, 2):
            before = output.stat().st_ino
            photo.unlink()
            draw(tmp_path / "new.jpg", seed=seed).rename(photo)
            wait_for(lambda: output.stat().st_ino != before)  # noqa: B023
        process.send_signal(signal.SIGINT)
        assert process.wait(DEADLINE) == 130

    def test_another_run_can_work_between_two_passes(
        self, photos: Path, tmp_path: Path, watching: Running, forkresize: Run, draw: Draw
    ) -> None:
        draw(photos / "new.jpg")
        result = forkresize(*OPTIONS, "--json", "--lock-wait", "30s")
        assert result.returncode == 0
        draw(photos / "newer.jpg")
        wait_for(lambda: "newer.jpg" in made(tmp_path))
        watching.send_signal(signal.SIGINT)
        summary = json.loads(watching.communicate(timeout=DEADLINE)[0])
        assert summary["failed"] == 0

    def test_a_killed_watch_leaves_no_process(self, watching: Running, tmp_path: Path) -> None:
        def listeners() -> list[str]:
            lines = subprocess.run(["ps", "-ww", "-eo", "args"], capture_output=True, text=True, check=True).stdout  # noqa: S607
            return [line for line in lines.splitlines() if "walk.watcher_process" in line and str(tmp_path) in line]

        assert len(listeners()) == 1
        watching.kill()
        wait_for(lambda: not listeners())
