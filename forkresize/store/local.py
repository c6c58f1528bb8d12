"""The local file system as a store."""

import contextlib
import errno
import os
import stat
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from io import FileIO
from typing import BinaryIO, Self

from msgspec.structs import replace

from forkresize.store import files
from forkresize.store.base import check_key, delete_each, read_pieces, write_pieces
from forkresize.store.beneath import Root, create_file
from forkresize.store.info import PLAIN, Capabilities, ChangedError, ObjectInfo, ObjectKind, PutOptions, check_condition
from forkresize.store.staging import LocalStaging, write_staged

FileStatus = tuple[int, int, int]
"""Size in bytes, modification time and time of the last change in nanoseconds since the epoch."""

NO_FILE: FileStatus = (0, 0, 0)


class LocalStore:
    """A directory and all that lies below it.

    ``LocalStore("")`` stands for all files: its keys are paths, absolute or relative to the working directory. It is
    how local sources are opened.
    """

    capabilities = Capabilities(any_bytes=True, mtimes=True, local_paths=True)

    def __init__(self, root: str, run_id: str = "") -> None:
        """Name a directory, which may be missing. The run's id is part of the temporary names of what is written."""
        self.root = root
        self.run_id = run_id
        self._prefix = os.path.join(root, "")

    def with_run(self, run_id: str) -> Self:
        """Return the same directory, written to on behalf of a run."""
        return type(self)(self.root, run_id)

    def probe(self) -> Capabilities:
        """Return the capabilities, with the case sensitivity of the directory's file system."""
        return replace(self.capabilities, case_sensitive=not files.is_case_insensitive(self.root))

    def location(self, key: str) -> str:
        """Return the path of a key; the directory's own for an empty key."""
        return self._prefix + key if key else self.root

    def stat(self, key: str, *, follow: bool = False) -> ObjectInfo | None:
        """Return the status of a file, or of the file that a symbolic link leads to; None if it does not exist."""
        try:
            return info_of_status(key, (os.stat if follow else os.lstat)(self._prefix + key))
        except FileNotFoundError:
            return None

    def stat_files(self, folder: str, names: Sequence[str]) -> list[FileStatus]:
        """Return the status of files in one directory; of what is missing or no regular file, ``NO_FILE``.

        Args:
            folder: the part of the keys that precedes the names; ends with a slash unless it is empty.
            names: of the files.
        """
        try:
            directory = os.open(self._prefix + folder or os.curdir, os.O_RDONLY | os.O_DIRECTORY)
        except OSError:
            return [NO_FILE] * len(names)
        found: list[FileStatus] = []
        try:
            for name in names:
                try:
                    status = os.stat(name, dir_fd=directory, follow_symlinks=False)
                except OSError:
                    found.append(NO_FILE)
                    continue
                is_regular = stat.S_ISREG(status.st_mode)
                found.append((status.st_size, status.st_mtime_ns, status.st_ctime_ns) if is_regular else NO_FILE)
        finally:
            os.close(directory)
        return found

    def open(self, key: str) -> FileIO:
        """Open a regular file for reading, unbuffered."""
        return files.open_source(self._prefix + key)

    def fetch(self, key: str, file: BinaryIO, expected: ObjectInfo | None = None) -> ObjectInfo:
        """Copy a regular file into one that is open."""
        with self.open(key) as source:
            found = info_of_status(key, os.fstat(source.fileno()))
            if expected is not None and not found.is_same(expected):
                raise ChangedError(self.location(key))
            # A file that grows all the time would have no end.
            write_pieces(file, read_pieces(source, found.size))
            if not info_of_status(key, os.fstat(source.fileno())).is_same(found):
                raise ChangedError(self.location(key))
        return found

    def scan(self, prefix: str = "", after: str = "") -> Iterator[ObjectInfo]:
        """Yield the files in the order of their keys' bytes; directories that cannot be read are passed over."""
        for key in self._walk(prefix, after):
            if found := self.stat(key):
                yield found

    def put(self, key: str, data: bytes | memoryview, options: PutOptions = PLAIN) -> ObjectInfo:
        """Write a file and the directories on its way."""
        if options.create or options.replaces is not None:
            check_condition(self.stat(key), options, self.location(key))
        root, key_below = self._split(key)
        folder, _, name = key_below.rpartition("/")
        with Root(root, create=True) as tree, tree.directory(folder, create=True) as directory:
            temporary = files.temporary_path(name, self.run_id)
            try:
                descriptor = create_file(temporary, directory)
                try:
                    files.write_all(descriptor, data)
                    status = os.fstat(descriptor)
                finally:
                    os.close(descriptor)
                if options.create and _link(temporary, name, directory):
                    os.unlink(temporary, dir_fd=directory)
                else:
                    os.rename(temporary, name, src_dir_fd=directory, dst_dir_fd=directory)
            except BaseException:
                with contextlib.suppress(OSError):
                    os.unlink(temporary, dir_fd=directory)
                raise
        return info_of_status(key, status)

    def staging(self) -> LocalStaging:
        """Return the run's staging directory; it exists while it is entered."""
        return LocalStaging(self.root, self.run_id)

    def stage(self, staged: str, data: bytes | memoryview) -> None:
        """Write a file in the staging directory."""
        write_staged(self.location(staged), data)

    def set_mtime(self, key: str, mtime_ns: int) -> None:
        """Set a file's modification time; a symbolic link is not followed."""
        root, key_below = self._split(key)
        folder, _, name = key_below.rpartition("/")
        with Root(root) as tree, tree.directory(folder) as directory:
            os.utime(name, ns=(time.time_ns(), mtime_ns), dir_fd=directory, follow_symlinks=False)

    def delete(self, key: str) -> None:
        """Remove a file, and the directories on its way that are empty then, but not the store's own."""
        root, key_below = self._split(key)
        with Root(root) as tree:
            tree.remove(key_below)

    def delete_many(self, keys: Iterable[str]) -> Iterator[tuple[str, OSError | None]]:
        """Remove objects, one by one."""
        return delete_each(self.delete, keys)

    def lock(
        self, shard: str | None = None, timeout: float = 0.0, on_wait: Callable[[], object] = lambda: None
    ) -> AbstractContextManager[str]:
        """Hold the directory for one run, or for one shard of it; it is made if it is missing."""
        from forkresize.store.lock import destination_lock

        return destination_lock(self.root, shard=shard, timeout=timeout, on_wait=on_wait)

    def _split(self, key: str) -> tuple[str, str]:
        """Return a directory, which links may lead to, and a key below it, whose directories must not be links."""
        if self.root:
            return self.root, check_key(key)
        folder, name = os.path.split(key)
        return folder or os.curdir, check_key(name)

    def _walk(self, prefix: str, after: str) -> Iterator[str]:
        """Yield the keys of what is not a directory, in the order of their bytes.

        Directories are not read if all keys below them have another prefix, or come before ``after``.
        """
        first, last = prefix.rpartition("/")[0], os.fsencode(after)
        pending = [f"{first}/" if first else ""]
        while pending:
            key = pending.pop()
            if key and not key.endswith("/"):
                yield key
                continue
            # A directory's slash counts, as it is part of the keys below.
            below = ((os.fsencode(key + name), key + name) for name in self._names(key))
            found = sorted(((data, each) for data, each in below if _may_lead(data, last)), reverse=True)
            pending += [each for _, each in found if each.startswith(prefix)]

    def _names(self, folder: str) -> list[str]:
        """Return the names in a directory, with a slash after those of directories; none if it cannot be read."""
        try:
            with os.scandir((self._prefix + folder) or os.curdir) as entries:
                return [
                    f"{entry.name}/" if entry.is_dir(follow_symlinks=False) else entry.name
                    for entry in entries
                    if not files.is_internal(entry.name)
                ]
        except (FileNotFoundError, NotADirectoryError, PermissionError):
            return []


