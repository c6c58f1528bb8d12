"""One run per destination: hold, on the kernel's locks. Writes no output, and removes only what dead runs left."""

import contextlib
import fcntl
import glob
import os
import re
import secrets
import time
from collections.abc import Callable, Iterator
from io import FileIO

from forkresize.errors import DestinationBusyError, DestinationError
from forkresize.storage import STATE_DIR

_LOCK = "lock"
"""The lock file's name below a destination; those who do a share of the work have one each besides."""

_RETRY_INTERVAL = 0.1
"""Seconds between two tries for what another run holds."""

_MAX_ATTEMPTS = 1000
"""So often a lock is tried for that others take and free at the same moment."""

_RUN_ID = re.compile(rb"[0-9a-f]{8}")


@contextlib.contextmanager
def destination_lock(
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
    housekeeping = os.path.join(destination, STATE_DIR)
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
            _claim(locks, destination, tag)
        except OSError as error:
            raise DestinationError(f"{error.filename or destination}: {error.strerror}") from error
        held.callback(_release, locks)
        try:
            yield tag
        except BaseException:
            _remove_temporaries(destination, tag)
            raise


def _lock_within(patience: float, on_wait: Callable[[], object], folder: str, share: str | None) -> list[FileIO] | None:
    """Return what _lock_all does, as soon as it can; None if the patience has ended before."""
    until = time.monotonic() + patience
    locks = _lock_all(folder, share)
    if locks is None and patience > 0:
        on_wait()
    while locks is None and (left := until - time.monotonic()) > 0:
        time.sleep(min(_RETRY_INTERVAL, left))
        locks = _lock_all(folder, share)
    return locks


def _lock_all(folder: str, share: str | None) -> list[FileIO] | None:
    """Return the lock files, locked, the run's own as the last; None if another run has one of them."""
    whole = _lock(os.path.join(folder, _LOCK), fcntl.LOCK_EX if share is None else fcntl.LOCK_SH)
    if whole is None:
        return None
    if share is None:
        return [whole]
    with contextlib.ExitStack() as undo:
        undo.enter_context(whole)
        own = _lock(os.path.join(folder, f"{_LOCK}-{share}"), fcntl.LOCK_EX)
        if own is not None:
            undo.pop_all()
            return [whole, own]
    return None


def _lock(path: str, how: int) -> FileIO | None:
    """Return the file, locked; None if somebody else has it locked, or keeps taking and freeing it."""
    for attempt in range(_MAX_ATTEMPTS):
        try:
            os.makedirs(os.path.dirname(path), exist_ok=True)
            lock = FileIO(path, "a+")
        except (FileExistsError, FileNotFoundError):
            # Whoever held it removes the file and its folder when it ends, which may be at any point here.
            if attempt == _MAX_ATTEMPTS - 1:
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


def _claim(locks: list[FileIO], destination: str, tag: str) -> None:
    for lock in locks:
        _remove_temporaries_of_dead_runs(lock, destination)
        lock.truncate(0)
    if len(locks) == 1:
        # Who holds the whole directory knows that all who held a share are gone.
        for path in glob.glob(f"{glob.escape(os.fsdecode(locks[0].name))}-*"):
            with FileIO(path) as left:
                _remove_temporaries_of_dead_runs(left, destination)
            os.unlink(path)
    locks[-1].write(tag.encode("ascii"))


def _remove_temporaries_of_dead_runs(lock: FileIO, destination: str) -> None:
    """Remove the temporary files of the dead runs whose tags are in a lock file that nobody else has locked."""
    lock.seek(0)
    for stale in _RUN_ID.findall(lock.read()):
        _remove_temporaries(destination, stale.decode("ascii"))


def _release(locks: list[FileIO]) -> None:
    # If somebody removed the destination, or made it read-only, the run has told of worse. And while another share is
    # being worked on, the lock of the whole is in use: whoever can have it alone is the last.
    with contextlib.suppress(OSError):
        for lock in reversed(locks):
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            os.unlink(lock.name)
        os.rmdir(os.path.dirname(locks[0].name))


def _remove_temporaries(root: str, tag: str) -> None:
    for folder, _, names in os.walk(root):
        for name in names:
            if name.endswith(f".forkresize-{tag}"):
                # What can't be removed does no harm: its name is no output's.
                with contextlib.suppress(OSError):
                    os.unlink(os.path.join(folder, name))
