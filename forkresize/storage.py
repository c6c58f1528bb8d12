"""Read sources; write outputs whole or not at all. Knows files and directories, not pictures."""

import contextlib
import errno
import filecmp
import hashlib
import itertools
import os
import shutil
import stat
import sys
import tempfile
import time
from collections.abc import Callable
from contextvars import ContextVar
from io import FileIO

STATE_DIR = ".forkresize"
"""The directory below a destination that holds what is no output."""

_MAX_NAME = 255
"""Bytes in a file name on every file system in common use."""


FALLBACK_OPENER: ContextVar[Callable[[str], int] | None] = ContextVar("FALLBACK_OPENER", default=None)
"""In a process that may open but a few files: asks another for the descriptor of one, or raises an OSError."""


def open_source(path: str) -> FileIO:
    """Open a regular file for reading, unbuffered; one that this process may not open, by way of BORROW.

    Raises:
        OSError: it can't be opened, or what is there is no regular file (a FIFO would block for ever).
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except PermissionError:
        borrow = FALLBACK_OPENER.get()
        if borrow is None:
            raise
        descriptor = borrow(path)
    if stat.S_ISREG(os.fstat(descriptor).st_mode):
        return FileIO(descriptor)
    os.close(descriptor)
    raise OSError(errno.EINVAL, "not a regular file", path)


def temporary_path(destination: str, tag: str) -> str:
    """Return the name that an output has until it is whole: hidden, beside its final place, of at most 255 bytes.

    It follows from the arguments alone, so that whoever outlives a dead writer can find what it left.

    Args:
        destination: the final path.
        tag: names the run, so that what a dead run left can be told from what a live one is writing.
    """
    folder, name = os.path.split(destination)
    ending = f".forkresize-{tag}"
    hidden = f".{name}{ending}"
    if len(os.fsencode(hidden)) > _MAX_NAME:
        hidden = f".{hashlib.blake2b(os.fsencode(name), digest_size=16).hexdigest()}{ending}"
    return os.path.join(folder, hidden)


def write_atomic(destination: str, data: bytes | memoryview, tag: str) -> None:
    """Write a file so that its final name never stands for anything but all of the data.

    Directories on the way are made. A file that is there already is replaced in one step.

    Args:
        destination: the final path.
        data: what the file is to hold.
        tag: see temporary_path.

    Raises:
        OSError: it could not be written; neither a part of it nor the temporary file is left.
    """
    temporary = temporary_path(destination, tag)
    try:
        _write(temporary, data)
        os.replace(temporary, destination)
    except BaseException:
        remove_temporary(destination, tag)
        raise


def set_mtime(path: str, mtime_ns: int) -> None:
    """Set a file's time of last modification, in nanoseconds since the epoch; a link's own, if it is one."""
    os.utime(path, ns=(time.time_ns(), mtime_ns), follow_symlinks=False)


def copy_attributes(path: str, like: str) -> None:
    """Give a file the permissions, the owner and the extended attributes of another, as far as this process may."""
    found = os.stat(like)
    with contextlib.suppress(PermissionError):
        os.chown(path, found.st_uid, found.st_gid)
    shutil.copystat(like, path)


def fsync(path: str) -> None:
    """Wait until what a file or directory holds would survive a power cut."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def back_up(path: str, backup: str) -> None:
    """Keep what a file holds under another name as well, whole; nothing that is there already is replaced.

    Where the name is taken by anything else, the backup gets a numbered one, such as ``a.jpg.~1~``.

    Raises:
        OSError: it can't be done.
    """
    place = _free_name(path, backup)
    if place is None:
        return
    os.makedirs(os.path.dirname(place), exist_ok=True)
    try:
        os.link(path, place, follow_symlinks=False)
    except OSError:
        # Another file system, or one without hard links. The next attempt takes the same temporary name.
        temporary = temporary_path(place, "backup")
        shutil.copy2(path, temporary)
        fsync(temporary)
        os.replace(temporary, place)
    fsync(os.path.dirname(place))


def _free_name(path: str, backup: str) -> str | None:
    """Return the first name that is free for a file's backup; None if one is there, from a run that was killed."""
    place = backup
    for number in itertools.count(1):
        if not os.path.lexists(place):
            break
        if os.path.isfile(place) and filecmp.cmp(path, place, shallow=False):
            return None
        place = f"{backup}.~{number}~"
    return place


def remove_output(path: str, destination: str) -> None:
    """Remove an output, and the directories on its way that are empty then, but not the destination.

    Raises:
        OSError: it can't be removed.
    """
    os.unlink(path)
    folder = os.path.dirname(path)
    with contextlib.suppress(OSError):
        while folder.startswith(os.path.join(destination, "")) and folder != destination.rstrip("/"):
            os.rmdir(folder)
            folder = os.path.dirname(folder)


def remove_temporary(destination: str, tag: str) -> None:
    """Remove what a writer that died may have left for this destination."""
    with contextlib.suppress(FileNotFoundError, NotADirectoryError):
        os.unlink(temporary_path(destination, tag))


def _write(path: str, data: bytes | memoryview) -> None:
    descriptor = _create(path)
    try:
        left = memoryview(data)
        while left:
            left = left[os.write(descriptor, left) :]
    finally:
        os.close(descriptor)


def _create(path: str) -> int:
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW
    try:
        return os.open(path, flags, 0o666)
    except FileNotFoundError:
        os.makedirs(os.path.dirname(path), exist_ok=True)
        return os.open(path, flags, 0o666)


def is_case_insensitive(directory: str) -> bool:
    """Tell whether the file system of a directory takes names for equal that differ in case only.

    Args:
        directory: one that is missing is taken for what the system's usual file system is, and one that can't be
            written for one that tells names apart.
    """
    if not os.path.isdir(directory):
        return sys.platform == "darwin"
    try:
        return _probe_case_insensitive(directory)
    except OSError:
        return False


def _probe_case_insensitive(directory: str) -> bool:
    with tempfile.NamedTemporaryFile(prefix=".forkresize-case-", dir=directory) as probe:
        return os.path.exists(os.path.join(directory, os.path.basename(probe.name).upper()))
