"""The directory that the workers of a run write to, and the way of an output from there to its place."""

import contextlib
import errno
import os
import stat
import time
from io import FileIO
from typing import Self

from forkresize.errors import DestinationError, describe
from forkresize.hashing import random_hex
from forkresize.store.base import StagedError, check_key
from forkresize.store.beneath import Root, create_file
from forkresize.store.copying import copy_content, copy_file, new_file_attributes, open_file
from forkresize.store.files import RUN_MARK, temporary_path, write_all
from forkresize.store.info import ObjectInfo

_KEPT_OPEN = 0.05
"""Maximum seconds for which the directory of the last output is kept open for the next one."""


class LocalStaging:
    """A directory in the destination, which only this user may enter, until it exits.

    Workers create files in it and can do nothing else in the destination; see ``Staging``.

    Args:
        destination: the directory with the outputs.
        run_id: the run's.
    """

    def __init__(self, destination: str, run_id: str) -> None:
        self._destination = destination
        self._run_id = run_id
        self._name = f"{RUN_MARK}{run_id}"
        self._opened = contextlib.ExitStack()
        self._target = contextlib.ExitStack()  # Closes the directory of the last output.
        self._target_folder: str | None = None
        self._target_until = 0.0
        self._target_descriptor = -1
        self._is_target_like_staging = True  # Whether new files have the same attributes there.

    @property
    def location(self) -> str:
        """The path of the directory."""
        return os.path.join(self._destination, self._name)

    def __enter__(self) -> Self:
        """Create the directory.

        Raises:
            DestinationError: it cannot be created.
        """
        try:
            self._root = self._opened.enter_context(Root(self._destination))
            os.mkdir(self._name, 0o700, dir_fd=self._root.descriptor)
            self._directory = self._opened.enter_context(self._root.directory(self._name))
        except OSError as error:
            self._opened.close()
            raise DestinationError(f"{self.location}: {describe(error)}") from error
        # On some file systems, files belong to another user than the one that creates them.
        self._owner = os.fstat(self._directory).st_uid
        self._new_file_attributes = new_file_attributes(self._directory)
        return self

    def __exit__(self, *_: object) -> None:
        with self._opened, self._target, contextlib.suppress(OSError):
            # What cannot be removed, from a destination that was removed or made read-only, was reported by the run.
            self._root.remove_tree(self._name)

    def new_key(self) -> str:
        """Return a key in the directory. Workers cannot list it, so they know only the keys of their own jobs."""
        return f"{self._name}/{random_hex(8)}"

    def check(self, staged: str, size: int) -> ObjectInfo:
        """Check that a worker left a regular file of its own, with the size that it reported; return what it is."""
        try:
            found = os.stat(_name_of(staged), dir_fd=self._directory, follow_symlinks=False)
        except FileNotFoundError:
            raise StagedError("worker reported an output that it did not write") from None
        if not stat.S_ISREG(found.st_mode) or found.st_nlink > 1 or found.st_uid != self._owner:
            raise StagedError("worker wrote something else than a file of its own")
        if found.st_size != size:
            raise StagedError(f"worker reported an output of {size} bytes, and wrote {found.st_size}")
        return ObjectInfo(staged, found.st_size, found.st_mtime_ns, found.st_ctime_ns)

    def adopt(self, staged: str, key: str, *, keep_attributes: bool = False) -> bool:
        """Move a staged file to its place, and create the directories on its way; return whether it was not copied."""
        try:
            return self._move(staged, key, keep_attributes=keep_attributes)
        except FileNotFoundError:
            # Another shard removed a directory that was empty.
            self._target_folder = None
            return self._move(staged, key, keep_attributes=keep_attributes)

    def discard(self, staged: str) -> None:
        """Remove a staged file if it exists. One that cannot be removed is removed with the directory."""
        with contextlib.suppress(OSError):
            os.unlink(_name_of(staged), dir_fd=self._directory)

    def _open_target(self, folder: str) -> int:
        """Return a descriptor of an output's directory, which is created if it is missing."""
        if folder != self._target_folder or time.monotonic() > self._target_until:
            self._target.close()
            self._target_folder = None
            self._target_descriptor = self._target.enter_context(self._root.directory(folder, create=True))
            self._is_target_like_staging = new_file_attributes(self._target_descriptor) == self._new_file_attributes
            self._target_folder, self._target_until = folder, time.monotonic() + _KEPT_OPEN
        return self._target_descriptor

    def _move(self, staged: str, key: str, *, keep_attributes: bool) -> bool:
        name = _name_of(staged)
        folder, _, place = check_key(key).rpartition("/")
        directory = self._open_target(folder)
        if not (keep_attributes or self._is_target_like_staging):
            # A file keeps its group and access control list when it is renamed.
            self._copy(name, directory, place, keep_attributes=False)
            return False
        try:
            os.rename(name, place, src_dir_fd=self._directory, dst_dir_fd=directory)
        except OSError as error:
            if error.errno != errno.EXDEV:
                raise
            # Another file system is mounted in the destination.
            self._copy(name, directory, place, keep_attributes=keep_attributes)
            return False
        return True

    def _copy(self, name: str, directory: int, place: str, *, keep_attributes: bool) -> None:
        """Move a staged file by copying it."""
        temporary = temporary_path(place, self._run_id)
        try:
            with open_file(name, self._directory) as staged:
                if keep_attributes:
                    copy_file(staged, temporary, directory)
                else:
                    with FileIO(create_file(temporary, directory), "w") as copy:
                        copy_content(staged, copy)
            os.rename(temporary, place, src_dir_fd=directory, dst_dir_fd=directory)
        except BaseException:
            with contextlib.suppress(OSError):
                os.unlink(temporary, dir_fd=directory)
            raise
        self.discard(name)


def _name_of(staged: str) -> str:
    return staged[staged.rfind("/") + 1 :]


def write_staged(path: str, data: bytes | memoryview) -> None:
    """Write a staged file. A worker needs no other permission than to create and write files.

    Raises:
        OSError: it could not be written; a part of it may be left.
    """
    flags = os.O_WRONLY | os.O_NOFOLLOW | os.O_CLOEXEC
    try:
        descriptor = os.open(path, flags | os.O_CREAT | os.O_EXCL, 0o666)
    except FileExistsError:
        # A worker that was lost has begun it.
        descriptor = os.open(path, flags | os.O_TRUNC)
    except FileNotFoundError:
        error = f"{os.path.dirname(path)} was removed during the run"
        raise FileNotFoundError(errno.ENOENT, error, path) from None
    try:
        write_all(descriptor, data)
    finally:
        os.close(descriptor)
