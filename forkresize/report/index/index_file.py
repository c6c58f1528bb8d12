"""A file that lists outputs: checked before a run, staged at its end, committed if the run was complete."""

import os
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache

from msgspec import Struct

from forkresize.errors import DestinationError, UsageError
from forkresize.report.file_errors import foreign_file_error, missing_directory_error, write_error, write_errors
from forkresize.report.index.outputs import SourceOutputs
from forkresize.storage import open_source, remove_temporary, temporary_path

_HEAD_SIZE = 200
"""Bytes to read of an existing file to recognize it."""

RelativePath = Callable[[str], str]
"""Converts the path of an output to its path relative to the index file, with ``/`` as the separator."""


class IndexFormat(Struct, frozen=True):
    """A format of index files.

    Attributes:
        name: its name, also that of its option.
        beginning: matches the beginning of every such file.
        render: yields the text of a file.
    """

    name: str
    beginning: re.Pattern[bytes]
    render: Callable[[Iterable[SourceOutputs], RelativePath], Iterator[str]]


class IndexFile(Struct, frozen=True):
    """An index file to write.

    Attributes:
        path: its path; a symbolic link is followed.
        format: its format.
    """

    path: str
    format: IndexFormat

    def check(self, destination: str) -> None:
        """Check that the file can be written, and that it replaces at most an earlier index file.

        Args:
            destination: the directory of the outputs, which the run creates if it is missing.

        Raises:
            UsageError: its directory is missing, or another file has its path.
            DestinationError: it cannot be written.
        """
        directory = os.path.dirname(self._target)
        if os.path.isdir(directory):
            self._check_target(directory)
        elif directory != os.path.realpath(destination):
            raise missing_directory_error(self.format.name, self.path, directory)

    def stage(self, entries: Iterable[SourceOutputs]) -> None:
        """Write the text to a temporary file beside the target.

        Raises:
            DestinationError: it cannot be written, or would replace another file that exists by now; a partial
                temporary file may remain, to discard.
        """
        relative = _relative_to(os.path.abspath(os.path.dirname(self.path)))
        try:
            self.check(os.path.dirname(self._target))
        except UsageError as error:
            raise DestinationError(str(error)) from error
        with write_errors(self.format.name, self.path), open(self._temporary, "w", encoding="utf-8") as file:
            file.writelines(self.format.render(entries, relative))

    def commit(self) -> None:
        """Replace the target by the staged file atomically.

        Raises:
            DestinationError: the target cannot be replaced.
        """
        with write_errors(self.format.name, self.path):
            os.replace(self._temporary, self._target)

    def discard(self) -> None:
        """Remove the staged file; the target stays as it is."""
        remove_temporary(self._target, _run_id())

    @property
    def _target(self) -> str:
        return os.path.realpath(self.path)

    @property
    def _temporary(self) -> str:
        return temporary_path(self._target, _run_id())

    def _check_target(self, directory: str) -> None:
        try:
            with open_source(self._target) as file:
                head = file.read(_HEAD_SIZE)
        except FileNotFoundError:
            head = b""
        except OSError as error:
            raise write_error(self.format.name, self.path, error) from error
        if head and not self.format.beginning.match(head):
            raise foreign_file_error(self.format.name, self.path)
        if not os.access(directory, os.W_OK | os.X_OK):
            raise write_error(self.format.name, self.path, "its directory is not writable")


@contextmanager
def staged(files: Sequence[IndexFile], entries: Iterable[SourceOutputs]) -> Iterator[None]:
    """Stage files at the end of the block, unless it raises; all of them or none.

    Raises:
        DestinationError: one cannot be written.
    """
    yield
    with _discard_on_error(files):
        for file in files:
            file.stage(entries)


def commit(files: Sequence[IndexFile]) -> None:
    """Replace the targets by the staged files; after an error, discard those that remain.

    Raises:
        DestinationError: one cannot be replaced.
    """
    with _discard_on_error(files):
        for file in files:
            file.commit()


@contextmanager
def _discard_on_error(files: Sequence[IndexFile]) -> Iterator[None]:
    try:
        yield
    except BaseException:
        for file in files:
            file.discard()
        raise


def _run_id() -> str:
    """Return this run's part of the names of temporary files."""
    return f"{os.getpid():08x}"


def _relative_to(directory: str) -> RelativePath:
    @lru_cache(maxsize=1024)
    def relative_directory(parent: str) -> str:
        path = os.path.relpath(parent or os.curdir, directory)
        if path.split(os.sep, 1)[0] == os.pardir:
            # ".." does not lead back through a symbolic link.
            path = os.path.relpath(os.path.realpath(parent), os.path.realpath(directory))
        return "" if path == os.curdir else path

    def relative(path: str) -> str:
        parent, name = os.path.split(path)
        return os.path.join(relative_directory(parent), name)

    return relative
