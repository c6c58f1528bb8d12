"""Files of the local file system: open for reading, write atomically, temporary names."""

import contextlib
import errno
import hashlib
import os
import stat
import sys
import tempfile
from collections.abc import Callable
from contextvars import ContextVar
from io import FileIO

from forkresize.store.base import STATE_DIR

_MAX_NAME = 255
"""Bytes in a file name on every common file system."""

FALLBACK_OPENER: ContextVar[Callable[[str], int] | None] = ContextVar("FALLBACK_OPENER", default=None)
"""In a process that may open few files: returns a descriptor that another process opened, or raises OSError."""


def open_source(path: str) -> FileIO:
    """Open a regular file for reading, unbuffered; with FALLBACK_OPENER if this process lacks permission.

    Raises:
        OSError: it cannot be opened, or is not a regular file (a FIFO would block).
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except PermissionError:
        opener = FALLBACK_OPENER.get()
        if opener is None:
            raise
        descriptor = opener(path)
    if stat.S_ISREG(os.fstat(descriptor).st_mode):
        return FileIO(descriptor)
    os.close(descriptor)
    raise OSError(errno.EINVAL, "not a regular file", path)


def temporary_path(destination: str, run_id: str) -> str:
    """Return the name that an output has until it is complete: hidden, in the same directory, at most 255 bytes.

    It depends on the arguments only, so that another process can find what a killed writer left.

    Args:
        destination: the final path.
        run_id: the run's, which distinguishes the files of a dead run from those of a running one.
    """
    folder, name = os.path.split(destination)
    ending = f".forkresize-{run_id}"
    hidden = f".{name}{ending}"
    if len(os.fsencode(hidden)) > _MAX_NAME:
        hidden = f".{hashlib.blake2b(os.fsencode(name), digest_size=16).hexdigest()}{ending}"
    return os.path.join(folder, hidden)


def is_internal(name: str) -> bool:
    """Return whether a file name is the state directory's or a temporary file's."""
    return name == STATE_DIR or (name.startswith(".") and ".forkresize-" in name)


def write_atomic(destination: str, data: bytes | memoryview, run_id: str) -> os.stat_result:
    """Write a file so that its final name never refers to less than all of the data; return its status.

    Missing directories are created. An existing file is replaced in one step.

    Raises:
        OSError: it could not be written; neither a part of it nor the temporary file is left.
    """
    temporary = temporary_path(destination, run_id)
    try:
        status = _write(temporary, data)
        os.replace(temporary, destination)
    except BaseException:
        remove_temporary(destination, run_id)
        raise
    return status


def remove_temporary(destination: str, run_id: str) -> None:
    """Remove what a killed writer may have left for this destination."""
    with contextlib.suppress(FileNotFoundError, NotADirectoryError):
        os.unlink(temporary_path(destination, run_id))


def remove_temporaries(root: str, run_id: str) -> None:
    """Remove all temporary files of a run below a directory. Those that cannot be removed are harmless and stay."""
    for folder, _, names in os.walk(root):
        for name in names:
            if name.endswith(f".forkresize-{run_id}"):
                with contextlib.suppress(OSError):
                    os.unlink(os.path.join(folder, name))


def is_case_insensitive(directory: str) -> bool:
    """Return whether a directory's file system is case-insensitive.

    A missing directory is assumed to use the platform default; an unwritable one is assumed to be case-sensitive.
    """
    if not os.path.isdir(directory):
        return sys.platform == "darwin"
    try:
        return _probe_case_insensitive(directory)
    except OSError:
        return False


def _write(path: str, data: bytes | memoryview) -> os.stat_result:
    descriptor = _create(path)
    try:
        rest = memoryview(data)
        while rest:
            rest = rest[os.write(descriptor, rest) :]
        return os.fstat(descriptor)
    finally:
        os.close(descriptor)


def _create(path: str) -> int:
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW
    try:
        return os.open(path, flags, 0o666)
    except FileNotFoundError:
        os.makedirs(os.path.dirname(path), exist_ok=True)
        return os.open(path, flags, 0o666)


def _probe_case_insensitive(directory: str) -> bool:
    with tempfile.NamedTemporaryFile(prefix=".forkresize-case-", dir=directory) as probe:
        return os.path.exists(os.path.join(directory, os.path.basename(probe.name).upper()))
