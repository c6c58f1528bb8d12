"""A file that lists outputs: checked before a run, staged at its end, put in place if all is in it. Knows no format."""

import os
import re
import stat
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache

from forkresize.errors import DestinationError, UsageError
from forkresize.report.renditions import Entry
from forkresize.storage import remove_temporary, temporary_path

_HEAD = 200
"""Bytes that tell whether a file is a list."""

Place = Callable[[str], str]
"""From the path of an output to its path from where the list lies, with ``/`` between the parts."""


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of list.

    Attributes:
        name: what it is called, and its option.
        beginning: what every such file begins with.
        parts: yields its text.
    """

    name: str
    beginning: re.Pattern[bytes]
    parts: Callable[[Iterable[Entry], Place], Iterator[str]]


@dataclass(frozen=True, slots=True)
class Listing:
    """A list that was asked for.

    Attributes:
        path: the file; a symbolic link is followed.
        kind: what it looks like.
    """

    path: str
    kind: Kind

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

    def stage(self, entries: Iterable[Entry]) -> None:
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
            self.discard()
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
            found = os.stat(self._file)
        except FileNotFoundError:
            self._check_access(folder)
            return
        except OSError as error:
            raise DestinationError(f"{self._complaint}: {error.strerror}") from error
        if not stat.S_ISREG(found.st_mode):
            raise UsageError(f"{self._complaint}: it is no regular file")
        self._check_access(folder)
        self._refuse_other_file()

    def _check_access(self, folder: str) -> None:
        if not os.access(folder, os.W_OK | os.X_OK):
            raise DestinationError(f"{self._complaint}: its directory may not be written to")

    def _refuse_other_file(self) -> None:
        try:
            with open(self._file, "rb") as file:
                head = file.read(_HEAD)
        except OSError as error:
            raise DestinationError(f"{self._complaint}: {error.strerror}") from error
        if head and not self.kind.beginning.match(head):
            name = self.kind.name
            raise UsageError(f"the {name} {self.path!r} would replace a file that is no {name}; remove it first")


@contextmanager
def staging(lists: Sequence[Listing], entries: Iterable[Entry]) -> Iterator[None]:
    """Stage lists at the end of the block, unless it ends by an exception; all of them or none.

    Raises:
        DestinationError: one can't be written.
    """
    yield
    try:
        for listing in lists:
            listing.stage(entries)
    except BaseException:
        for listing in lists:
            listing.discard()
        raise


def _tag() -> str:
    """Name this run, for temporary files."""
    return f"{os.getpid():08x}"


def _placing(folder: str) -> Place:
    real = lru_cache(maxsize=1024)(os.path.realpath)

    def place(path: str) -> str:
        near = os.path.relpath(path, folder)
        if near.split(os.sep, 1)[0] != os.pardir:
            return near
        # The way up from a directory does not lead back through the link that led there.
        parent, name = os.path.split(path)
        return os.path.relpath(os.path.join(real(parent), name), real(folder))

    return place
