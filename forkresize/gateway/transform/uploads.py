"""Pictures that callers send, in memory while they are needed: Upload."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from io import FileIO

from forkresize.gateway.bounds import too_large
from forkresize.gateway.problem import Problem
from forkresize.pool.files import seal


class Upload:
    """A picture that arrives in parts, in a memfd.

    Attributes:
        file: the memfd.
        size: its bytes so far.
        name: as its sender calls it; empty if it has no name.

    Args:
        memory: counts its bytes.
        limit: bytes that it may have.
    """

    def __init__(self, memory: "UploadMemory", limit: int) -> None:
        self.file = FileIO(os.memfd_create("upload", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING), "r+b")
        self.size = 0
        self.name = ""
        self._memory = memory
        self._limit = limit

    def write(self, data: bytes | memoryview) -> None:
        """Append a part.

        Raises:
            Problem: 413: it is too large. 503: there is no memory for it at the moment.
        """
        view = memoryview(data)
        if self.size + len(view) > self._limit:
            raise too_large(self._limit)
        self._memory.take(len(view))
        self.size += len(view)
        while view:
            view = view[self.file.write(view) :]

    def complete(self) -> None:
        """Seal it.

        Raises:
            Problem: 400: it is empty.
        """
        if not self.size:
            raise Problem(HTTPStatus.BAD_REQUEST, "there is no picture in the body", field="picture")
        seal(self.file)


class UploadMemory:
    """Bounds the bytes of all uploads together.

    Args:
        limit: bytes that they may have.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._used = 0

    @property
    def used(self) -> int:
        """Bytes of all uploads."""
        return self._used

    @contextmanager
    def open(self, max_size: int, expected: int) -> Iterator[Upload]:
        """Hold an upload while the body runs.

        Args:
            max_size: bytes that it may have.
            expected: bytes that its sender announces; 0 if unknown.

        Raises:
            Problem: 503: there is no memory for it at the moment.
        """
        self._check(expected)
        upload = Upload(self, max_size)
        try:
            yield upload
        finally:
            upload.file.close()
            self._used -= upload.size

    def take(self, size: int) -> None:
        """Count some bytes.

        Raises:
            Problem: 503: there is no memory for them at the moment.
        """
        self._check(size)
        self._used += size

    def _check(self, size: int) -> None:
        if self._used + size > self._limit:
            text = "the memory for uploads is in use; try again"
            raise Problem(HTTPStatus.SERVICE_UNAVAILABLE, text, retry_after=1)
