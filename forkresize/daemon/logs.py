"""The log of programs that run long: one event per line, on standard error."""

import logging
import sys
from typing import TextIO

from forkresize.report.export.event_lines import FORMATS
from forkresize.urls import redact

FORMAT_NAMES = ("text", "json")


class EventFormatter(logging.Formatter):
    """Formats records as events; those with a mapping ``fields`` have these fields.

    Args:
        form: json or text.
    """

    def __init__(self, form: str) -> None:
        super().__init__()
        self._format = FORMATS[form]

    def format(self, record: logging.LogRecord) -> str:
        """Return the line of a record; that of an exception has its traceback as a field."""
        fields: dict[str, object] = dict(getattr(record, "fields", {}))
        if record.name.partition(".")[0] != "forkresize":
            fields["logger"] = record.name
        if record.exc_info:
            fields["traceback"] = self.formatException(record.exc_info)
        line = self._format(record.levelname, redact(record.getMessage()), fields)
        return line if line.isascii() else line.encode("ascii", "backslashreplace").decode()


def configure_logging(form: str, *, verbose: bool = False, stream: TextIO | None = None) -> None:
    """Send all events of this process to standard error.

    Args:
        form: json or text.
        verbose: whether libraries may say more than warnings.
        stream: instead of standard error.
    """
    # No line shows where it was written: to find that out takes longer than to write it. See "Optimization" in the
    # documentation of logging.
    logging._srcfile = None  # noqa: SLF001
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(EventFormatter(form))
    logging.basicConfig(handlers=[handler], level=logging.INFO if verbose else logging.WARNING, force=True)
    logging.getLogger("forkresize").setLevel(logging.INFO)
