"""The log file: one event per line, for the run and for every outcome."""

import contextlib
import os
from collections.abc import Mapping
from io import FileIO
from typing import Self

from forkresize._version import __version__
from forkresize.errors import DestinationError
from forkresize.outcome import Failed, Outcome, Skipped
from forkresize.record import record
from forkresize.report.export.base import RunReporter
from forkresize.report.export.event_lines import FORMATS
from forkresize.report.files import open_errors, write_errors
from forkresize.store.files import write_all
from forkresize.summary import Summary

_LEVELS = ("debug", "info", "warning", "error")


class Log(RunReporter):
    """Append events to a log: failures as errors, warnings, skipped sources and the run itself as info.

    Each event is one line, written to the end of the file with one call, so that programs can share a log. If the
    file is renamed, as logrotate does, the next event opens a new file. Fields that do not apply are omitted.

    Args:
        path: the file to append to.
        level: the minimum level to write: debug, info, warning or error.
        form: json or text.
        about: additional fields of the first event.

    Raises:
        UsageError: the path cannot be a file.
        DestinationError: the file cannot be written, now or later.
    """

    def __init__(self, path: str, *, level: str, form: str, about: Mapping[str, object]) -> None:
        super().__init__()
        self._path = path
        self._levels = _LEVELS[_LEVELS.index(level) :]
        self._format = FORMATS[form]
        self._about = about
        self._file: FileIO | None = None
        with open_errors("log", path):
            self._open()

    def __enter__(self) -> Self:
        try:
            self._write("info", "run started", {"version": __version__, **self._about})
        except DestinationError:
            self._close()
            raise
        return super().__enter__()

    def on_outcome(self, outcome: Outcome) -> None:
        """Write the outcome's event."""
        super().on_outcome(outcome)
        level = _level(outcome)
        if level in self._levels:
            self._write(level, outcome.status, record(outcome))

    def on_notice(self, text: str) -> None:
        """Write the remark as an event."""
        self._write("warning", "notice", {"text": text})

    def on_close(self, summary: Summary, error: BaseException | None) -> None:
        """Write the last event and close the file."""
        fields = {name: value for name, value in summary.to_json().items() if name != "failures"}
        level = "info" if error is None and not summary.exit_code else "error"
        try:
            self._write(level, "run ended", {**fields, "stopped_by": summary.stopped_by, "refused": summary.refused})
        finally:
            self._close()

    def _write(self, level: str, event: str, fields: Mapping[str, object]) -> None:
        if level not in self._levels:
            return
        known = {name: value for name, value in fields.items() if value not in (None, [])}
        line = self._format(level.upper(), event, known)
        with write_errors("log", self._path):
            # Unbuffered: a buffer would split long lines, and another program's line could come between the parts.
            write_all(self._open().fileno(), line.encode("ascii", "backslashreplace") + b"\n")

    def _open(self) -> FileIO:
        """Return the file, reopened if its name now leads to another file or to none."""
        if self._file is not None and not self._is_current(self._file):
            self._close()
        if self._file is None:
            self._file = FileIO(self._path, "a")
        return self._file

    def _is_current(self, file: FileIO) -> bool:
        try:
            return os.path.samestat(os.stat(self._path), os.fstat(file.fileno()))
        except FileNotFoundError:
            return False

    def _close(self) -> None:
        if self._file is not None:
            with contextlib.suppress(OSError):
                self._file.close()
            self._file = None


def _level(outcome: Outcome) -> str:
    if isinstance(outcome.detail, Failed):
        return "error"
    if outcome.warnings:
        return "warning"
    return "info" if isinstance(outcome.detail, Skipped) else "debug"
