"""The reports, logs and metrics of the installed command."""

import csv
import json
import os
import re
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from tests.protocols import Draw, Run

pytestmark = pytest.mark.slow

REPORTS = ("--report", "run.jsonl", "--report", "run.csv", "--report", "run.html")


@pytest.fixture
def pictures(tmp_path: Path, draw: Draw) -> Path:
    """Three pictures, a truncated one, and a text file."""
    folder = tmp_path / "in"
    for number in range(3):
        draw(folder / f"{number}.jpg", (400, 300), seed=number)
    cut = draw(folder / "cut <b>.jpg", (400, 300), seed=3)
    cut.write_bytes(cut.read_bytes()[:-2000])
    (folder / "notes.txt").write_text("not a picture")
    return folder


def _json_lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def _page_rows(path: Path) -> list[list[Any]]:
    found = re.search(r'id="data">(.*?)</script>', path.read_text("utf-8"))
    assert found
    rows: list[list[Any]] = json.loads(found[1])["rows"]
    return rows


def test_all_reports_contain_the_same_records(tmp_path: Path, pictures: Path, forkresize: Run) -> None:
    result = forkresize("in", "out", "--width", "100", *REPORTS)
    assert result.returncode == 1
    expected = sorted((record["source"], record["status"]) for record in _json_lines(tmp_path / "run.jsonl"))
    assert len(expected) == 5
    assert sorted((row["source"], row["status"]) for row in _rows(tmp_path / "run.csv")) == expected
    assert sorted((row[0], row[1]) for row in _page_rows(tmp_path / "run.html")) == expected


def test_the_page_shows_before_and_after(tmp_path: Path, pictures: Path, forkresize: Run) -> None:
    forkresize("in", "out", "--width", "100", "--report", "run.html")
    page = (tmp_path / "run.html").read_text("utf-8")
    # Of three pictures, a pair of thumbnails, and a pair of details at full size.
    for label in ("Before", "After"):
        assert len(re.findall(f'src="data:image/webp;base64,UklGR[^"]*" alt="{label}: ', page)) == 6
    assert "in/cut &lt;b&gt;.jpg" in page


def test_report_names_can_contain_date_and_time(tmp_path: Path, pictures: Path, forkresize: Run) -> None:
    forkresize("in", "out", "--width", "100", "--report", "run-{date}-{time}.csv")
    [report] = tmp_path.glob("run-*.csv")
    assert re.fullmatch(r"run-\d{4}-\d\d-\d\d-\d{6}\.csv", report.name)


def test_reports_are_complete_after_an_interrupt(tmp_path: Path, draw: Draw, command: list[str]) -> None:
    first = draw(tmp_path / "in/0.jpg", (2000, 1500))
    for number in range(1, 200):
        os.link(first, tmp_path / f"in/{number}.jpg")
    files = ["--log-file", "run.log", "--log-format", "json", "--metrics-file", "run.prom"]
    # A test runner started with & ignores SIGINT, and children would inherit that.
    arguments = ["env", "--default-signal=INT", *command, "in", "out", "--width", "1600", "--workers", "2"]
    with subprocess.Popen([*arguments, *REPORTS, *files], cwd=tmp_path, stderr=subprocess.DEVNULL) as process:
        _wait_for(lambda: (tmp_path / "run.jsonl").exists() and (tmp_path / "run.jsonl").stat().st_size > 0)
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 130
    count = len(_json_lines(tmp_path / "run.jsonl"))
    assert 0 < count < 200
    assert len(_rows(tmp_path / "run.csv")) == len(_page_rows(tmp_path / "run.html")) == count
    assert "Stopped by SIGINT" in (tmp_path / "run.html").read_text("utf-8")
    last = _json_lines(tmp_path / "run.log")[-1]
    assert (last["event"], last["exit_code"], last["stopped_by"]) == ("run ended", 130, "SIGINT")
    assert 'forkresize_last_run_exit_code{batch="run"} 130.0' in (tmp_path / "run.prom").read_text()


