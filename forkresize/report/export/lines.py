"""Report files with one record per line, written while the run goes on."""

import contextlib
import os
import stat
from abc import abstractmethod
from io import FileIO
from types import TracebackType
from typing import Self

from forkresize.observer import Observer
from forkresize.outcome import Outcome
from forkresize.report.files import foreign_file_error, open_errors, write_errors
from forkresize.store.files import write_all


class LineReport(Observer):
    """Write one line per outcome with a single call, so that a killed run leaves only complete lines.

    The file is opened at once, but its old content is kept until the first outcome, or until a run without outcomes
    ends: a run that is refused leaves the last report intact.

    Args:
        path: the file to write.
        beginning: how every report of this format begins, unless it is empty.
        head: written before the first line.

    Raises:
        UsageError: the path cannot be a file, or the file is not a report.
        DestinationError: the file cannot be written, now or later.
    """

    def __init__(self, path: str, *, beginning: bytes, head: bytes = b"") -> None:
        self._path = path
        self._head = head
        self._size = 0
        self._started = False
        with open_errors("report", path):
            # A pipe opened for reading as well would never report that its reader has left.
            self._file = FileIO(path, "a+" if os.path.isfile(path) or not os.path.exists(path) else "w")
        self._check_content(beginning)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        with write_errors("report", self._path):
            if error is None:
                self._start()
            self._file.close()

    def on_outcome(self, outcome: Outcome) -> None:
        """Write the outcome's line.

        Raises:
            DestinationError: it cannot be written; the file ends with the previous line.
        """
        line = self.line(outcome)
        with write_errors("report", self._path):
            try:
                self._start()
                self._write(line)
            except OSError:
                self._remove_partial_line()
                raise

    @abstractmethod
    def line(self, outcome: Outcome) -> bytes:
        """Return the outcome's line, with its end."""

    def _check_content(self, beginning: bytes) -> None:
        # Only a regular file has content to lose.
        if not stat.S_ISREG(os.fstat(self._file.fileno()).st_mode):
            return
        self._file.seek(0)
        if self._file.read(len(beginning)) not in {b"", beginning}:
            self._file.close()
            raise foreign_file_error("report", self._path)

    def _start(self) -> None:
        if not self._started:
            # Pipes and terminals cannot be truncated; they have no old content either.
            with contextlib.suppress(OSError):
                os.ftruncate(self._file.fileno(), 0)
            self._started = True
            self._write(self._head)

    def _write(self, line: bytes) -> None:
        write_all(self._file.fileno(), line)
        self._size += len(line)

    def _remove_partial_line(self) -> None:
        with contextlib.suppress(OSError):
            self._file.truncate(self._size)
            self._file.seek(self._size)
