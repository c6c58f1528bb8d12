"""Read sources; write outputs whole or not at all. Knows files and directories, not pictures."""

import contextlib
import errno
import fcntl
import filecmp
import hashlib
import itertools
import os
import re
import secrets
import shutil
import stat
import sys
import tempfile
import time
from collections.abc import Iterator
from io import FileIO

from forkresize.errors import DestinationBusyError, DestinationError

HOUSEKEEPING = ".forkresize"
"""The directory below a destination that holds what is no output."""

_MAX_NAME = 255
"""Bytes in a file name on every file system in common use."""

_LOCK = "lock"

_PAUSE = 0.1
"""Seconds between two tries for what another run holds."""

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


def set_mtime(path: str, mtime_ns: int) -> None:
    """Set a file's time of last modification, in nanoseconds since the epoch; a link's own, if it is one."""
    os.utime(path, ns=(time.time_ns(), mtime_ns), follow_symlinks=False)


def dress(path: str, like: str) -> None:
    """Give a file the permissions, the owner and the extended attributes of another, as far as this process may."""
    found = os.stat(like)
    with contextlib.suppress(PermissionError):
        os.chown(path, found.st_uid, found.st_gid)
    shutil.copystat(like, path)


def synchronize(path: str) -> None:
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
    found = os.lstat(path)
    for number in itertools.count():
        place = f"{backup}.~{number}~" if number else backup
        try:
            kept = os.lstat(place)
        except FileNotFoundError:
            break
        # Left whole by a run that was killed before it went on.
        same = os.path.samestat(kept, found)
        if same or (stat.S_ISREG(kept.st_mode) and filecmp.cmp(path, place, shallow=False)):
            return
    os.makedirs(os.path.dirname(place), exist_ok=True)
    try:
        os.link(path, place, follow_symlinks=False)
    except OSError:
        # Another file system, or one without hard links. The next attempt takes the same temporary name.
        temporary = temporary_path(place, "backup")
        shutil.copy2(path, temporary)
        synchronize(temporary)
        os.replace(temporary, place)
    synchronize(os.path.dirname(place))


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


@contextlib.contextmanager
def hold(
    destination: str,
    *,
    share: str | None = None,
    patience: float = 0.0,
    on_wait: Callable[[], object] = lambda: None,
) -> Iterator[str]:
    """Hold a directory for one run, made if it is missing, and remove what a run that died has left there.

    The locks are the kernel's, so they are free the moment their holder dies, however it dies; the holder's tag stays
    in its lock file then, and tells whose temporary files to look for.

    Args:
        destination: the directory.
        share: names the part of the work that this run does; others may hold the directory for other parts meanwhile.
        patience: seconds to wait for other runs to end.
        on_wait: called once if there is one to be waited for.

    Yields:
        A tag of this run's own, for temporary names.

    Raises:
        DestinationError: the directory can't be made or written.
        DestinationBusyError: another run holds it.
    """
    housekeeping = os.path.join(destination, HOUSEKEEPING)
    tag = secrets.token_hex(4)
    with contextlib.ExitStack() as held:
        try:
            locks = _lock_within(patience, on_wait, housekeeping, share)
            for lock in locks or ():
                held.enter_context(lock)
            if not locks:
                raise DestinationBusyError(
                    f"another run is writing to {destination}; try again when it has ended, or wait with --lock-wait"
                )
            _take_over(locks, destination, tag)
        except OSError as error:
            raise DestinationError(f"{error.filename or destination}: {error.strerror}") from error
        held.callback(_tidy_up, locks)
        try:
            yield tag
        except BaseException:
            _sweep(destination, tag)
            raise


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


def _lock_within(patience: float, on_wait: Callable[[], object], folder: str, share: str | None) -> list[FileIO] | None:
    """Return what _lock_all does, as soon as it can; None if the patience has ended before."""
    until = time.monotonic() + patience
    locks = _lock_all(folder, share)
    if locks is None and patience > 0:
        on_wait()
    while locks is None and (left := until - time.monotonic()) > 0:
        time.sleep(min(_PAUSE, left))
        locks = _lock_all(folder, share)
    return locks


def _lock_all(folder: str, share: str | None) -> list[FileIO] | None:
    """Return the lock files, locked, the run's own as the last; None if another run has one of them."""
    whole = _lock(os.path.join(folder, _LOCK), fcntl.LOCK_EX if share is None else fcntl.LOCK_SH)
    if whole is None or share is None:
        return whole and [whole]
    with contextlib.ExitStack() as undo:
        undo.enter_context(whole)
        own = _lock(os.path.join(folder, f"{_LOCK}-{share}"), fcntl.LOCK_EX)
        if own is not None:
            undo.pop_all()
            return [whole, own]
    return None


def _lock(path: str, how: int) -> FileIO | None:
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
            fcntl.flock(lock, how | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.close()
            return None
        # What was locked may no longer be what the name stands for.
        with contextlib.suppress(FileNotFoundError):
            if os.path.samestat(os.fstat(lock.fileno()), os.stat(path)):
                return lock
        lock.close()
    return None


def _take_over(locks: list[FileIO], destination: str, tag: str) -> None:
    for lock in locks:
        _sweep_after(lock, destination)
        lock.truncate(0)
    if len(locks) == 1:
        # Who holds the whole directory knows that all who held a share are gone.
        for path in glob.glob(f"{glob.escape(os.fsdecode(locks[0].name))}-*"):
            with FileIO(path) as left:
                _sweep_after(left, destination)
            os.unlink(path)
    locks[-1].write(tag.encode("ascii"))


def _sweep_after(lock: FileIO, destination: str) -> None:
    """Remove the temporary files of the dead runs whose tags are in a lock file that nobody else has locked."""
    lock.seek(0)
    for stale in _TAG.findall(lock.read()):
        _sweep(destination, stale.decode("ascii"))


def _tidy_up(locks: list[FileIO]) -> None:
    # If somebody removed the destination, or made it read-only, the run has told of worse. And while another share is
    # being worked on, the lock of the whole is in use: whoever can have it alone is the last.
    with contextlib.suppress(OSError):
        for lock in reversed(locks):
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            os.unlink(lock.name)
        os.rmdir(os.path.dirname(locks[0].name))


def _sweep(root: str, tag: str) -> None:
    for folder, _, names in os.walk(root):
        for name in names:
            if name.endswith(f".forkresize-{tag}"):
                # What can't be removed does no harm: its name is no output's.
                with contextlib.suppress(OSError):
                    os.unlink(os.path.join(folder, name))
