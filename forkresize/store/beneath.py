"""Directories and files below a root, reached without following symbolic links.

Each directory on the way is opened from the one above it, with O_NOFOLLOW. For a long way, Linux has ``openat2``, which
checks the same in one system call.
"""

import contextlib
import errno
import os
import stat
import struct
import sys
from collections.abc import Callable, Iterator
from functools import cache
from typing import NoReturn, Self

from forkresize.store.base import check_key

# To open a directory with O_PATH, the permission to search it is enough.
_DIRECTORY = getattr(os, "O_PATH", os.O_RDONLY) | os.O_DIRECTORY | os.O_CLOEXEC

_LONG_WAY = 3
"""Directories on a way from which ``openat2`` is faster than opening one after the other."""

_OPENAT2 = 437
"""The system call, on all architectures but a few such as MIPS; where it fails, directories are opened one by one."""

_RESOLVE = 0x02 | 0x04 | 0x08
"""RESOLVE_NO_MAGICLINKS, RESOLVE_NO_SYMLINKS and RESOLVE_BENEATH of ``linux/openat2.h``."""

_NEW_FILE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


class LinkError(OSError):
    """A directory on the way is a symbolic link."""

    def __init__(self, path: str) -> None:
        text = f"{path} is a symbolic link; outputs are not written through links in the destination"
        super().__init__(errno.ELOOP, text)


class Root:
    """A directory, held open, and what lies below it. A context manager.

    Links that lead to the directory itself are followed.
    """

    def __init__(self, path: str, *, create: bool = False) -> None:
        """Open a directory.

        Args:
            path: the directory.
            create: whether to create it and its parents if they are missing.

        Raises:
            OSError: it cannot be opened or created.
        """
        self.path = path
        if create:
            make_directories(path)
        self.descriptor = os.open(path, _DIRECTORY)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self.descriptor)

    @contextlib.contextmanager
    def directory(self, folder: str, *, create: bool = False) -> Iterator[int]:
        """Yield a descriptor of a directory below the root, for the ``dir_fd`` arguments of ``os``.

        Args:
            folder: its path relative to the root; empty for the root.
            create: whether to create it and its parents if they are missing.

        Raises:
            LinkError: it or a parent is a symbolic link.
            InvalidKeyError: a part of the path is not a name but, for example, ``..``.
            OSError: it cannot be opened or created.
        """
        names = check_key(folder).split("/") if folder else []
        current = self.descriptor
        if len(names) >= _LONG_WAY and (found := open_beneath(folder, current)) is not None:
            current, names = found, []
        try:
            for number, name in enumerate(names, start=1):
                try:
                    above, current = current, _open_directory(name, current, create=create)
                except OSError as error:
                    _explain(error, name, current, os.path.join(self.path, *names[:number]))
                self._close(above)
            yield current
        finally:
            self._close(current)

    def _close(self, descriptor: int) -> None:
        if descriptor != self.descriptor:
            os.close(descriptor)

    def remove(self, key: str) -> None:
        """Remove a file, and the directories on its way that are empty then.

        Raises:
            OSError: it cannot be removed, or a directory on its way is a symbolic link.
        """
        folder, _, name = check_key(key).rpartition("/")
        with self.directory(folder) as descriptor:
            os.unlink(name, dir_fd=descriptor)
        with contextlib.suppress(OSError):
            while folder:
                self._remove_directory(folder)
                folder = folder.rpartition("/")[0]

    def remove_tree(self, folder: str) -> None:
        """Remove a directory and all that lies below it.

        Raises:
            OSError: something cannot be removed, or appears again.
        """
        folders = []
        for path, descriptor, names in self.walk(folder):
            folders.append(path)
            for name in names:
                os.unlink(name, dir_fd=descriptor)
        for path in reversed(folders):
            self._remove_directory(path)

    def walk(self, folder: str = "") -> Iterator[tuple[str, int, list[str]]]:
        """Yield a directory and all below it, parents first: its path, its descriptor, names of all but directories.

        Directories that cannot be read, or are replaced by links, are passed over.
        """
        pending = [folder]
        while pending:
            path = pending.pop()
            with contextlib.suppress(OSError), self.directory(path) as descriptor:
                folders, names = _list(descriptor)
                pending += [f"{path}/{name}" if path else name for name in folders]
                yield path, descriptor, names

    def _remove_directory(self, folder: str) -> None:
        above, _, name = folder.rpartition("/")
        with self.directory(above) as descriptor:
            os.rmdir(name, dir_fd=descriptor)