def _may_lead(key: bytes, after: bytes) -> bool:
    """Return whether a key, or one below it if it is a directory's, comes after another one."""
    return key > after or (key.endswith(b"/") and after.startswith(key))


def _link(temporary: str, name: str, directory: int) -> bool:
    """Give a file a second name, and return whether files can have two; not so on FAT.

    Raises:
        FileExistsError: another program has created a file of this name since it was checked.
    """
    try:
        os.link(temporary, name, src_dir_fd=directory, dst_dir_fd=directory, follow_symlinks=False)
    except FileExistsError:
        raise FileExistsError(errno.EEXIST, "it exists already", name) from None
    except OSError as error:
        if error.errno not in {errno.EPERM, errno.EOPNOTSUPP, errno.ENOTSUP, errno.ENOSYS}:
            raise
        return False
    return True


def info_of_status(key: str, status: os.stat_result) -> ObjectInfo:
    """Return what a file is that the system describes."""
    mode = status.st_mode
    kind = ObjectKind.FILE
    if not stat.S_ISREG(mode):
        kind = ObjectKind.DIRECTORY if stat.S_ISDIR(mode) else ObjectKind.OTHER
    version = (status.st_dev, status.st_ino)
    return ObjectInfo(key, status.st_size, status.st_mtime_ns, status.st_ctime_ns, kind, None, version)
