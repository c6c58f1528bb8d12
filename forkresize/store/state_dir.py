"""The state directory of a destination and the files in it, opened without following what others may have planted."""

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager

_KINDS = {
    stat.S_IFLNK: "a symbolic link",
    stat.S_IFDIR: "a directory",
    stat.S_IFIFO: "a named pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}


@contextmanager
def state_dir(path: str) -> Iterator[int]:
    """Open the state directory, and yield its descriptor, for use as ``dir_fd``.

    Raises:
        FileNotFoundError: it does not exist.
        OSError: it is a link or not a directory, or cannot be opened.
    """
    try:
        directory = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError as error:
        kind = None
        if error.errno in {errno.ENOTDIR, errno.ELOOP}:
            # It fails, too, if a directory above is not one.
            kind = _KINDS.get(stat.S_IFMT(os.lstat(path).st_mode), "a file")
        problem = f"{kind} in the place of a directory; remove it" if kind else error.strerror
        raise OSError(error.errno, problem, path) from error
    try:
        yield directory
    finally:
        os.close(directory)


def open_state_file(directory: int, path: str, flags: int) -> int:
    """Return a descriptor of a file in the state directory. Never waits, as a pipe would, and follows no link.

    Args:
        directory: from ``state_dir``.
        path: of the file; only its name counts.
        flags: how to open it; with ``O_CREAT`` it is created if it is missing.

    Raises:
        FileNotFoundError: it does not exist.
        OSError: it is not a regular file with one name, or cannot be opened.
    """
    flags |= os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
    try:
        descriptor = os.open(os.path.basename(path), flags, 0o666, dir_fd=directory)
    except OSError as error:
        problem = None
        # The system's own texts for these do not say what to do.
        if error.errno in {errno.ELOOP, errno.EISDIR, errno.ENXIO, errno.EOPNOTSUPP}:
            problem = describe_problem(os.lstat(os.path.basename(path), dir_fd=directory))
        raise OSError(error.errno, problem or error.strerror, path) from error
    if problem := describe_problem(os.fstat(descriptor)):
        os.close(descriptor)
        raise OSError(errno.EINVAL, problem, path)
    return descriptor


def describe_problem(status: os.stat_result) -> str | None:
    """Return what is wrong with a file that should be regular with one name, and what to do; None if nothing is."""
    kind = stat.S_IFMT(status.st_mode)
    if kind != stat.S_IFREG:
        return f"{_KINDS.get(kind, 'a special file')} in the place of a regular file; remove it"
    # Another name may be that of a file of the user, which would be overwritten. None: it was removed just now.
    return (
        "a file that has other names (hard links); replace it by a copy or remove it" if status.st_nlink > 1 else None
    )


def is_trusted(status: os.stat_result, destination: os.stat_result) -> bool:
    """Return whether a file belongs to this user, root, or the destination's owner, or to the group that shares it."""
    shared = destination.st_mode & (stat.S_IWGRP | stat.S_IWOTH) == stat.S_IWGRP
    return status.st_uid in {0, os.geteuid(), destination.st_uid} or (shared and status.st_gid == destination.st_gid)
