"""Files of the local file system: open for reading, write, temporary names."""

import contextlib
import errno
import os
import stat
import sys
from collections.abc import Callable, Collection
from contextvars import ContextVar
from io import FileIO

from forkresize.hashing import blake2b
from forkresize.store.base import STATE_DIR
from forkresize.store.beneath import Root

_MAX_NAME = 255
"""Bytes in a file name on every common file system."""

RUN_MARK = f"{STATE_DIR}-"
"""What the id of a run follows in the names of its temporary files and of its staging directory."""

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
    ending = f"{RUN_MARK}{run_id}"
    hidden = f".{name}{ending}"
    if len(os.fsencode(hidden)) > _MAX_NAME:
        hidden = f".{blake2b(os.fsencode(name), digest_size=16).hexdigest()}{ending}"
    return os.path.join(folder, hidden)


def is_internal(name: str) -> bool:
    """Return whether a file name is the state directory's or a temporary file's."""
    return name == STATE_DIR or (name.startswith(".") and RUN_MARK in name)


def remove_temporary(destination: str, run_id: str) -> None:
    """Remove what a killed writer may have left for this destination."""
    with contextlib.suppress(FileNotFoundError, NotADirectoryError):
        os.unlink(temporary_path(destination, run_id))


def find_temporary_runs(root: str) -> set[str]:
    """Return the ids of the runs that have temporary files below a directory."""
    found: set[str] = set()
    with contextlib.suppress(OSError), Root(root) as tree:
        for _, _, names in tree.walk():
            found.update(name.rpartition(RUN_MARK)[2] for name in names if is_internal(name))
    return found


def remove_temporaries(root: str, run_ids: Collection[str]) -> None:
    """Remove the staging directories of runs, and all of their temporary files below a directory.

    Those that cannot be removed are harmless and stay.
    """
    if not run_ids:
        return
    with contextlib.suppress(OSError), Root(root) as tree:
        for run_id in run_ids:
            with contextlib.suppress(OSError):
                tree.remove_tree(f"{RUN_MARK}{run_id}")
        for _, directory, names in tree.walk():
            for name in names:
                _, found, run_id = name.rpartition(RUN_MARK)
                if found and run_id in run_ids:
                    with contextlib.suppress(OSError):
                        os.unlink(name, dir_fd=directory)


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


def write_all(descriptor: int, data: bytes | memoryview) -> None:
    """Write data to a file that is open.

    Raises:
        OSError: it could not be written; a part of it may be.
    """
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(descriptor, rest) :]


def _probe_case_insensitive(directory: str) -> bool:
    # A file would be left behind if this process were killed; the state directory is used by the run anyway.
    state_dir = os.path.join(directory, STATE_DIR)
    try:
        os.mkdir(state_dir)
    except FileExistsError:
        return _is_same_entry(state_dir, os.path.join(directory, STATE_DIR.upper()))
    try:
        return _is_same_entry(state_dir, os.path.join(directory, STATE_DIR.upper()))
    finally:
        # Another run may use it by now.
        with contextlib.suppress(OSError):
            os.rmdir(state_dir)


def _is_same_entry(path: str, other: str) -> bool:
    try:
        return os.path.samestat(os.lstat(path), os.lstat(other))
    except FileNotFoundError:
        return False
