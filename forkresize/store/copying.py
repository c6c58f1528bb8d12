"""Copies of files by descriptors of their directories, with permissions, owner, times and extended attributes."""

import contextlib
import errno
import os
import stat
import sys
from io import FileIO

from forkresize.store.base import read_pieces, write_pieces
from forkresize.store.beneath import create_file

_NO_ATTRIBUTES = frozenset({errno.ENOTSUP, errno.ENODATA, errno.EINVAL, errno.EPERM, errno.EACCES})
"""Errors of attributes that the file system, or the system for this user, does not support."""


def open_file(name: str, directory: int) -> FileIO:
    """Open a file in a directory for reading. Links are not followed, and pipes do not block.

    Raises:
        OSError: it cannot be opened.
    """
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    return FileIO(os.open(name, flags, dir_fd=directory))


def copy_file(source: FileIO, name: str, directory: int) -> None:
    """Copy a file, from its beginning, and its attributes to a new file in a directory, and flush it to disk.

    Raises:
        OSError: it cannot be written; a part may be left.
    """
    with FileIO(create_file(name, directory), "w") as copy:
        copy_content(source, copy)
        copy_attributes(copy, source)
        os.fsync(copy)


def copy_content(source: FileIO, copy: FileIO) -> None:
    """Write the content of a file, from its beginning, to another.

    Raises:
        OSError: it cannot be written; a part may be left.
    """
    source.seek(0)
    write_pieces(copy, read_pieces(source))


def new_file_attributes(directory: int) -> tuple[int, int, bytes | None]:
    """Return what decides the attributes of new files in a directory, which may be open with O_PATH only.

    Returns:
        Its group, whether new files get it (the bit of the mode), and its default access control list.
    """
    found = os.fstat(directory)
    default_acl = None
    if sys.platform == "linux":
        # It has none, its file system knows none, or /proc is missing.
        with contextlib.suppress(OSError):
            default_acl = os.getxattr(f"/proc/self/fd/{directory}", "system.posix_acl_default")
    return found.st_gid, found.st_mode & stat.S_ISGID, default_acl


def copy_attributes(file: FileIO, like: FileIO) -> None:
    """Give a file the attributes of another where this process is permitted to.

    Raises:
        OSError: for another reason, they cannot be read or set.
    """
    found = os.fstat(like.fileno())
    with contextlib.suppress(PermissionError):
        os.fchown(file.fileno(), found.st_uid, found.st_gid)
    os.utime(file.fileno(), ns=(found.st_atime_ns, found.st_mtime_ns))
    if sys.platform == "linux":
        _copy_extended_attributes(file.fileno(), like.fileno())
    os.fchmod(file.fileno(), found.st_mode & 0o7777)


def _copy_extended_attributes(file: int, like: int) -> None:
    try:
        names = os.listxattr(like)
    except OSError as error:
        if error.errno in _NO_ATTRIBUTES:
            return
        raise
    for name in names:
        try:
            os.setxattr(file, name, os.getxattr(like, name))
        except OSError as error:
            if error.errno not in _NO_ATTRIBUTES:
                raise
