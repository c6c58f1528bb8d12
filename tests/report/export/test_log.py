"""The log file."""

import json
import os
import resource
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from forkresize.errors import DestinationError, UsageError
from forkresize.record import record
from forkresize.report.export.event_lines import format_text
from forkresize.report.export.log import Log
from tests.protocols import MakeOutcome


def _log(path: Path, level: str = "info", form: str = "json") -> Log:
    return Log(str(path), level=level, form=form, about={"destination": "out"})


def _events(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text("ascii").splitlines()]


def test_events_have_a_level_and_the_fields_of_the_record(
    tmp_path: Path,
    written: MakeOutcome,
    skipped: MakeOutcome,
    failed: MakeOutcome,
) -> None:
    outcomes = [written(), written(warnings=("odd",)), skipped(), failed()]
    with _log(tmp_path / "run.log", "debug") as log:
        for outcome in outcomes:
            log.on_outcome(outcome)
    start, *events, end = _events(tmp_path / "run.log")
    assert (start["event"], start["level"], start["destination"]) == ("run started", "INFO", "out")
    assert [event["level"] for event in events] == ["DEBUG", "WARNING", "INFO", "ERROR"]
    for event, outcome in zip(events, outcomes, strict=True):
        assert event["event"] == outcome.status
        for name, value in record(outcome).items():
            assert event.get(name, None if value is None else []) == value
    assert (end["event"], end["level"], end["written"], end["failed"]) == ("run ended", "ERROR", 2, 1)


def test_a_notice_is_a_warning(tmp_path: Path) -> None:
    with _log(tmp_path / "run.log") as log:
        log.on_notice("no node is connected")
    event = _events(tmp_path / "run.log")[1]
    assert (event["level"], event["event"], event["text"]) == ("WARNING", "notice", "no node is connected")


@pytest.mark.parametrize(("level", "count"), [("debug", 5), ("info", 4), ("warning", 2), ("error", 2)])
def test_events_below_the_level_are_not_written(
    level: str,
    count: int,
    tmp_path: Path,
    unchanged: MakeOutcome,
    skipped: MakeOutcome,
    failed: MakeOutcome,
) -> None:
    with _log(tmp_path / "run.log", level) as log:
        for outcome in (unchanged(), skipped(), failed()):
            log.on_outcome(outcome)
    assert len(_events(tmp_path / "run.log")) == count


def test_run_without_failures_ends_with_an_info_event(tmp_path: Path) -> None:
    with _log(tmp_path / "run.log"):
        pass
    assert [event["level"] for event in _events(tmp_path / "run.log")] == ["INFO", "INFO"]


def test_error_that_ends_the_run_is_logged(tmp_path: Path) -> None:
    with pytest.raises(DestinationError, match="gone"), _log(tmp_path / "run.log", "error"):
        raise DestinationError("gone")
    [event] = _events(tmp_path / "run.log")
    assert (event["event"], event["exit_code"], event["stopped_by"]) == ("run ended", 3, "gone")


@pytest.mark.parametrize("form", ["text", "json"])
def test_times_are_in_utc(form: str, tmp_path: Path) -> None:
    before = datetime.now(UTC) - timedelta(seconds=1)
    with _log(tmp_path / "run.log", form=form):
        pass
    line = (tmp_path / "run.log").read_text().splitlines()[0]
    moment = datetime.fromisoformat(json.loads(line)["time"] if form == "json" else line.split()[0])
    assert before <= moment <= datetime.now(UTC)
    assert moment.utcoffset() == timedelta()


@pytest.mark.parametrize("form", ["text", "json"])
def test_no_name_breaks_a_line(form: str, tmp_path: Path, skipped: MakeOutcome, hostile: str) -> None:
    with _log(tmp_path / "run.log", form=form) as log:
        log.on_outcome(skipped(hostile))
    lines = (tmp_path / "run.log").read_bytes().splitlines()
    assert len(lines) == 3
    assert all(line.isascii() and line.decode().isprintable() for line in lines)


