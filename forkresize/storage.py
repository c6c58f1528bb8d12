"""Read sources; write outputs whole or not at all. Knows files and directories, not pictures."""

import contextlib
import hashlib
import os
import stat
from io import FileIO

_MAX_NAME = 255
"""Bytes in a file name on every file system in common use."""


def open_source(path: str) -> FileIO:
    """Open a regular file for reading, unbuffered.

    Raises:
        OSError: it can't be opened, or what is there is no regular file (a FIFO would block for ever).
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise OSError(f"not a regular file: {path!r}")
        return FileIO(descriptor)
    except BaseException:
        os.close(descriptor)
        raise


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


def write_whole(destination: str, data: bytes | memoryview, tag: str) -> None:
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
