"""The files that report on a run: reports, index files, log and metrics. All of them are registered here."""

import os
from contextlib import ExitStack
from datetime import datetime
from functools import cached_property, partial
from io import BufferedReader
from typing import TYPE_CHECKING

import click

from forkresize.cli.arguments import Arguments
from forkresize.cli.types import start_time_ns
from forkresize.observer import Observer
from forkresize.report.terminal.plain import print_status
from forkresize.store.files import open_source
from forkresize.urls import is_url

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from forkresize.batch.backend import Probe
    from forkresize.image.decode.probe import ImageInfo
    from forkresize.recipe import Recipe
    from forkresize.report.export.csv import CsvRows
    from forkresize.report.export.jsonl import JsonLines
    from forkresize.report.html import Excerpt, HtmlReport
    from forkresize.report.index.index_file import IndexFile
    from forkresize.report.outcome_store import OutcomeStore
    from forkresize.summary import Summary


def start_time() -> datetime:
    """Return when the run began, in local time."""
    return datetime.fromtimestamp(start_time_ns() / 10**9).astimezone()


def report_paths(arguments: Arguments) -> list[str]:
    """Return the paths of the reports, each file once, with the run's date and time filled in."""
    paths = [expand(path) for path in arguments.report]
    return list({os.path.realpath(path): path for path in paths}.values())


def report_files(arguments: Arguments) -> dict[str, str]:
    """Return the names of options by the real paths of the files that they name, without index files.

    Raises:
        click.UsageError: two options name the same file.
    """
    options = {os.path.realpath(path): "report" for path in report_paths(arguments)}
    for name, path in (("log-file", arguments.log_file), ("metrics-file", arguments.metrics_file)):
        other = path and options.setdefault(os.path.realpath(path), name)
        if other != (path and name):
            raise click.UsageError(f"--{name} and --{other} name the same file: {path!r}")
    return options


def check_formats(arguments: Arguments) -> None:
    """Check that each report has a known format.

    Raises:
        click.UsageError: one does not.
    """
    for path in arguments.report:
        if _suffix(path) not in _FORMATS:
            *others, last = _FORMATS
            raise click.UsageError(f"--report: {path!r} must end in {', '.join(others)} or {last}")


def index_files(arguments: Arguments) -> "list[IndexFile]":
    """Return the requested index files."""
    if arguments.manifest is None and arguments.srcset is None:
        return []
    from forkresize.report.index.manifest import MANIFEST
    from forkresize.report.index.srcset import SRCSET

    requested = ((arguments.manifest, MANIFEST), (arguments.srcset, SRCSET))
    return [index.file(path, _base(path, arguments)) for path, index in requested if path is not None]


def _base(path: str, arguments: Arguments) -> str:
    """Return the URL that the paths in an index file are relative to; empty for the directory of the file.

    That is its own, if it is uploaded beside outputs, or else the destination.
    """
    destination = arguments.destination.rstrip("/")
    folder = arguments.places.get(path, "").rpartition("/")[0]
    same_bucket = folder.split("/", 3)[:3] == destination.split("/", 3)[:3]
    return folder if folder and same_bucket else destination if is_url(destination) else ""


def open_logs(arguments: Arguments, stack: ExitStack) -> list[Observer]:
    """Open the log and the metrics file. Opened first, they are closed last, and record how everything else ended.

    Raises:
        UsageError: a path cannot be a file, or the file belongs to another program.
        DestinationError: a file cannot be written.
    """
    observers: list[Observer] = []
    if arguments.metrics_file is not None and not arguments.dry_run:
        from forkresize.report.export.metrics import MetricsFile

        observers.append(stack.enter_context(MetricsFile(arguments.metrics_file)))
    if arguments.log_file is not None:
        from forkresize.report.export.log import Log

        about = {"sources": list(arguments.sources), "destination": arguments.destination}
        log = Log(arguments.log_file, level=arguments.log_level, form=arguments.log_format, about=about)
        observers.append(stack.enter_context(log))
    return observers


def open_reports(
    arguments: Arguments, stack: ExitStack, recipe: "Recipe | None" = None, probe: "Probe | None" = None
) -> list[Observer]:
    """Open the reports, and stage the index files when the stack is closed.

    Args:
        arguments: the command line.
        stack: closes what is opened.
        recipe: what is made of each picture; the HTML report shows it.
        probe: reads the header of an output; None if outputs are local files.

    Raises:
        UsageError: a path cannot be a file, or the file is not a report.
        DestinationError: a file cannot be written.
    """
    return _ReportOpener(arguments, stack, recipe, probe).open()


