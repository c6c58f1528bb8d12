"""The boxes of AVIF, HEIF and JPEG XL (ISO/IEC 14496-12, 4.2)."""

import os
import struct
from collections.abc import Iterator
from typing import IO

from forkresize.formats.spec import UnsupportedContainerError

_LONG = 1
"""The size of a box whose real size follows, in 64 bits."""

_MAX_BOXES = 1 << 16
"""In a file or in a box; no picture has as many. A list of boxes may take twenty times as much memory as they do."""


def boxes(data: bytes, start: int, end: int) -> Iterator[tuple[bytes, int, int]]:
    """Yield the type of each box in a part of a file, and where its content begins and ends.

    Raises:
        UnsupportedContainerError: a box is damaged, or there are too many.
        struct.error: the header of one ends too early.
    """
    for _ in range(_MAX_BOXES):
        if start >= end:
            return
        size, name = struct.unpack_from(">I4s", data, start)
        header, stop = 8, start + size if size else end
        if size == _LONG:
            (size,) = struct.unpack_from(">Q", data, start + 8)
            header, stop = 16, start + size
        if stop > end or stop < start + header:
            raise UnsupportedContainerError(f"box {name!r} has {size} bytes")
        yield name, start + header, stop
        start = stop
    raise UnsupportedContainerError(f"{_MAX_BOXES} boxes or more")


def boxes_in_file(file: IO[bytes]) -> Iterator[tuple[bytes, int]]:
    """Yield the type of each outermost box, and the bytes of its content, at which the file then stands.

    What follows a damaged box is left out, and the last box may be cut: metadata behind the pixels is not worth an
    error.

    Args:
        file: seekable.
    """
    start, end = 0, file.seek(0, os.SEEK_END)
    for _ in range(_MAX_BOXES):
        file.seek(start)
        head = file.read(8)
        if len(head) < 8:  # noqa: PLR2004
            return
        size, name = struct.unpack(">I4s", head)
        header = 8
        if size == _LONG:
            size, header = int.from_bytes(file.read(8)), 16
        stop = min(start + size, end) if size else end
        if stop < start + header:
            return
        yield name, stop - start - header
        start = stop


def box(name: bytes, content: bytes) -> bytes:
    """Return a box.

    Raises:
        struct.error: it would take 4 GiB or more.
    """
    return struct.pack(">I", 8 + len(content)) + name + content