def test_text_lines_are_readable(tmp_path: Path, failed: MakeOutcome) -> None:
    with _log(tmp_path / "run.log", form="text") as log:
        log.on_outcome(failed("a b.jpg", error='no "end"'))
    line = (tmp_path / "run.log").read_text().splitlines()[1]
    assert ' ERROR   failed source="in/a b.jpg" destination="out/a b.jpg" status=failed' in line
    assert r'error="no \"end\""' in line


def test_events_are_appended(tmp_path: Path) -> None:
    for _ in range(2):
        with _log(tmp_path / "run.log"):
            pass
    assert [event["event"] for event in _events(tmp_path / "run.log")] == ["run started", "run ended"] * 2


def test_new_file_is_opened_after_a_rename(tmp_path: Path, failed: MakeOutcome) -> None:
    path = tmp_path / "run.log"
    with _log(path) as log:
        log.on_outcome(failed("1.jpg"))
        path.rename(tmp_path / "run.log.1")
        log.on_outcome(failed("2.jpg"))
    assert [event["event"] for event in _events(tmp_path / "run.log.1")] == ["run started", "failed"]
    assert [event["event"] for event in _events(path)] == ["failed", "run ended"]


def test_truncated_log_continues_at_its_start(tmp_path: Path, failed: MakeOutcome) -> None:
    path = tmp_path / "run.log"
    with _log(path) as log:
        log.on_outcome(failed("1.jpg"))
        os.truncate(path, 0)
        log.on_outcome(failed("2.jpg"))
    assert [event["event"] for event in _events(path)] == ["failed", "run ended"]


def test_long_line_is_written_with_one_call(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failed: MakeOutcome
) -> None:
    written: list[int] = []
    write = os.write

    def count(descriptor: int, data: bytes) -> int:
        written.append(len(data))
        return write(descriptor, data)

    monkeypatch.setattr(os, "write", count)
    with _log(tmp_path / "run.log") as opened:
        opened.on_outcome(failed(error="x" * 100_000))
    assert len(written) == 3
    assert written[1] > 100_000


@pytest.mark.parametrize("name", ["", "missing/run.log"])
def test_path_that_cannot_be_a_file_is_refused_at_once(tmp_path: Path, name: str) -> None:
    with pytest.raises(UsageError, match="the log"):
        _log(tmp_path / name)


def test_unwritable_file_is_refused_at_once() -> None:
    with pytest.raises(DestinationError, match="File name too long"):
        _log(Path("n" * 300))


def test_full_disk_raises_an_error() -> None:
    with pytest.raises(DestinationError, match=r"'/dev/full'.*No space left"), _log(Path("/dev/full")):
        pass


def test_missing_directory_raises_an_error(tmp_path: Path, failed: MakeOutcome) -> None:
    (tmp_path / "logs").mkdir()
    log = _log(tmp_path / "logs/run.log").__enter__()
    (tmp_path / "logs").rename(tmp_path / "old")
    for _ in range(2):
        with pytest.raises(DestinationError, match="No such file"):
            log.on_outcome(failed())
    with pytest.raises(DestinationError, match="No such file"):
        log.__exit__(None, None, None)


def test_disk_that_fills_up_raises_an_error(tmp_path: Path, failed: MakeOutcome) -> None:
    path = tmp_path / "run.log"
    log = _log(path).__enter__()
    path.unlink()
    path.symlink_to("/dev/full")
    with pytest.raises(DestinationError, match="No space left"):
        log.on_outcome(failed())
    with pytest.raises(DestinationError, match="No space left"):
        log.__exit__(None, None, None)


def test_a_line_that_is_cut_is_an_error(tmp_path: Path, failed: MakeOutcome) -> None:
    path = tmp_path / "run.log"
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    with _log(path) as log:
        resource.setrlimit(resource.RLIMIT_FSIZE, (path.stat().st_size + 10, limits[1]))
        try:
            with pytest.raises(DestinationError, match="File too large"):
                log.on_outcome(failed())
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limits)


def test_no_event_breaks_a_line_or_changes_a_terminal() -> None:
    line = format_text("WARNING", "photos/a\nb\x1b[2J.jpg is not kept", {})
    assert line.endswith(r"photos/a\x0ab\x1b[2J.jpg is not kept")
