"""The names of sources in the file of ``--files-from``."""

import os
import shutil
import stat
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import IO

import click

from forkresize.errors import FieldError
from forkresize.walk import read_names


def names_reader(path: str, stack: ExitStack, *, nul: bool) -> Callable[[], Iterator[str]]:
    """Return a function that yields the names, from the first one on each call.

    A pipe can be read only once, so its content is copied to a temporary file first.

    Args:
        path: the file; ``-`` is standard input.
        stack: closes the temporary file.
        nul: whether names end in NUL instead of a line feed.

    Raises:
        FieldError: the file is a device without an end.
    """
    if path == "-" or not os.path.isfile(path):
        path = _copy(path, stack)

    def read() -> Iterator[str]:
        with open(path, "rb") as lines:
            yield from read_names(lines, nul)

    return read


def _copy(path: str, stack: ExitStack) -> str:
    copy = stack.enter_context(tempfile.NamedTemporaryFile(prefix="forkresize-names-"))  # noqa: SIM115 (the stack)
    with click.open_file(path, "rb") as names:
        if _is_endless(names):
            raise FieldError("files_from", f"{path!r} is a device that may have no end")
        shutil.copyfileobj(names, copy)
    copy.flush()
    return copy.name


def _is_endless(file: IO[bytes]) -> bool:
    """Return whether a file is a device such as ``/dev/zero``; terminals and ``/dev/null`` have an end."""
    try:
        found = os.fstat(file.fileno())
    except OSError:
        return False  # Not a file of the system, such as a substitute for standard input.
    return stat.S_ISCHR(found.st_mode) and not file.isatty() and found.st_rdev != os.stat(os.devnull).st_rdev
