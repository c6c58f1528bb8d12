"""Where a walk starts: roots from the command line and from ``--files-from``. Enters no directory."""

import os
import posixpath
import stat
from collections.abc import Iterable, Iterator, Sequence
from typing import BinaryIO

from msgspec import Struct

from forkresize.errors import SourceError, UsageError

_CHUNK = 1 << 16
_LONGEST_NAME = 1 << 20
"""Bytes; far more than any system opens, so a list without separators is not gathered in memory for ever."""


class Root(Struct, frozen=True):
    """A directory or a file to start at.

    Attributes:
        path: where it is.
        prefix: where it lies below the destination; "" puts a directory's content at the top.
    """

    path: str
    prefix: str


def roots(sources: Sequence[str]) -> list[Root]:
    """Return where to start for the sources of a command line.

    The content of a single directory goes to the top of the destination; of several sources each keeps its own name.

    Raises:
        SourceError: one of them does not exist or can't be read.
    """
    alone = len(sources) == 1
    return [Root(source, "" if _is_directory(source) and alone else _own_name(source)) for source in sources]


def roots_from_names(names: Iterable[str], base: str | None) -> Iterator[Root]:
    """Yield where to start for each name of a list, which keeps its directories below the destination.

    A name that does not exist is found out by the walk. An absolute name is opened as it stands and loses its leading
    slash below the destination.

    Args:
        names: files, or directories to walk.
        base: the directory that relative names start from; None for the working directory.

    Raises:
        UsageError: a name leads out of the destination, or is none.
    """
    for name in names:
        if "\0" in name:
            raise UsageError(f"--files-from: {name[:80]!r} holds a NUL; for names that end in one give -0 as well")
        prefix = posixpath.normpath(name).lstrip("/")
        if prefix.split("/", 1)[0] == "..":
            raise UsageError(f"--files-from: {name!r} would lie outside the destination; give its absolute path")
        yield Root(os.path.join(base or "", name), "" if prefix == "." else prefix)


def read_names(stream: BinaryIO, nul: bool) -> Iterator[str]:
    """Yield the names in a list as they are read; empty ones are passed over.

    Args:
        stream: the list; an unbuffered one gives each name as soon as it is there.
        nul: whether a NUL ends each name; otherwise a newline does.

    Raises:
        UsageError: what is read is no list of names.
    """
    separator = b"\0" if nul else b"\n"
    rest = b""
    while chunk := stream.read(_CHUNK):
        *whole, rest = (rest + chunk).split(separator)
        yield from map(os.fsdecode, filter(None, whole))
        if len(rest) > _LONGEST_NAME:
            raise UsageError(f"--files-from: no name ends within {_LONGEST_NAME} bytes; is it a list of names?")
    if rest:
        yield os.fsdecode(rest)


def _is_directory(source: str) -> bool:
    try:
        is_directory = stat.S_ISDIR(os.stat(source).st_mode)
    except FileNotFoundError:
        raise SourceError(f"{source!r} does not exist") from None
    except OSError as error:
        raise SourceError(f"{source!r} can't be read: {error.strerror}") from error
    if not os.access(source, os.R_OK | os.X_OK if is_directory else os.R_OK):
        raise SourceError(f"{source!r} can't be read: permission denied")
    return is_directory


def _own_name(source: str) -> str:
    name = os.path.basename(source.rstrip("/"))
    return os.path.basename(os.path.realpath(source)) if name in {"", ".", ".."} else name
