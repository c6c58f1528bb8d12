"""Read sources; write outputs whole or not at all. Knows files and directories, not pictures."""

import contextlib
import errno
import fcntl
import hashlib
import os
import re
import secrets
import stat
import sys
import tempfile
from collections.abc import Iterator
from io import FileIO

from forkresize.errors import DestinationBusyError, DestinationError

HOUSEKEEPING = ".forkresize"
"""The directory below a destination that holds what is no output."""

_MAX_NAME = 255
"""Bytes in a file name on every file system in common use."""

_ATTEMPTS = 1000
"""So often a lock is tried for that others take and free at the same moment."""

_TAG = re.compile(rb"[0-9a-f]{8}")


def open_source(path: str) -> FileIO:
    """Open a regular file for reading, unbuffered.

    Raises:
        OSError: it can't be opened, or what is there is no regular file (a FIFO would block for ever).
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
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


@contextlib.contextmanager
def hold(destination: str) -> Iterator[str]:
    """Hold a directory for one run, made if it is missing, and remove what a run that died has left there.

    The lock is the kernel's, so it is free the moment its holder dies, however it dies; the holder's tag stays in the
    lock file then, and tells whose temporary files to look for.

    Yields:
        A tag of this run's own, for temporary names.

    Raises:
        DestinationError: the directory can't be made or written.
        DestinationBusyError: another run holds it.
    """
    housekeeping = os.path.join(destination, HOUSEKEEPING)
    tag = secrets.token_hex(4)
    try:
        lock = _lock(os.path.join(housekeeping, "lock"))
        if lock is None:
            raise DestinationBusyError(f"another run is writing to {destination}; try again when it has ended")
        try:
            _take_over(lock, destination, tag)
        except BaseException:
            lock.close()
            raise
    except OSError as error:
        raise DestinationError(f"{error.filename or destination}: {error.strerror}") from error
    with lock:
        try:
            yield tag
        except BaseException:
            _sweep(destination, tag)
            raise
        finally:
            # If somebody removed the destination, or made it read-only, the run has told of worse.
            with contextlib.suppress(OSError):
                os.unlink(lock.name)
                os.rmdir(housekeeping)


def folds_names(directory: str) -> bool:
    """Tell whether the file system of a directory takes names for equal that differ in case only.

    Args:
        directory: one that is missing is taken for what the system's usual file system is, and one that can't be
            written for one that tells names apart.
    """
    if not os.path.isdir(directory):
        return sys.platform == "darwin"
    try:
        return _folds_names(directory)
    except OSError:
        return False


def _folds_names(directory: str) -> bool:
    with tempfile.NamedTemporaryFile(prefix=".forkresize-case-", dir=directory) as probe:
        return os.path.exists(os.path.join(directory, os.path.basename(probe.name).upper()))


def _lock(path: str) -> FileIO | None:
    """Return the file, locked; None if somebody else has it locked, or keeps taking and freeing it."""
    for attempt in range(_ATTEMPTS):
        try:
            os.makedirs(os.path.dirname(path), exist_ok=True)
            lock = FileIO(path, "a+")
        except (FileExistsError, FileNotFoundError):
            # Whoever held it removes the file and its folder when it ends, which may be at any point here.
            if attempt == _ATTEMPTS - 1:
                raise
            continue
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.close()
            return None
        # What was locked may no longer be what the name stands for.
        with contextlib.suppress(FileNotFoundError):
            if os.path.samestat(os.fstat(lock.fileno()), os.stat(path)):
                return lock
        lock.close()
    return None


def _take_over(lock: FileIO, destination: str, tag: str) -> None:
    lock.seek(0)
    for stale in _TAG.findall(lock.read()):
        _sweep(destination, stale.decode("ascii"))
    lock.truncate(0)
    lock.write(tag.encode("ascii"))


def _sweep(root: str, tag: str) -> None:
    for folder, _, names in os.walk(root):
        for name in names:
            if name.endswith(f".forkresize-{tag}"):
                # What can't be removed does no harm: its name is no output's.
                with contextlib.suppress(OSError):
                    os.unlink(os.path.join(folder, name))