def create_file(name: str, directory: int) -> int:
    """Create a file for writing and return its descriptor. What has the name is removed, but not a directory.

    Raises:
        OSError: it cannot be created.
    """
    try:
        return os.open(name, _NEW_FILE, 0o666, dir_fd=directory)
    except FileExistsError:
        os.unlink(name, dir_fd=directory)
        return os.open(name, _NEW_FILE, 0o666, dir_fd=directory)


def make_directories(path: str) -> None:
    """Create a directory and its parents if they are missing. Their number is not limited by Python's stack.

    Raises:
        OSError: one cannot be created.
    """
    missing = [path]
    while not _make_directory(missing[-1]):
        missing.append(os.path.dirname(missing[-1].rstrip("/")))
    for each in reversed(missing[:-1]):
        with contextlib.suppress(FileExistsError):
            os.mkdir(each)


def _make_directory(path: str) -> bool:
    """Create a directory unless something has its name; return whether its parent exists."""
    try:
        os.mkdir(path)
    except FileExistsError:
        return True
    except FileNotFoundError:
        if not os.path.dirname(path.rstrip("/")):
            raise
        return False
    return True


def open_beneath(folder: str, root: int) -> int | None:
    """Return a descriptor of an existing directory; None if it cannot be opened, or not in this way."""
    if sys.platform != "linux":
        return None
    from ctypes import c_long

    open_how = struct.pack("=QQQ", _DIRECTORY, 0, _RESOLVE)
    descriptor = _system_call()(c_long(_OPENAT2), c_long(root), os.fsencode(folder), open_how, c_long(len(open_how)))
    return None if descriptor < 0 else int(descriptor)


@cache
def _system_call() -> Callable[..., int]:
    import ctypes

    call = ctypes.CDLL(None).syscall
    call.restype = ctypes.c_long
    return call


def _open_directory(name: str, above: int, *, create: bool) -> int:
    flags = _DIRECTORY | os.O_NOFOLLOW
    try:
        return os.open(name, flags, dir_fd=above)
    except FileNotFoundError:
        if not create:
            raise
        with contextlib.suppress(FileExistsError):
            os.mkdir(name, dir_fd=above)
        return os.open(name, flags, dir_fd=above)


def _explain(error: OSError, name: str, above: int, path: str) -> NoReturn:
    """Raise a LinkError if that is why a directory could not be opened; otherwise the error."""
    # Systems do not agree on the number of this error.
    if error.errno in {errno.ELOOP, errno.ENOTDIR}:
        with contextlib.suppress(FileNotFoundError):
            if stat.S_ISLNK(os.stat(name, dir_fd=above, follow_symlinks=False).st_mode):
                raise LinkError(path) from error
    raise error


def _list(directory: int) -> tuple[list[str], list[str]]:
    """Return the names of the directories in a directory, and those of everything else."""
    # A descriptor with O_PATH cannot be read.
    readable = os.open(".", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC, dir_fd=directory)
    try:
        with os.scandir(readable) as entries:
            is_directory = {entry.name: entry.is_dir(follow_symlinks=False) for entry in entries}
    finally:
        os.close(readable)
    folders = [name for name, directory in is_directory.items() if directory]
    return folders, [name for name in is_directory if not is_directory[name]]
