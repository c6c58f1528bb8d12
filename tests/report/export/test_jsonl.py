"""The report with one JSON record per line."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from forkresize.errors import DestinationError, UsageError
from forkresize.outcome import Outcome
from forkresize.record import record
from forkresize.report.export.jsonl import JsonLines
from tests.protocols import MakeOutcome

WRITE_ON = """
import resource, sys
from forkresize.errors import DestinationError
from forkresize.job import Source
from forkresize.outcome import UNCHANGED, Outcome, OutputRef
from forkresize.report.export.jsonl import JsonLines
limit = int(sys.argv[2])
if limit:
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
with JsonLines(sys.argv[1]) as report:
    for number in range(10_000_000):
        try:
            report.on_outcome(Outcome(OutputRef(Source(f"{number}.jpg", "")), UNCHANGED))
        except DestinationError as error:
            sys.exit(str(error))
        if number == 100:
            print("under way", flush=True)
"""


def _read(path: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in path.read_text("ascii").splitlines()]


def test_every_outcome_is_a_line(tmp_path: Path, outcomes: list[Outcome]) -> None:
    path = tmp_path / "report.jsonl"
    with JsonLines(str(path)) as report:
        for outcome in outcomes:
            report.on_outcome(outcome)
    assert _read(path) == [record(outcome) for outcome in outcomes]


def test_names_keep_their_bytes(tmp_path: Path, unchanged: MakeOutcome, hostile: str) -> None:
    path = tmp_path / "report.jsonl"
    with JsonLines(str(path)) as report:
        report.on_outcome(unchanged(hostile))
    [entry] = _read(path)
    assert os.fsencode(str(entry["source"])) == os.fsencode(f"in/{hostile}")


def test_lines_are_written_at_once(tmp_path: Path, unchanged: MakeOutcome) -> None:
    path = tmp_path / "report.jsonl"
    with JsonLines(str(path)) as report:
        report.on_outcome(unchanged())
        assert len(_read(path)) == 1


def test_first_outcome_replaces_the_last_report(tmp_path: Path, unchanged: MakeOutcome) -> None:
    path = tmp_path / "report.jsonl"
    path.write_text("{}\n")
    with JsonLines(str(path)) as report:
        assert path.read_bytes() == b"{}\n"
        report.on_outcome(unchanged())
        assert len(_read(path)) == 1


def test_run_without_outcomes_writes_an_empty_report(tmp_path: Path) -> None:
    path = tmp_path / "report.jsonl"
    path.write_text("{}\n")
    with JsonLines(str(path)):
        pass
    assert path.read_bytes() == b""


def test_refused_run_keeps_the_last_report(tmp_path: Path) -> None:
    path = tmp_path / "report.jsonl"
    path.write_text("{}\n")
    with pytest.raises(UsageError), JsonLines(str(path)):
        raise UsageError("no")
    assert path.read_bytes() == b"{}\n"


@pytest.mark.parametrize("name", ["", "missing/report.jsonl", "file/report.jsonl"])
def test_path_that_cannot_be_a_file_is_refused_at_once(tmp_path: Path, name: str) -> None:
    (tmp_path / "file").touch()
    path = str(tmp_path / name)
    with pytest.raises(UsageError) as caught:
        JsonLines(path)
    assert repr(path) in str(caught.value)


def test_unwritable_file_is_refused_at_once() -> None:
    with pytest.raises(DestinationError, match="File name too long"):
        JsonLines("n" * 300)


def test_full_disk_raises_an_error_with_the_path(unchanged: MakeOutcome) -> None:
    with JsonLines("/dev/full") as report, pytest.raises(DestinationError, match=r"'/dev/full'.*No space left"):
        report.on_outcome(unchanged())


def test_closed_pipe_raises_an_error(tmp_path: Path, unchanged: MakeOutcome) -> None:
    os.mkfifo(tmp_path / "pipe")
    reader = os.open(tmp_path / "pipe", os.O_RDONLY | os.O_NONBLOCK)
    with JsonLines(str(tmp_path / "pipe")) as report:
        report.on_outcome(unchanged())
        os.close(reader)
        with pytest.raises(DestinationError, match="Broken pipe"):
            report.on_outcome(unchanged())


def test_failure_to_close_raises_an_error(tmp_path: Path) -> None:
    report = JsonLines(str(tmp_path / "report.jsonl"))
    with pytest.raises(DestinationError, match=r"report\.jsonl.*Bad file descriptor"), report:
        os.close(report._file.fileno())  # noqa: SLF001 - what a failing network drive does to it


def test_line_that_does_not_fit_is_removed(tmp_path: Path) -> None:
    path = tmp_path / "report.jsonl"
    ended = subprocess.run(
        [sys.executable, "-c", WRITE_ON, str(path), "100000"], capture_output=True, text=True, check=False, timeout=60
    )
    assert ended.returncode == 1
    assert f"cannot write the report {str(path)!r}: File too large" in ended.stderr
    assert 0 < 100_000 - path.stat().st_size < 500
    assert _read(path)[-1]["source"] == f"{len(_read(path)) - 1}.jpg"


def test_killed_run_leaves_complete_lines(tmp_path: Path) -> None:
    path = tmp_path / "report.jsonl"
    with subprocess.Popen([sys.executable, "-c", WRITE_ON, str(path), "0"], stdout=subprocess.PIPE) as process:
        assert process.stdout
        assert process.stdout.readline() == b"under way\n"
        process.kill()
    assert process.returncode == -signal.SIGKILL
    assert path.read_bytes().endswith(b"\n")
    assert len(_read(path)) > 100
