"""One run per destination, or one per shard of it, by objects that their holders renew.

A run creates its lock object on condition that there is none, and then looks for those of other runs that exclude it:
of two runs that start at the same time, at least one sees the other. A lock object that was not renewed for as long as
its content says is abandoned; the time that counts is the store's.
"""

import contextlib
import os
import re
import secrets
import threading
import time
from collections.abc import Callable, Iterator
from io import BytesIO
from typing import TYPE_CHECKING

import msgspec

from forkresize.errors import DestinationBusyError, DestinationError, describe
from forkresize.store.base import STATE_DIR
from forkresize.store.info import ChangedError, ObjectInfo, PutOptions
from forkresize.store.objects.lease import Lease, now

if TYPE_CHECKING:
    from forkresize.store.base import OutputStore

_WHOLE = f"{STATE_DIR}/lock"
_RETRY_INTERVAL = 0.25
_RENEWALS = 3
"""Renewals within the time after which a lock counts as abandoned."""

_JOIN = 5.0
"""Seconds to wait for a renewal in progress at the end."""

_RESOLUTION = 2
"""Seconds by which times of a store may be wrong: they are whole ones."""

_SHARD = re.compile(r"-\d+-of-\d+", re.ASCII)

__all__ = ["Lease", "StoreLock"]


class Holder(msgspec.Struct, frozen=True):
    """The content of a lock object.

    Attributes:
        run: the run's id.
        seconds: without renewal after which it is abandoned.
        process: host and process, for people.
        renewals: how often it was renewed; makes each content, and so each ETag, another one.
    """

    run: str
    seconds: float
    process: str
    renewals: int = 0


class StoreLock:
    """The lock of one run.

    Args:
        store: the destination, without a run.
        leases: gets the lease of the run while it is held.
        shard: the part of the work that the run does; None for all of it.
        seconds: without renewal after which others may take the lock over.
    """

    def __init__(self, store: "OutputStore", leases: dict[str, Lease], shard: str | None, seconds: float) -> None:
        self._store = store
        self._leases = leases
        self._key = f"{_WHOLE}-{shard}" if shard else _WHOLE
        self._run_id = secrets.token_hex(4)
        process = f"{os.uname().nodename} {os.getpid()}"
        self._holder = Holder(self._run_id, seconds, process)

    @contextlib.contextmanager
    def hold(self, timeout: float, on_wait: Callable[[], object]) -> Iterator[str]:
        """Hold the lock, and renew it from a thread.

        Args:
            timeout: seconds to wait for other runs.
            on_wait: called once if there is a run to wait for.

        Yields:
            The id of the run.

        Raises:
            DestinationBusyError: another run holds it.
            DestinationError: the store cannot be written.
        """
        try:
            # Without conditional puts, the store checks conditions as well as it can.
            self._store.probe()
            lease = self._acquire_within(timeout, on_wait)
        except OSError as error:
            raise DestinationError(f"{error.filename or self._store.location('')}: {describe(error)}") from error
        self._leases[self._run_id] = lease
        ended = threading.Event()
        thread = threading.Thread(target=self._renew_until, args=(lease, ended), name="lock", daemon=True)
        thread.start()
        try:
            yield self._run_id
        finally:
            ended.set()
            # The store may not answer; a renewal that comes too late fails, as the lock object has gone.
            thread.join(_JOIN)
            del self._leases[self._run_id]
            self._release()

    def _acquire_within(self, timeout: float, on_wait: Callable[[], object]) -> Lease:
        deadline = time.monotonic() + timeout
        lease = self._acquire()
        if lease is None and timeout > 0:
            on_wait()
        while lease is None and (remaining := deadline - time.monotonic()) > 0:
            # Runs that started at the same time, and stepped back from each other, try again at different times.
            time.sleep(min(remaining, _RETRY_INTERVAL * (1 + secrets.randbelow(100) / 100)))
            lease = self._acquire()
        if lease is None:
            raise DestinationBusyError(
                f"another run is writing to {self._store.location('')}; try again when it has ended, "
                f"or {self._holder.seconds:.0f} seconds after it was killed"
            )
        return lease

    def _acquire(self) -> Lease | None:
        """Return the lease of the lock object that was put; None if another run holds the destination."""
        started = now()
        own = self._create()
        if own is None:
            return None
        lease = Lease(own, started + self._holder.seconds, self._holder.seconds)
        try:
            is_free = self._is_own() and not self._is_excluded()
        except BaseException:
            self._release()
            raise
        if not is_free:
            self._release()
            return None
        return lease

    def _create(self) -> ObjectInfo | None:
        """Put the lock object, in place of an abandoned one; None if another run has put one."""
        try:
            return self._put(PutOptions(create=True))
        except FileExistsError:
            found = self._store.stat(self._key)
        if found is None or not self._is_abandoned(found):
            return None
        try:
            return self._put(PutOptions(replaces=found))
        except OSError as error:
            if not isinstance(error, ChangedError):
                raise
            return None

    def _put(self, options: PutOptions) -> ObjectInfo:
        options = msgspec.structs.replace(options, content_type="application/json")
        return self._store.put(self._key, msgspec.json.encode(self._holder), options)

    def _is_own(self) -> bool:
        """Return whether the lock object is still this run's: without conditional puts, two may have put one."""
        holder = self._read(self._key)
        return holder is not None and holder.run == self._run_id

    def _is_excluded(self) -> bool:
        """Return whether another run excludes this one; the abandoned locks of others are removed."""
        for found in self._store.scan(_WHOLE):
            name = found.key.removeprefix(_WHOLE)
            is_lock = not name or _SHARD.fullmatch(name)
            if found.key == self._key or not is_lock or (name and self._key != _WHOLE):
                continue
            if not self._is_abandoned(found):
                return True
            with contextlib.suppress(FileNotFoundError):
                self._store.delete(found.key)
        return False

    def _is_abandoned(self, found: ObjectInfo) -> bool:
        holder = self._read(found.key)
        seconds = holder.seconds if holder else self._holder.seconds
        return self._read_clock() - found.mtime_ns > (seconds + _RESOLUTION) * 10**9

    def _read(self, key: str) -> Holder | None:
        """Return the content of a lock object; None if it has gone, or is something else."""
        content = BytesIO()
        try:
            self._store.fetch(key, content)
            return msgspec.json.decode(content.getvalue(), type=Holder)
        except (FileNotFoundError, msgspec.DecodeError, UnicodeError):
            return None

    def _read_clock(self) -> int:
        """Return the store's time, in nanoseconds since the epoch."""
        key = f"{STATE_DIR}/clock-{self._run_id}"
        self._store.put(key, b"")
        try:
            found = self._store.stat(key)
        finally:
            with contextlib.suppress(FileNotFoundError):
                self._store.delete(key)
        return found.mtime_ns if found else 0

    def _renew_until(self, lease: Lease, ended: threading.Event) -> None:
        while not ended.wait(self._holder.seconds / _RENEWALS):
            started = now()
            self._holder = msgspec.structs.replace(self._holder, renewals=self._holder.renewals + 1)
            try:
                own = self._put(PutOptions(replaces=lease.lock))
            except OSError as error:
                # Others are tried again: the lease ends by itself if none succeeds in time.
                if isinstance(error, ChangedError):
                    lease.lose()
                    return
            else:
                lease.renew(own, started + self._holder.seconds)

    def _release(self) -> None:
        # A store that cannot be reached was reported by the run; the lock is abandoned after a while.
        with contextlib.suppress(OSError):
            if self._is_own():
                self._store.delete(self._key)
