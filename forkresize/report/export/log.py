"""The log file: one event a line, of the run and of every source. Decides nothing about names or levels."""

import json
import logging
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from io import FileIO, TextIOWrapper
from logging.handlers import WatchedFileHandler
from typing import Any, Self

from forkresize._version import __version__
from forkresize.errors import DestinationError, UsageError
from forkresize.outcome import Failed, Outcome, Skipped
from forkresize.record import record
from forkresize.report.export.base import RunReporter
from forkresize.summary import Summary

_BARE = re.compile(r"[\w./:+%,@-]+", re.ASCII)


class Log(RunReporter):
    """A reporter that appends to a log: failures as errors, warnings as such, skipped sources and the run as info.

    Every event is one line, written at once at the end of the file, so that programs may share a log. If the file is
    renamed, as logrotate does it, the next event opens a new one. What does not apply to a source is left out.

    Args:
        path: the file to append to.
        level: the least level that is written: debug, info, warning or error.
        form: json or text.
        about: further fields of the first event.

    Raises:
        UsageError: there can be no such file.
        DestinationError: it can't be written, now or later.
    """

    def __init__(self, path: str, *, level: str, form: str, about: Mapping[str, object]) -> None:
        super().__init__()
        self._path = path
        self._about = about
        # Of its own, so that nothing is changed for whoever uses this as a library.
        self._logger = logging.Logger("forkresize", level.upper())  # noqa: LOG001
        try:
            self._handler = _Appending(path)
        except (FileNotFoundError, IsADirectoryError, NotADirectoryError) as error:
            raise UsageError(self._complaint(error)) from error
        except OSError as error:
            raise DestinationError(self._complaint(error)) from error
        self._handler.setFormatter(_FORMATTERS[form]())
        self._logger.addHandler(self._handler)

    def __enter__(self) -> Self:
        try:
            self._tell(logging.INFO, "run started", {"version": __version__, **self._about})
        except DestinationError:
            self._handler.close()
            raise
        return super().__enter__()

    def __call__(self, outcome: Outcome) -> None:
        """Write the outcome's event.

        Raises:
            DestinationError: it can't be written.
        """
        super().__call__(outcome)
        level = _level(outcome)
        if self._logger.isEnabledFor(level):
            self._tell(level, outcome.status, record(outcome))

    def close(self, summary: Summary, error: BaseException | None) -> None:
        """Write the event of the run's end, and close the file.

        Raises:
            DestinationError: it can't be written.
        """
        told = {name: value for name, value in summary.to_json().items() if name != "failures"}
        level = logging.INFO if error is None and not summary.exit_code else logging.ERROR
        try:
            self._tell(level, "run ended", {**told, "stopped_by": summary.stopped_by, "refused": summary.refused})
        finally:
            self._handler.close()

    def _tell(self, level: int, event: str, fields: Mapping[str, object]) -> None:
        known = {name: value for name, value in fields.items() if value not in (None, [])}
        try:
            self._logger.log(level, {"event": event, **known})
        except OSError as error:
            raise DestinationError(self._complaint(error)) from error

    def _complaint(self, error: OSError) -> str:
        return f"the log {self._path!r} can't be written: {error.strerror}"


def _level(outcome: Outcome) -> int:
    if isinstance(outcome, Failed):
        return logging.ERROR
    if outcome.warnings:
        return logging.WARNING
    return logging.INFO if isinstance(outcome, Skipped) else logging.DEBUG


class _Appending(WatchedFileHandler):
    """Writes whole lines; what can't be written is raised."""

    def _open(self) -> TextIOWrapper:
        # Unbuffered: a buffer would cut long lines in pieces, and another program's line could come between.
        raw = FileIO(self.baseFilename, "a")
        return TextIOWrapper(raw, "ascii", "backslashreplace", write_through=True)

    def emit(self, record: logging.LogRecord) -> None:
        self.reopenIfNeeded()
        # After a new one could not be opened there is none.
        self.stream = self.stream or self._open()
        self.stream.write(self.format(record) + self.terminator)


class _Text(logging.Formatter):
    """A time, a level, an event, and its fields as ``name=value``; what has spaces or odd characters is JSON."""

    def format(self, record: logging.LogRecord) -> str:
        moment = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        fields: Any = record.msg
        told = [f"{name}={_value(value)}" for name, value in fields.items() if name != "event"]
        return " ".join([moment, f"{record.levelname:<7}", fields["event"], *told])


def _value(value: object) -> str:
    text = str(value)
    return text if _BARE.fullmatch(text) else json.dumps(value)


def _json() -> logging.Formatter:
    from pythonjsonlogger.json import JsonFormatter

    return JsonFormatter("%(levelname)s", rename_fields={"levelname": "level"}, timestamp="time")


_FORMATTERS: dict[str, Callable[[], logging.Formatter]] = {"text": _Text, "json": _json}
