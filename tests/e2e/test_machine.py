"""The installed command with closed streams, unwritable files and other system errors."""

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.protocols import Draw, Run

pytestmark = pytest.mark.slow

needs_full = pytest.mark.skipif(not os.path.exists("/dev/full"), reason="there is no /dev/full")


@pytest.fixture
def shell(tmp_path: Path, draw: Draw, command: list[str]) -> Callable[..., "subprocess.CompletedProcess[str]"]:
    """Run the command with four pictures in ``in`` through a shell: ``shell("in out --width 20 2>&-")``."""
    for number in range(4):
        draw(tmp_path / f"in/{number}.jpg", seed=number)

    def run(line: str, **env: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            ["bash", "-c", f"{command[0]} {line}"],  # noqa: S607
            cwd=tmp_path,
            env={**os.environ, **env},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    return run


def made(tmp_path: Path) -> int:
    return len(list((tmp_path / "out").glob("*.jpg")))


@pytest.mark.parametrize("closed", ["2>&-", ">&- 2>&-", "<&- >&- 2>&-"])
def test_closed_standard_streams_are_accepted(
    closed: str, tmp_path: Path, shell: Callable[..., "subprocess.CompletedProcess[str]"]
) -> None:
    assert shell(f"in out --width 20 --json {closed}").returncode == 0
    assert made(tmp_path) == 4


@needs_full
def test_an_unreadable_standard_error_does_not_stop_the_run(
    tmp_path: Path, shell: Callable[..., "subprocess.CompletedProcess[str]"]
) -> None:
    assert shell("in out --width 20 --verbose 2>/dev/full").returncode == 0
    assert made(tmp_path) == 4


@needs_full
@pytest.mark.parametrize("options", ["--json", "--dry-run", "--help", "--version"])
def test_an_unwritable_standard_output_is_an_error(
    options: str, shell: Callable[..., "subprocess.CompletedProcess[str]"]
) -> None:
    result = shell(
        f"in out --width 20 {options} >/dev/full"
        if "-n" in options or options in {"--json", "--dry-run"}
        else f"{options} >/dev/full"
    )
    assert result.returncode == 3
    assert "No space left" in result.stderr
    assert "Traceback" not in result.stderr


def test_unencodable_characters_of_a_name_are_escaped(
    tmp_path: Path, draw: Draw, shell: Callable[..., "subprocess.CompletedProcess[str]"]
) -> None:
    draw(tmp_path / "in/é漢.jpg")
    result = shell("in out --width 20 --dry-run", PYTHONIOENCODING="ascii")
    assert result.returncode == 0
    assert "\\xe9" in result.stdout


@pytest.mark.parametrize("destination", ["dangling", "/proc/nope", "''"])
def test_an_impossible_destination_is_refused_at_once(
    destination: str, tmp_path: Path, shell: Callable[..., "subprocess.CompletedProcess[str]"]
) -> None:
    (tmp_path / "dangling").symlink_to("nowhere/at/all")
    result = shell(f"in {destination} --width 20")
    assert result.returncode in {2, 3}
    assert "Traceback" not in result.stderr


def test_garbage_in_the_lock_file_is_ignored(tmp_path: Path, forkresize: Run, draw: Draw) -> None:
    draw(tmp_path / "in/a.jpg")
    (tmp_path / "out/.forkresize").mkdir(parents=True)
    (tmp_path / "out/.forkresize/lock").write_bytes(b"\377\376 \0 01234567")
    assert forkresize("in", "out", "--width", "20").returncode == 0


def test_a_report_replaces_only_reports(tmp_path: Path, forkresize: Run, draw: Draw) -> None:
    picture = draw(tmp_path / "in/a.jpg").rename(tmp_path / "in/a.jsonl")
    before = picture.read_bytes()
    result = forkresize("in", "out", "--width", "20", "--report", "in/a.jsonl")
    assert result.returncode == 2
    assert "is not a report" in result.stderr
    assert picture.read_bytes() == before


def test_a_report_named_twice_is_written_once(tmp_path: Path, forkresize: Run, draw: Draw) -> None:
    draw(tmp_path / "in/a.jpg")
    forkresize("in", "out", "--width", "20", "--report", "a.jsonl", "--report", "./a.jsonl")
    assert len((tmp_path / "a.jsonl").read_text().splitlines()) == 1


def test_pictures_with_any_suffix_take_part_in_collisions(tmp_path: Path, forkresize: Run, draw: Draw) -> None:
    draw(tmp_path / "in/a.jpg")
    draw(tmp_path / "in/a.sgi").rename(tmp_path / "in/a.img")
    assert forkresize("in", "out", "--format", "webp").returncode == 2


def test_a_source_that_changes_during_processing_is_processed_again(
    tmp_path: Path, forkresize: Run, draw: Draw
) -> None:
    source = draw(tmp_path / "in/a.png", (2000, 1500))
    output = tmp_path / "out/a.png"
    os.utime(source, ns=(10**18, 10**18))
    from forkresize.batch.outputs import date_output
    from forkresize.batch.render_job import render_job
    from forkresize.job import Job, Output, Source
    from forkresize.recipe import Recipe
    from forkresize.store import LocalStore

    # The source as found by the scan, which is out of date.
    job = Job(Source(str(source), "a.png", source.stat().st_size, 10**18 - 5), (Output(str(output)),))
    (outcome,) = render_job(job, Recipe.of(width=50), LocalStore("", "tag"))
    assert outcome.warnings == ("the source was changed while its output was made",)
    assert date_output(outcome, LocalStore(""), str(output)) == outcome
    assert json.loads(forkresize("in", "out", "--width", "50", "--json").stdout)["written"] == 1
    assert json.loads(forkresize("in", "out", "--width", "50", "--json").stdout)["unchanged"] == 1


def test_a_signal_before_the_work_ends_the_command_silently(tmp_path: Path, command: list[str]) -> None:
    arguments = [
        "env",
        "--default-signal=INT,TERM,HUP",
        f"TMPDIR={tmp_path}",
        *command,
        "--files-from",
        "-",
        "out",
        "--width",
        "20",
    ]
    with subprocess.Popen(arguments, cwd=tmp_path, stdin=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        deadline = time.monotonic() + 30
        while not list(tmp_path.glob("forkresize-names-*")):
            assert time.monotonic() < deadline
            time.sleep(0.01)
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=30) == 143
        assert process.stderr is not None
        assert process.stderr.read() == b""
    assert os.listdir(tmp_path) == []
