"""One run per destination, or one per shard of it, by kernel locks that end with their holder."""

import contextlib
import fcntl
import itertools
import os
import re
import time
from collections.abc import Callable, Iterator
from io import FileIO

from forkresize.errors import DestinationBusyError, DestinationError, describe
from forkresize.hashing import random_hex
from forkresize.store.base import STATE_DIR
from forkresize.store.beneath import make_directories
from forkresize.store.files import remove_temporaries
from forkresize.store.state_dir import open_state_file, state_dir

_LOCK = "lock"
"""The lock file's name in the state directory; each shard has one of its own besides."""

_RETRY_INTERVAL = 0.1
"""Seconds between two attempts to get a lock that another run holds."""

_RELEASE_INTERVAL = 0.01
_RELEASE_TRIES = 10

_MAX_ATTEMPTS = 1000
"""Maximum attempts when the lock file is repeatedly created and removed by other runs."""

_RUN_ID = re.compile(rb"[0-9a-f]{8}")

_SHARD_LOCK = re.compile(rf"{_LOCK}-\d+-of-\d+", re.ASCII)

_MAX_ABANDONED = 1000
"""Maximum number of dead shards that one run cleans up after; the next run continues."""


@contextlib.contextmanager
def destination_lock(
    destination: str,
    *,
    shard: str | None = None,
    timeout: float = 0.0,
    on_wait: Callable[[], object] = lambda: None,
) -> Iterator[str]:
    """Hold a directory for one run, and remove the temporary files of runs that died. The directory is made if missing.

    The kernel frees the locks when their holder dies. Its run id stays in the lock file then, and the next holder
    removes the temporary files of that id.

    Args:
        destination: the directory.
        shard: the part of the work that this run does; runs of other shards may hold the directory at the same time.
        timeout: seconds to wait for other runs to end.
        on_wait: called once if there is a run to wait for.

    Yields:
        The id of this run, for temporary names.

    Raises:
        DestinationError: the directory can't be created or written.
        DestinationBusyError: another run holds it.
    """
    folder = os.path.join(destination, STATE_DIR)
    run_id = random_hex(4)
    with contextlib.ExitStack() as held:
        try:
            locks = _lock_within(timeout, on_wait, folder, shard)
            for lock in locks or ():
                held.enter_context(lock)
            if not locks:
                raise DestinationBusyError(f"another run is writing to {destination}; try again when it has ended")
            _claim(locks, destination, run_id)
        except OSError as error:
            place = error.filename or destination
            raise DestinationError(f"cannot write to {destination!r}: {place}: {describe(error)}") from error
        held.callback(_release, locks)
        try:
            yield run_id
        except BaseException:
            remove_temporaries(destination, {run_id})
            raise


def _lock_within(timeout: float, on_wait: Callable[[], object], folder: str, shard: str | None) -> list[FileIO] | None:
    """Return the result of _lock_all as soon as it succeeds; None after the timeout."""
    deadline = time.monotonic() + timeout
    locks = _lock_all(folder, shard)
    if locks is None and timeout > 0:
        on_wait()
    while locks is None and (remaining := deadline - time.monotonic()) > 0:
        time.sleep(min(_RETRY_INTERVAL, remaining))
        locks = _lock_all(folder, shard)
    return locks


def _lock_all(folder: str, shard: str | None) -> list[FileIO] | None:
    """Return the lock files, locked, the run's own last; None if another run holds one of them."""
    path = os.path.join(folder, _LOCK)
    if shard is None:
        whole = _lock(path, fcntl.LOCK_EX)
        return [whole] if whole else None
    whole = _lock_shared(path)
    if whole is None:
        return None
    with contextlib.ExitStack() as undo:
        undo.enter_context(whole)
        own = _lock(os.path.join(folder, f"{_LOCK}-{shard}"), fcntl.LOCK_EX)
        if own is not None:
            undo.pop_all()
            return [whole, own]
    return None


def _lock_shared(path: str) -> FileIO | None:
    """Return the file, locked for a shard; None if a run of the whole holds it."""
    for _ in range(_RELEASE_TRIES):
        lock = _lock(path, fcntl.LOCK_SH)
        if lock is not None:
            return lock
        # A shard that ends holds it exclusively for a moment, to remove it.
        time.sleep(_RELEASE_INTERVAL)
    return None


def _lock(path: str, how: int) -> FileIO | None:
    """Return the file, locked; None if another process holds the lock, or keeps taking and freeing it.

    Raises:
        OSError: the file, or its directory, is not what a run leaves, or cannot be opened.
    """
    for attempt in range(_MAX_ATTEMPTS):
        try:
            make_directories(os.path.dirname(path))
            lock = _open(path, os.O_RDWR | os.O_CREAT)
        except FileNotFoundError:
            # A holder that ends removes the file and its directory, at any point here.
            if attempt == _MAX_ATTEMPTS - 1:
                raise
            continue
        try:
            fcntl.flock(lock, how | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.close()
            return None
        # The name may refer to another file by now.
        with contextlib.suppress(FileNotFoundError):
            if os.path.samestat(os.fstat(lock.fileno()), os.lstat(path)):
                return lock
        lock.close()
    return None


def _open(path: str, flags: int) -> FileIO:
    """Open a lock file, which must be a regular file, without following links."""
    with state_dir(os.path.dirname(path)) as directory:
        lock = FileIO(open_state_file(directory, path, flags), "r+")
    lock.name = path
    return lock


def _unlink(path: str) -> None:
    with state_dir(os.path.dirname(path)) as directory:
        os.unlink(os.path.basename(path), dir_fd=directory)


def _claim(locks: list[FileIO], destination: str, run_id: str) -> None:
    """Write the run's id into its lock file, after what dead runs left has been removed."""
    dead = {_read_run_id(lock) for lock in locks}
    abandoned = []
    if len(locks) == 1:
        # The holder of the whole directory knows that all holders of shards are gone.
        for path in itertools.islice(_shard_locks(os.path.dirname(locks[0].name)), _MAX_ABANDONED):
            # What is not a lock file is not ours to remove, and does not disturb.
            with contextlib.suppress(OSError), _open(path, os.O_RDONLY) as lock:
                dead.add(_read_run_id(lock))
                abandoned.append(path)
    remove_temporaries(destination, dead - {""})
    for path in abandoned:
        _unlink(path)
    for lock in locks:
        lock.truncate(0)
    os.pwrite(locks[-1].fileno(), run_id.encode("ascii"), 0)


def _shard_locks(folder: str) -> Iterator[str]:
    with os.scandir(folder) as entries:
        yield from (entry.path for entry in entries if _SHARD_LOCK.fullmatch(entry.name))


def _read_run_id(lock: FileIO) -> str:
    """Return the id of a run that is all that a lock file holds; empty if it holds anything else."""
    content = os.pread(lock.fileno(), 64, 0)
    return content.decode("ascii") if _RUN_ID.fullmatch(content) else ""


def _release(locks: list[FileIO]) -> None:
    # A destination that was removed or made read-only has been reported by the run. The lock of the whole stays in use
    # while another shard runs: the last one can lock it exclusively, and removes it.
    with contextlib.suppress(OSError):
        for lock in reversed(locks):
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            _unlink(lock.name)
        os.rmdir(os.path.dirname(locks[0].name))
