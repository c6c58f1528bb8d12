"""A listing that is written to disk once, by a thread, and read by others while it grows: Spool."""

import contextlib
import os
import struct
import tempfile
import threading
import time
import weakref
import zlib
from collections.abc import Callable, Iterable, Iterator

from forkresize.batch.listing import Found, Listed, decode_found, encode_found
from forkresize.pool import NothingYet
from forkresize.store.files import write_all

_BLOCK = 1000
"""Entries that are written at a time: what most object stores list at a time."""

_LATENCY = 0.05
"""Seconds after which entries are written even if there are fewer."""

_SIZE = struct.Struct("=I")


class Spool:
    """The entries of a listing in a temporary file, compressed: about 25 bytes each, and none in memory.

    Args:
        list_entries: lists them; called in a thread of its own when the first reader comes. It is left when
            ``should_stop`` returns True.
        should_stop: called for every block.
    """

    def __init__(self, list_entries: Callable[[], Iterable[Found]], should_stop: Callable[[], bool]) -> None:
        self._list_entries = list_entries
        self._should_stop = should_stop
        self._file, name = tempfile.mkstemp(prefix="forkresize-")
        os.unlink(name)
        weakref.finalize(self, os.close, self._file)
        self._changed = threading.Condition()
        self._size = 0
        self._is_complete = False
        self._error: BaseException | None = None
        self._wakers: set[int] = set()
        self._thread: threading.Thread | None = None

    def read(self) -> Iterator[Found]:
        """Yield all entries, waiting for them.

        Raises:
            Exception: of the listing.
        """
        self.start()
        offset = 0
        while True:
            with self._changed:
                # With a time-out, so that signals are handled.
                while offset == self._size and not self._is_complete:
                    self._changed.wait(0.1)
                end = self._size
            if offset == end:
                self._raise()
                return
            block, offset = self._read_block(offset)
            yield from block

    def follow(self) -> Iterator[Listed]:
        """Yield all entries; a NothingYet where there is none yet.

        Raises:
            Exception: of the listing.
        """
        self.start()
        reader, writer = os.pipe()
        os.set_blocking(reader, False)
        os.set_blocking(writer, False)
        try:
            with self._changed:
                self._wakers.add(writer)
            yield from self._follow(reader)
        finally:
            with self._changed:
                self._wakers.discard(writer)
            os.close(reader)
            os.close(writer)

    def _follow(self, reader: int) -> Iterator[Listed]:
        offset = 0
        while True:
            with self._changed:
                end, is_complete = self._size, self._is_complete
                if offset == end:
                    with contextlib.suppress(BlockingIOError):
                        os.read(reader, 1 << 16)
            if offset < end:
                block, offset = self._read_block(offset)
                yield from block
            elif is_complete:
                self._raise()
                return
            else:
                yield NothingYet(reader)

    def start(self) -> None:
        """Begin to list, without waiting for it."""
        with self._changed:
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="listing", daemon=True)
                self._thread.start()

    def _run(self) -> None:
        error: BaseException | None = None
        try:
            self._write_all()
        except BaseException as raised:  # noqa: BLE001  The readers raise it.
            error = raised
        with self._changed:
            self._error, self._is_complete = error, True
            self._notify()

    def _write_all(self) -> None:
        block: list[Found] = []
        since = time.monotonic()
        try:
            for each in self._list_entries():
                block.append(each)
                if len(block) >= _BLOCK or time.monotonic() - since > _LATENCY:
                    self._write(block)
                    block, since = [], time.monotonic()
                    if self._should_stop():
                        return
        finally:
            self._write(block)

    def _write(self, block: list[Found]) -> None:
        if not block:
            return
        data = zlib.compress(encode_found(block), 1)
        # Readers have no part in the position: they use pread.
        write_all(self._file, _SIZE.pack(len(data)) + data)
        with self._changed:
            self._size += _SIZE.size + len(data)
            self._notify()

    def _notify(self) -> None:
        self._changed.notify_all()
        for writer in self._wakers:
            with contextlib.suppress(BlockingIOError):
                os.write(writer, b"w")

    def _read_block(self, offset: int) -> tuple[list[Found], int]:
        (length,) = _SIZE.unpack(os.pread(self._file, _SIZE.size, offset))
        data = os.pread(self._file, length, offset + _SIZE.size)
        return decode_found(zlib.decompress(data)), offset + _SIZE.size + length

    def _raise(self) -> None:
        if self._error is not None:
            raise self._error