def _wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_log_and_metrics_agree_with_the_summary(tmp_path: Path, pictures: Path, forkresize: Run) -> None:
    files = ["--log-file", "run.log", "--log-format", "json", "--log-level", "debug", "--metrics-file", "run.prom"]
    summary = json.loads(forkresize("in", "out", "--width", "100", "--json", *files).stdout)
    start, *events, end = _json_lines(tmp_path / "run.log")
    assert (start["sources"], start["destination"]) == (["in"], "out")
    assert sorted(event["event"] for event in events) == ["failed", "skipped", "written", "written", "written"]
    del summary["failures"]
    assert {name: end[name] for name in summary} == summary
    metrics = (tmp_path / "run.prom").read_text()
    assert 'status="written"} 3.0' in metrics
    assert f'forkresize_source_bytes_total{{batch="run"}} {summary["in_bytes"]:.1f}' in metrics


def test_a_refused_run_is_in_the_log_and_the_metrics(tmp_path: Path, draw: Draw, forkresize: Run) -> None:
    files = ["--log-file", "run.log", "--metrics-file", "run.prom"]
    assert forkresize("missing", "out", "--width", "100", *files).returncode == 3
    assert "exit_code=3" in (tmp_path / "run.log").read_text()
    assert 'exit_code{batch="run"} 3.0' in (tmp_path / "run.prom").read_text()


def test_an_unwritable_report_is_in_the_log(tmp_path: Path, pictures: Path, forkresize: Run) -> None:
    result = forkresize("in", "out", "--width", "100", "--report", "missing/run.html", "--log-file", "run.log")
    assert result.returncode == 2
    assert "exit_code=2" in (tmp_path / "run.log").read_text()
    assert not (tmp_path / "out").exists()


def test_strict_counts_skipped_files_as_failures(tmp_path: Path, draw: Draw, forkresize: Run) -> None:
    draw(tmp_path / "in/a.jpg")
    assert forkresize("in", "out", "--width", "20", "--strict").returncode == 0
    (tmp_path / "in/notes.txt").write_text("not a picture")
    result = forkresize("in", "out", "--width", "20", "--strict")
    assert result.returncode == 1
    assert "sources were skipped (--strict): 1 not a picture" in result.stderr
    assert forkresize("in", "out", "--width", "20").returncode == 0


def test_losses_are_silent_without_a_terminal_unless_requested(tmp_path: Path, forkresize: Run) -> None:
    (tmp_path / "in").mkdir()
    frames = [Image.new("L", (20, 20), level) for level in (0, 255)]
    frames[0].save(tmp_path / "in/moving.gif", save_all=True, append_images=frames[1:])
    job = ["in", "out", "--width", "10", "--format", "jpeg", "--force"]
    result = forkresize(*job)
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")
    shown = (
        "forkresize: 0 failed, 1 written, 0 unchanged, 0 skipped{}\nforkresize: warnings: 1 frames or pages dropped\n"
    )
    result = forkresize(*job, "--warnings", "show")
    assert (result.returncode, result.stderr) == (0, shown.format(""))
    result = forkresize(*job, "--warnings", "fail", "--json")
    assert (result.returncode, json.loads(result.stdout)["warnings"]) == (12, {"frames": 1})
    assert result.stderr == shown.format("; outputs lost a part of their images (--warnings fail)")
    result = forkresize(*job, "--warnings", "fail", "--quiet")
    assert (result.returncode, result.stdout, result.stderr) == (12, "", "")
    assert forkresize(*job, "--animation", "first", "--warnings", "fail").returncode == 0
    assert forkresize(*job, "--warnings", "show", "--quiet").returncode == 2


def test_error_on_empty_fails_for_an_empty_folder(tmp_path: Path, forkresize: Run) -> None:
    (tmp_path / "in").mkdir()
    assert forkresize("in", "out", "--width", "20").returncode == 0
    result = forkresize("in", "out", "--width", "20", "--error-on-empty")
    assert result.returncode == 9
    assert result.stderr == "forkresize: no pictures found; there are no files\n"
    assert not (tmp_path / "out").exists()
    (tmp_path / "in/notes.txt").write_text("text")
    result = forkresize("in", "out", "--width", "20", "--exclude", "*.txt", "-v")
    assert (result.returncode, result.stderr) == (0, "forkresize: no pictures found; --exclude excluded 1 file\n")
    assert forkresize("in", "out", "--width", "20").stderr == ""
    assert not (tmp_path / "out").exists()


def test_a_successful_run_prints_nothing(tmp_path: Path, draw: Draw, forkresize: Run) -> None:
    draw(tmp_path / "in/a.jpg")
    files = ["--log-file", "run.log", "--metrics-file", "run.prom", "--strict", "--error-on-empty"]
    result = forkresize("in", "out", "--width", "20", *REPORTS, *files)
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")
