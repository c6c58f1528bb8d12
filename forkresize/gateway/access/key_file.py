"""A file of keys that may change while the gateway runs: KeyFile."""

import logging
import os
import time
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

from forkresize.errors import FieldError, describe

T = TypeVar("T")

_LOG = logging.getLogger(__name__)

_MAX_SIZE = 1 << 20
_INTERVAL = 1.0
"""Seconds between two looks at the file."""

_Stamp = tuple[int, int, int, int] | None

Parse = Callable[[bytes], tuple[T, Sequence[str]]]
"""Returns what a file holds, and what is wrong with parts of it: a line number, a colon and a text each.

It raises ValueError if nothing of it can be used.
"""


class KeyFile(Generic[T]):
    """A small file of keys on a local disk, which is read again after it has changed.

    What is wrong with it is an error at the start. Later, it is logged, and grants nothing.

    Args:
        path: of the file.
        parse: reads its content.
        field: the setting that names it.
        clock: returns seconds, as ``time.monotonic`` does.

    Raises:
        FieldError: the file cannot be read, or a part of it is malformed.
    """

    def __init__(self, path: str, parse: Parse[T], field: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._path = path
        self._parse = parse
        self._clock = clock
        self._looked = clock()
        self._stamp: _Stamp = None
        self._content: T | None = None
        try:
            self._content, errors = self._read()
        except (OSError, ValueError) as error:
            raise FieldError(field, f"the file '{path}' cannot be used: {describe(error)}") from error
        if errors:
            raise FieldError(field, f"{path}:{errors[0]}")

    def content(self) -> T | None:
        """Return what it holds; None if it cannot be used any more. It is looked at once a second at most."""
        now = self._clock()
        if now - self._looked >= _INTERVAL:
            self._looked = now
            if self._find_stamp() != self._stamp:
                self._reload()
        return self._content

    def _reload(self) -> None:
        try:
            self._content, errors = self._read()
        except (OSError, ValueError) as error:
            self._content = None
            if isinstance(error, OSError):
                # It may pass, such as a lack of descriptors, without another change of the file.
                self._stamp = None
            _LOG.error("%s cannot be used, and none of its keys is valid: %s", self._path, describe(error))
            return
        _LOG.info("read the keys in %s again", self._path)
        for text in errors:
            _LOG.error("%s:%s", self._path, text)

    def _read(self) -> tuple[T, Sequence[str]]:
        self._stamp = self._find_stamp()
        with open(self._path, "rb") as file:
            data = file.read(_MAX_SIZE + 1)
        if len(data) > _MAX_SIZE:
            raise ValueError("larger than 1 MiB")
        return self._parse(data)

    def _find_stamp(self) -> _Stamp:
        try:
            found = os.stat(self._path)
        except OSError:
            return None
        return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns
