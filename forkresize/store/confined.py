"""A local directory that no link leads out of."""

import errno
import os
import stat
from io import FileIO

from forkresize.store.base import check_key
from forkresize.store.beneath import Root
from forkresize.store.info import ObjectInfo
from forkresize.store.local import LocalStore, info_of_status

_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


class ConfinedStore(LocalStore):
    """A directory whose files are opened one directory after the other, without following links.

    For keys from strangers: nothing outside the directory is read, also if another program changes it in between.
    Links that stay inside are resolved by ``resolve``.
    """

    def resolve(self, key: str) -> str:
        """Return the key of the file that a key leads to by links.

        Raises:
            FileNotFoundError: a link leads out of the directory, or to nothing.
            InvalidKeyError: it is not a key.
            OSError: it cannot be resolved, for example since links form a circle.
        """
        root = os.path.realpath(self.root)
        path = os.path.realpath(os.path.join(root, check_key(key)), strict=True)
        if not path.startswith(os.path.join(root, "")):
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), key)
        return os.path.relpath(path, root)

    def open(self, key: str) -> FileIO:
        """Open a regular file for reading, unbuffered; a link on the way is an error."""
        folder, _, name = check_key(key).rpartition("/")
        with Root(self.root) as root, root.directory(folder) as directory:
            descriptor = os.open(name, _READ, dir_fd=directory)
        if stat.S_ISREG(os.fstat(descriptor).st_mode):
            return FileIO(descriptor)
        os.close(descriptor)
        raise OSError(errno.EINVAL, "not a regular file", self.location(key))

    def read_small(self, key: str, limit: int) -> tuple[ObjectInfo, bytes | None]:
        """Return the status of a file, and its content if it has at most so many bytes and stays the same.

        Raises:
            OSError: it cannot be read, is not a regular file, or there is a link on the way.
        """
        with self.open(key) as file:
            found = info_of_status(key, os.fstat(file.fileno()))
            if found.size > limit:
                return found, None
            data = file.read(limit + 1)
            is_whole = len(data) == found.size and info_of_status(key, os.fstat(file.fileno())).is_same(found)
        return found, data if is_whole else None

    def stat(self, key: str, *, follow: bool = False) -> ObjectInfo | None:
        """Return the status of a file; with ``follow``, of the one that links inside the directory lead to."""
        try:
            return super().stat(self.resolve(key) if follow else check_key(key))
        except (FileNotFoundError, NotADirectoryError):
            return None
