"""The files that report on a run: which are opened, and under which names."""

import os
import re
from contextlib import ExitStack
from pathlib import Path

import pytest
import rich_click as click

from forkresize.cli import reports
from forkresize.cli.reports import check_formats, open_logs, open_reports, report_files, report_paths
from forkresize.image.errors import PictureError
from tests.protocols import ParseArguments


def test_date_and_time_of_the_run_are_filled_in(arguments: ParseArguments) -> None:
    parsed = arguments("--report", "{date}/{time}-{0}%s.jsonl", "--report", "{date}T{time}.csv")
    [first, second] = report_paths(parsed)
    assert re.fullmatch(r"\d{4}-\d\d-\d\d/\d{6}-\{0\}%s\.jsonl", first)
    assert second.replace("T", "/")[:17] == first[:17]


def test_file_named_twice_is_one_report(arguments: ParseArguments) -> None:
    parsed = arguments("--report", "a.csv", "--report", "./a.csv", "--report", "b.csv")
    assert report_paths(parsed) == ["./a.csv", "b.csv"]


@pytest.mark.parametrize("path", ["report.xls", "report", ".csv", "report.CSV"])
def test_unknown_formats_are_refused(path: str, arguments: ParseArguments) -> None:
    with pytest.raises(click.UsageError, match=r"--report: .* must end in \.jsonl, \.csv or \.html"):
        check_formats(arguments("--report", "good.html", "--report", path))


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--report", "a.csv", "--log-file", "./a.csv"], "--log-file and --report name the same file"),
        (["--report", "a.csv", "--metrics-file", "a.csv"], "--metrics-file and --report name the same file"),
        (["--log-file", "run", "--metrics-file", "run"], "--metrics-file and --log-file name the same file"),
    ],
)
def test_options_must_not_name_the_same_file(flags: list[str], message: str, arguments: ParseArguments) -> None:
    with pytest.raises(click.UsageError, match=message):
        report_files(arguments(*flags))


def test_files_are_known_by_their_options(arguments: ParseArguments) -> None:
    files = report_files(arguments("--report", "a.csv", "--log-file", "b.log", "--metrics-file", "c.prom"))
    assert {Path(path).name: option for path, option in files.items()} == {
        "a.csv": "report",
        "b.log": "log-file",
        "c.prom": "metrics-file",
    }


def test_no_file_is_opened_without_its_option(arguments: ParseArguments) -> None:
    with ExitStack() as stack:
        assert [*open_logs(arguments("in", "out"), stack), *open_reports(arguments("in", "out"), stack)] == []


def test_every_kind_of_report_is_written(arguments: ParseArguments, tmp_path: Path) -> None:
    reports = ["--report", "a.csv", "--report", "a.html", "--report", "a.jsonl", "--manifest", "a.json"]
    parsed = arguments("in", "out", *reports, "--log-file", "a.log", "--metrics-file", "a.prom")
    with ExitStack() as stack:
        names = [type(each).__name__ for each in (*open_logs(parsed, stack), *open_reports(parsed, stack))]
    # The page and the manifest share a store.
    assert sorted(names) == ["CsvRows", "HtmlReport", "JsonLines", "Log", "MetricsFile", "OutcomeStore"]
    names = sorted(path.name for path in tmp_path.glob("*a.*"))
    assert [name for name in names if not name.startswith(".")] == ["a.csv", "a.html", "a.jsonl", "a.log", "a.prom"]


def test_dry_run_writes_no_metrics_and_no_index(arguments: ParseArguments, tmp_path: Path) -> None:
    parsed = arguments("in", "out", "--dry-run", "--metrics-file", "a.prom", "--manifest", "a.json")
    with ExitStack() as stack:
        assert [*open_logs(parsed, stack), *open_reports(parsed, stack)] == []
    assert not list(tmp_path.glob("a.*"))


def test_an_output_that_cannot_be_opened_is_reported_and_blocks_nothing(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.jpg")
    for name, message in (("missing.jpg", "No such file or directory"), ("pipe.jpg", "not a regular file")):
        with pytest.raises(PictureError, match=f"{name}: {message}"):
            reports._probe(str(tmp_path / name))  # noqa: SLF001 -- what index files call.
