"""The files about a run that were asked for: reports, log and metrics. Opens them; writes nothing itself."""

import os
from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager, ExitStack
from datetime import datetime
from functools import cache
from typing import TYPE_CHECKING, Any, Protocol

import click

from forkresize.batch import Observer

if TYPE_CHECKING:
    from forkresize.report.export.csv import CsvRows
    from forkresize.report.export.jsonl import JsonLines
    from forkresize.report.export.log import Log
    from forkresize.report.export.metrics import MetricsFile
    from forkresize.report.html import HtmlReport
    from forkresize.summary import Summary


class _Reporter(Observer, AbstractContextManager[Any], Protocol):
    """An observer that is closed at the end."""


@cache
def _moment() -> datetime:
    """Return when the run began; the same each time."""
    return datetime.now().astimezone()


def reports_of(values: Mapping[str, Any]) -> list[str]:
    """Return the paths of the reports, each file once, with the run's date and time in their names."""
    paths = [_expanded(path) for path in values["report"]]
    return list({os.path.realpath(path): path for path in paths}.values())


def _expanded(path: str) -> str:
    # Not str.format: all else that is in braces is the file's own name.
    return path.replace("{date}", f"{_moment():%Y-%m-%d}").replace("{time}", f"{_moment():%H%M%S}")


def check_formats(values: Mapping[str, Any]) -> None:
    """Refuse reports of a format that there is none of.

    Raises:
        click.UsageError: there is one.
    """
    for path in values["report"]:
        if _suffix(path) not in _FORMATS:
            *others, last = _FORMATS
            raise click.UsageError(f"--report: {path!r} does not end in {', '.join(others)} or {last}.")


def report_files(values: Mapping[str, Any]) -> dict[str, str]:
    """Return all files about the run: from the real path of each to the name of its option.

    Raises:
        click.UsageError: two options name one file.
    """
    met = {os.path.realpath(path): "report" for path in reports_of(values)}
    for name in ("log-file", "metrics-file"):
        path = values[name.replace("-", "_")]
        other = path and met.setdefault(os.path.realpath(path), name)
        if other != (path and name):
            raise click.UsageError(f"--{name} and --{other} name one file, {path!r}.")
    return met


def open_logs(values: Mapping[str, Any], stack: ExitStack) -> list[Observer]:
    """Open the log and the metrics. Opened before all else, they are closed last, and tell how all else ended.

    Raises:
        UsageError: there can be no such file.
        DestinationError: it can't be written.
    """
    made: list[Observer] = []
    # What is only planned is no run.
    if values["metrics_file"] is not None and not values["dry_run"]:
        made.append(stack.enter_context(_metrics(values)))
    if values["log_file"] is not None:
        made.append(stack.enter_context(_log(values)))
    return made


def open_reports(values: Mapping[str, Any], stack: ExitStack) -> list[Observer]:
    """Open the reports.

    Raises:
        UsageError: there can be no such file, or there is one that is no report.
        DestinationError: it can't be written.
    """
    return [stack.enter_context(_FORMATS[_suffix(path)](path, values)) for path in reports_of(values)]


def finish(observers: Iterable[Observer], summary: "Summary") -> None:
    """Tell those that want to know what the run came to."""
    for observer in observers:
        # Not a class to ask for: it would have to be loaded where nobody is one.
        getattr(observer, "on_finish", _forget)(summary)


def _forget(_summary: "Summary") -> None:
    """Take no note."""


def _suffix(path: str) -> str:
    return os.path.splitext(path)[1]


def _json_lines(path: str, _values: Mapping[str, Any]) -> "JsonLines":
    from forkresize.report.export.jsonl import JsonLines

    return JsonLines(path)


def _csv(path: str, _values: Mapping[str, Any]) -> "CsvRows":
    from forkresize.report.export.csv import CsvRows

    return CsvRows(path)


def _html(path: str, values: Mapping[str, Any]) -> "HtmlReport":
    from functools import partial

    from forkresize.batch.thumbnails import make_thumbnails
    from forkresize.report.html import HtmlReport, RunInfo

    subject = RunInfo(values["sources"], values["destination"], _moment())
    return HtmlReport(path, subject, partial(make_thumbnails, workers=values["workers"]))


_FORMATS: dict[str, Callable[[str, Mapping[str, Any]], _Reporter]] = {
    ".jsonl": _json_lines,
    ".csv": _csv,
    ".html": _html,
}


def _log(values: Mapping[str, Any]) -> "Log":
    from forkresize.report.export.log import Log

    about = {"sources": list(values["sources"]), "destination": values["destination"]}
    return Log(values["log_file"], level=values["log_level"], form=values["log_format"], about=about)


def _metrics(values: Mapping[str, Any]) -> "MetricsFile":
    from forkresize.report.export.metrics import MetricsFile

    return MetricsFile(values["metrics_file"])
