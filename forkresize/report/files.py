"""Files that a run reports to: errors in one wording, and atomic replacement."""

import os
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from msgspec import Struct

from forkresize.errors import DestinationError, UsageError, describe
from forkresize.store.files import open_source, remove_temporary, temporary_path

_HEAD_SIZE = 200
"""Bytes to read of an existing file to recognize it."""


def write_error(kind: str, path: str, reason: OSError | str) -> DestinationError:
    """Return the error for a file that cannot be written.

    Args:
        kind: what the file is, such as ``report``.
        path: the path that the user gave.
        reason: why it cannot be written.
    """
    return DestinationError(_message(kind, path, reason))


def missing_directory(path: str) -> str:
    """Return what to do if the directory of a file is missing; empty if it exists."""
    directory = os.path.dirname(os.path.realpath(path))
    return "" if os.path.isdir(directory) else f"there is no directory {directory!r}; create it first"


def foreign_file_error(kind: str, path: str) -> UsageError:
    """Return the error for a file that exists and that forkresize did not write."""
    return UsageError(f"{path!r} exists and is not a {kind}: remove it first, or choose another name")


@contextmanager
def open_errors(kind: str, path: str) -> Iterator[None]:
    """Translate errors of opening a file: UsageError if the path cannot be a file, else DestinationError."""
    try:
        yield
    except (FileNotFoundError, IsADirectoryError, NotADirectoryError) as error:
        raise UsageError(_message(kind, path, missing_directory(path) or error)) from error
    except OSError as error:
        raise write_error(kind, path, error) from error


@contextmanager
def write_errors(kind: str, path: str) -> Iterator[None]:
    """Translate errors of writing a file to DestinationError."""
    try:
        yield
    except OSError as error:
        raise write_error(kind, path, error) from error


class ReplacedFile(Struct, frozen=True):
    """A file that is replaced atomically.

    Attributes:
        path: its path; a symbolic link is followed.
        kind: what it is, for messages.
        beginning: matches the beginning of every such file.
    """

    path: str
    kind: str
    beginning: re.Pattern[bytes]

    def check(self, destination: str = os.curdir) -> None:
        """Check that the file can be written, and that it replaces at most a file of its kind.

        Args:
            destination: a directory that the run creates if it is missing, with those above it.

        Raises:
            UsageError: its directory is missing, or another file has its path.
            DestinationError: it cannot be written.
        """
        directory = os.path.dirname(self._target)
        if not os.path.isdir(directory):
            if _is_within(os.path.realpath(destination), directory):
                return
            raise UsageError(_message(self.kind, self.path, missing_directory(self._target)))
        head = self._head()
        if head and not self.beginning.match(head):
            raise foreign_file_error(self.kind, self.path)
        if not os.access(directory, os.W_OK | os.X_OK):
            raise write_error(self.kind, self.path, "its directory is not writable")

    def stage(self, parts: Iterable[str]) -> None:
        """Write text to a temporary file beside the target.

        Raises:
            DestinationError: it cannot be written, or would replace another file that exists by now; a partial
                temporary file may remain, to discard.
        """
        try:
            self.check(os.path.dirname(self._target))
        except UsageError as error:
            raise DestinationError(str(error)) from error
        with write_errors(self.kind, self.path), open(self._temporary, "w", encoding="utf-8") as file:
            file.writelines(parts)

    def commit(self) -> None:
        """Replace the target by the staged file.

        Raises:
            DestinationError: the target cannot be replaced.
        """
        with write_errors(self.kind, self.path):
            os.replace(self._temporary, self._target)

    def discard(self) -> None:
        """Remove the staged file; the target stays as it is."""
        remove_temporary(self._target, run_id())

    @property
    def _target(self) -> str:
        return os.path.realpath(self.path)

    @property
    def _temporary(self) -> str:
        return temporary_path(self._target, run_id())

    def _head(self) -> bytes:
        try:
            with open_source(self._target) as file:
                return file.read(_HEAD_SIZE)
        except FileNotFoundError:
            return b""
        except OSError as error:
            raise write_error(self.kind, self.path, error) from error


@contextmanager
def discard_on_error(files: Iterable[ReplacedFile]) -> Iterator[None]:
    """Discard the staged files if the block raises."""
    try:
        yield
    except BaseException:
        for file in files:
            file.discard()
        raise


def run_id() -> str:
    """Return this run's part of the names of temporary files."""
    return f"{os.getpid():08x}"


def _is_within(path: str, directory: str) -> bool:
    return os.path.commonpath([path, directory]) == directory


def _message(kind: str, path: str, reason: OSError | str) -> str:
    return f"cannot write the {kind} {path!r}: {describe(reason) if isinstance(reason, OSError) else reason}"
