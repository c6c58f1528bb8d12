"""Where a walk starts: at the sources that were named, or at the names of a list."""

import os
import posixpath
import stat
from collections.abc import Iterable, Iterator, Sequence
from typing import BinaryIO

from msgspec import Struct

from forkresize.errors import FieldError, SourceError, describe

_CHUNK = 1 << 16
_MAX_NAME = 1 << 20
"""Bytes; far more than any system opens. Limits the memory that a list without separators can take."""


class Root(Struct, frozen=True):
    """A directory or a file to start from.

    Attributes:
        path: where it is.
        prefix: its path below the destination; "" puts a directory's content at the top.
    """

    path: str
    prefix: str


def roots(sources: Sequence[str], *, single: bool | None = None) -> list[Root]:
    """Return the roots of sources that were named one by one.

    The content of a single directory goes to the top of the destination; several sources keep their own names.

    Args:
        sources: directories and files.
        single: whether these are all sources of the run, and one; None to count them.

    Raises:
        SourceError: one of them does not exist or cannot be read.
    """
    single = len(sources) == 1 if single is None else single
    return [Root(source, "" if _is_directory(source) and single else _own_name(source)) for source in sources]


def roots_from_names(names: Iterable[str], base: str | None) -> Iterator[Root]:
    """Yield the root of each name of a list. Names keep their directories below the destination.

    The walk reports names that do not exist. An absolute name loses its leading slash below the destination.

    Args:
        names: files, or directories to walk.
        base: the directory that relative names start from; None for the working directory.

    Raises:
        FieldError: a name leads out of the destination, or contains a NUL.
    """
    for name in names:
        if "\0" in name:
            raise FieldError("files_from", f"{name[:80]!r} contains a NUL; is the list separated by NULs?")
        prefix = posixpath.normpath(name).lstrip("/")
        if prefix.split("/", 1)[0] == "..":
            raise FieldError("files_from", f"{name!r} leads out of the destination; use an absolute path")
        yield Root(os.path.join(base or "", name), "" if prefix == "." else prefix)


def read_names(stream: BinaryIO, nul: bool) -> Iterator[str]:
    """Yield the names in a list as they are read, without empty ones.

    Args:
        stream: the list; if it is unbuffered, each name is yielded as soon as it is written.
        nul: whether a NUL ends each name; otherwise a newline does.

    Raises:
        FieldError: a name is too long for a list of names.
    """
    separator = b"\0" if nul else b"\n"
    rest = b""
    while chunk := stream.read(_CHUNK):
        *whole, rest = (rest + chunk).split(separator)
        yield from map(os.fsdecode, filter(None, whole))
        if len(rest) > _MAX_NAME:
            raise FieldError("files_from", f"no name ends within {_MAX_NAME} bytes; is it a list of names?")
    if rest:
        yield os.fsdecode(rest)


def _is_directory(source: str) -> bool:
    try:
        is_directory = stat.S_ISDIR(os.stat(source).st_mode)
    except FileNotFoundError:
        raise SourceError(f"{source!r} does not exist") from None
    except OSError as error:
        raise SourceError(f"{source!r} cannot be read: {describe(error)}") from error
    if not os.access(source, os.R_OK | os.X_OK if is_directory else os.R_OK):
        raise SourceError(f"{source!r} cannot be read: permission denied")
    return is_directory


def _own_name(source: str) -> str:
    name = os.path.basename(source.rstrip("/"))
    return os.path.basename(os.path.realpath(source)) if name in {"", ".", ".."} else name
