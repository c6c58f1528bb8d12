"""A file that lists outputs: checked before a run, staged at its end, put in place if all is in it. Knows no format."""

import os
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache

from msgspec import Struct

from forkresize.errors import DestinationError, UsageError
from forkresize.report.index.output_index import SourceOutputs
from forkresize.storage import open_source, remove_temporary, temporary_path

_HEAD = 200
"""Bytes that tell whether a file is a list."""

RelativePath = Callable[[str], str]
"""From the path of an output to its path from where the list lies, with ``/`` between the parts."""


class IndexFormat(Struct, frozen=True):
    """A kind of list.

    Attributes:
        name: what it is called, and its option.
        beginning: what every such file begins with.
        parts: yields its text.
    """

    name: str
    beginning: re.Pattern[bytes]
    parts: Callable[[Iterable[SourceOutputs], RelativePath], Iterator[str]]


class IndexFile(Struct, frozen=True):
    """A list that was asked for.

    Attributes:
        path: the file; a symbolic link is followed.
        kind: what it looks like.
    """

    path: str
    kind: IndexFormat

    def check(self, destination: str) -> None:
        """Find out whether the file can be written, and replaces nothing but an earlier list.

        Args:
            destination: the directory of the outputs, which the run makes if it is missing.

        Raises:
            UsageError: there can be no such file, or there is another one.
            DestinationError: it can't be written.
        """
        folder = os.path.dirname(self._file)
        if os.path.isdir(folder):
            self._check_place(folder)
        elif folder != os.path.realpath(destination):
            raise UsageError(f"{self._complaint}: there is no directory {folder!r}")

    def stage(self, entries: Iterable[SourceOutputs]) -> None:
        """Write the list beside its place, where it waits for being put there.

        Raises:
            DestinationError: it can't be written, or would replace something that came to be there; a part of it may
                be left to discard.
        """
        place = _placing(os.path.abspath(os.path.dirname(self.path)))
        try:
            self.check(os.path.dirname(self._file))
            with open(temporary_path(self._file, _tag()), "w", encoding="utf-8", newline="\n") as file:
                file.writelines(self.kind.parts(entries, place))
        except UsageError as error:
            raise DestinationError(str(error)) from error
        except OSError as error:
            raise DestinationError(f"{self._complaint}: {error.strerror}") from error

    def commit(self) -> None:
        """Put the staged list in its place, in one step.

        Raises:
            DestinationError: it can't be.
        """
        try:
            os.replace(temporary_path(self._file, _tag()), self._file)
        except OSError as error:
            raise DestinationError(f"{self._complaint}: {error.strerror}") from error

    def discard(self) -> None:
        """Remove the staged list; the one that is there stays."""
        remove_temporary(self._file, _tag())

    @property
    def _file(self) -> str:
        return os.path.realpath(self.path)

    @property
    def _complaint(self) -> str:
        return f"the {self.kind.name} {self.path!r} can't be written"

    def _check_place(self, folder: str) -> None:
        try:
            with open_source(self._file) as file:
                head = file.read(_HEAD)
        except FileNotFoundError:
            head = b""
        except OSError as error:
            raise DestinationError(f"{self._complaint}: {error.strerror}") from error
        if head and not self.kind.beginning.match(head):
            name = self.kind.name
            raise UsageError(f"the {name} {self.path!r} would replace a file that is no {name}; remove it first")
        if not os.access(folder, os.W_OK | os.X_OK):
            raise DestinationError(f"{self._complaint}: its directory may not be written to")


@contextmanager
def staged(lists: Sequence[IndexFile], entries: Iterable[SourceOutputs]) -> Iterator[None]:
    """Stage lists at the end of the block, unless it ends by an exception; all of them or none.

    Raises:
        DestinationError: one can't be written.
    """
    yield
    with _discarding(lists):
        for listing in lists:
            listing.stage(entries)


def commit(lists: Sequence[IndexFile]) -> None:
    """Put staged lists in their places; if one can't be, what is still staged goes.

    Raises:
        DestinationError: one can't be.
    """
    with _discarding(lists):
        for listing in lists:
            listing.commit()


@contextmanager
def _discarding(lists: Sequence[IndexFile]) -> Iterator[None]:
    try:
        yield
    except BaseException:
        for listing in lists:
            listing.discard()
        raise


def _tag() -> str:
    """Name this run, for temporary files."""
    return f"{os.getpid():08x}"


def _placing(folder: str) -> RelativePath:
    @lru_cache(maxsize=1024)
    def way(parent: str) -> str:
        near = os.path.relpath(parent or os.curdir, folder)
        if near.split(os.sep, 1)[0] == os.pardir:
            # The way up from a directory does not lead back through the link that led there.
            near = os.path.relpath(os.path.realpath(parent), os.path.realpath(folder))
        return "" if near == os.curdir else near

    def place(path: str) -> str:
        parent, name = os.path.split(path)
        return os.path.join(way(parent), name)

    return place