def commit_indexes(summary: "Summary", arguments: Arguments) -> None:
    """Replace the index files by the staged ones, unless the run stopped early.

    Raises:
        DestinationError: one cannot be replaced.
    """
    indexes = [] if arguments.dry_run else index_files(arguments)
    if indexes and summary.stopped_by is None:
        from forkresize.report.index.index_file import commit

        commit(indexes)
        return
    for file in indexes:
        file.discard()
        if not arguments.quiet:
            where = arguments.places.get(file.path, file.path)
            print_status(f"the run stopped early: the {file.kind} {where!r} was not updated")


class _ReportOpener:
    """Opens reports, and a store of outcomes if one of them needs it."""

    def __init__(self, arguments: Arguments, stack: ExitStack, recipe: "Recipe | None", probe: "Probe | None") -> None:
        self.probe = probe
        self.arguments = arguments
        self.recipe = recipe
        self._stack = stack
        self._observers: list[Observer] = []
        self._indexes = [] if arguments.dry_run else index_files(arguments)

    def open(self) -> list[Observer]:
        # Index files are staged after the reports are closed, and only if that succeeds.
        if self._indexes:
            from forkresize.report.index.index_file import stage_at_end
            from forkresize.report.index.outputs import OutputIndex

            self._stack.enter_context(stage_at_end(self._indexes, OutputIndex(self.store)))
        for path in report_paths(self.arguments):
            self._observers.append(self._stack.enter_context(_FORMATS[_suffix(path)](path, self)))
        return self._observers

    @cached_property
    def store(self) -> "OutcomeStore":
        from forkresize.report.outcome_store import OutcomeStore

        store = OutcomeStore(self.probe or _probe) if self._indexes else OutcomeStore()
        self._observers.append(self._stack.enter_context(store))
        if not self.arguments.quiet:
            self._stack.callback(_print_unreadable, store)
        return store


def _probe(path: str) -> "ImageInfo":
    """Return the header of an output; see ``probe``."""
    from forkresize.image.decode.probe import probe
    from forkresize.image.errors import unreadable_error

    try:
        with BufferedReader(open_source(path)) as file:
            return probe(file, path)
    except OSError as error:
        raise unreadable_error(path, error) from error


def _print_unreadable(store: "OutcomeStore") -> None:
    if store.unreadable:
        print_status(f"existing outputs that cannot be listed: {store.unreadable}; the first: {store.first_error}")


def _json_lines(path: str, _opener: _ReportOpener) -> "JsonLines":
    from forkresize.report.export.jsonl import JsonLines

    return JsonLines(path)


def _csv(path: str, _opener: _ReportOpener) -> "CsvRows":
    from forkresize.report.export.csv import CsvRows

    return CsvRows(path)


def _draw_nothing(_: "Sequence[Excerpt]") -> "Mapping[Excerpt, bytes]":
    return {}


def _html(path: str, opener: _ReportOpener) -> "HtmlReport":
    from forkresize.batch.thumbnails import make_thumbnails
    from forkresize.cli.run_info import run_info
    from forkresize.report.html import HtmlReport

    info = run_info(opener.arguments, opener.recipe, start_time())
    workers = opener.arguments.settings.pool.workers
    # Where there are object stores, this process has threads and must not fork.
    draw = _draw_nothing if opener.arguments.is_remote else partial(make_thumbnails, workers=workers)
    return HtmlReport(path, info, opener.store, draw)


_FORMATS: "dict[str, Callable[[str, _ReportOpener], JsonLines | CsvRows | HtmlReport]]" = {
    ".jsonl": _json_lines,
    ".csv": _csv,
    ".html": _html,
}


def _suffix(path: str) -> str:
    return os.path.splitext(path)[1]


def expand(path: str) -> str:
    """Return a path with the date and the time of the run in the place of ``{date}`` and ``{time}``."""
    # Not str.format: other braces belong to the file's name.
    return path.replace("{date}", f"{start_time():%Y-%m-%d}").replace("{time}", f"{start_time():%H%M%S}")
