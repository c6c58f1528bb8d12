"""A report file with one record a line, written as the run goes. Knows nothing of what is in a line."""

import contextlib
import os
import stat
from abc import ABC, abstractmethod
from io import FileIO
from types import TracebackType
from typing import NoReturn, Self

from forkresize.errors import DestinationError, UsageError
from forkresize.outcome import Outcome


class LineReport(ABC):
    """A reporter that writes one line an outcome, whole and at once, so that a killed run leaves whole lines.

    The file is opened when the reporter is made, but what it held before is gone only with the first outcome, or at
    the end of a run without one: a run that is refused leaves the last report alone.

    Args:
        path: the file to write.
        beginning: what every report of this kind begins with, unless it is empty.
        head: what comes before the first line.

    Raises:
        UsageError: there can be no such file, or there is one that is no report.
        DestinationError: it can't be written, now or later.
    """

    def __init__(self, path: str, *, beginning: bytes, head: bytes = b"") -> None:
        self._path = path
        self._head = head
        self._size = 0
        self._fresh = False
        try:
            # A pipe that is opened for reading as well would never tell that its reader has left.
            self._file = FileIO(path, "a+" if os.path.isfile(path) or not os.path.exists(path) else "w")
        except (FileNotFoundError, IsADirectoryError, NotADirectoryError) as error:
            raise UsageError(self._complaint(error)) from error
        except OSError as error:
            raise DestinationError(self._complaint(error)) from error
        self._refuse_other_file(beginning)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        try:
            if error is None:
                self._begin()
            self._file.close()
        except OSError as problem:
            raise DestinationError(self._complaint(problem)) from problem

    def __call__(self, outcome: Outcome) -> None:
        """Write the outcome's line.

        Raises:
            DestinationError: it can't be written; the file ends with the line before.
        """
        line = self.line(outcome)
        try:
            self._begin()
            self._write(line)
        except OSError as error:
            self._give_up(error)

    @abstractmethod
    def line(self, outcome: Outcome) -> bytes:
        """Return the outcome's line, with its end."""

    def _refuse_other_file(self, beginning: bytes) -> None:
        # Only a regular file can hold what would be missed.
        if not stat.S_ISREG(os.fstat(self._file.fileno()).st_mode):
            return
        self._file.seek(0)
        if self._file.read(len(beginning)) not in {b"", beginning}:
            self._file.close()
            raise UsageError(f"the report {self._path!r} would replace a file that is no report; remove it first")

    def _begin(self) -> None:
        if not self._fresh:
            # A pipe or a terminal can't be cut; it holds nothing of an earlier run either.
            with contextlib.suppress(OSError):
                os.ftruncate(self._file.fileno(), 0)
            self._fresh = True
            self._write(self._head)

    def _write(self, line: bytes) -> None:
        left = memoryview(line)
        while left:
            left = left[self._file.write(left) or 0 :]
        self._size += len(line)

    def _give_up(self, error: OSError) -> NoReturn:
        # A pipe or a terminal can't be cut; there is nothing to mend in one.
        with contextlib.suppress(OSError):
            self._file.truncate(self._size)
            self._file.seek(self._size)
        raise DestinationError(self._complaint(error)) from error

    def _complaint(self, error: OSError) -> str:
        return f"the report {self._path!r} can't be written: {error.strerror}"
