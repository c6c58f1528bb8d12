"""Which files about a run are opened, and under which names."""

import re
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import rich_click as click

from forkresize.cli.reports import check_formats, finish, open_logs, open_reports, report_files, reports_of
from forkresize.report.export.metrics import MetricsFile
from forkresize.summary import RunStats, Tally, summarize


def _values(**given: Any) -> dict[str, Any]:
    ungiven = {"report": (), "log_file": None, "metrics_file": None, "dry_run": False, "workers": 1}
    logs = {"log_level": "info", "log_format": "text", "sources": ("in",), "destination": "out"}
    return {**ungiven, **logs, **given}


def test_date_and_time_are_those_of_the_run_and_all_else_is_the_name() -> None:
    [first, second] = reports_of(_values(report=("{date}/{time}-{0}%s.jsonl", "{date}T{time}.csv")))
    assert re.fullmatch(r"\d{4}-\d\d-\d\d/\d{6}-\{0\}%s\.jsonl", first)
    assert second.replace("T", "/")[:17] == first[:17]


def test_a_file_that_is_named_twice_is_one() -> None:
    assert reports_of(_values(report=("a.csv", "./a.csv", "b.csv"))) == ["./a.csv", "b.csv"]


def test_the_formats_that_there_are_are_not_refused() -> None:
    check_formats(_values(report=("a.jsonl", "b.csv", "c.html")))


@pytest.mark.parametrize("path", ["report.xls", "report", ".csv"])
def test_a_format_that_there_is_none_of_is_refused(path: str) -> None:
    with pytest.raises(click.UsageError, match=r"--report: .* does not end in \.jsonl, \.csv or \.html"):
        check_formats(_values(report=("good.html", path)))


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"report": ("a.csv",), "log_file": "./a.csv"}, "--log-file and --report name one file"),
        ({"report": ("a.csv",), "metrics_file": "a.csv"}, "--metrics-file and --report name one file"),
        ({"log_file": "run", "metrics_file": "run"}, "--metrics-file and --log-file name one file"),
    ],
)
def test_two_options_for_one_file_are_refused(given: dict[str, Any], told: str) -> None:
    with pytest.raises(click.UsageError, match=told):
        report_files(_values(**given))


def test_every_file_is_known_by_its_option(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    files = report_files(_values(report=("a.csv",), log_file="b.log", metrics_file="c.prom"))
    assert {Path(path).name: option for path, option in files.items()} == {
        "a.csv": "report",
        "b.log": "log-file",
        "c.prom": "metrics-file",
    }


def test_only_what_is_asked_for_is_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with ExitStack() as stack:
        assert open_logs(_values(), stack) == open_reports(_values(), stack) == []
    asked = _values(report=("a.csv", "a.html", "a.jsonl"), log_file="a.log", metrics_file="a.prom")
    with ExitStack() as stack:
        assert len([*open_logs(asked, stack), *open_reports(asked, stack)]) == 5
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.csv", "a.html", "a.jsonl", "a.log", "a.prom"]


def test_a_plan_is_no_run_to_measure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with ExitStack() as stack:
        assert open_logs(_values(metrics_file="a.prom", dry_run=True), stack) == []
    assert not (tmp_path / "a.prom").exists()


def test_the_end_is_told_to_those_that_want_to_know(tmp_path: Path) -> None:
    with MetricsFile(str(tmp_path / "a.prom")) as metrics:
        finish([print, metrics], summarize(Tally(), RunStats(seconds=4.5, workers=1)))
    assert 'duration_seconds{batch="a"} 4.5' in (tmp_path / "a.prom").read_text()
