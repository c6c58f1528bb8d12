"""The upper rows of a JPEG: decodes no more of a picture than a crop needs."""

import io
import struct
from typing import BinaryIO

from PIL.ImageFile import ImageFile

from forkresize.formats.jpeg_segments import SOS, segments
from forkresize.formats.spec import UnsupportedContainerError

_FRAMES = frozenset({0xC0, 0xC1, 0xC2})
"""Markers of frames with Huffman codes: baseline, extended, progressive (ITU-T T.81, table B.1)."""

_OTHER_FRAMES = frozenset(range(0xC3, 0xD0)) - {0xC4, 0xC8, 0xCC}
"""Markers of frames of other kinds, without the tables and the reserved one between them."""

_HEIGHT = slice(1, 3)
"""Where a frame's header holds the number of rows."""

_END = b"\xff\xd9"
_TAIL = 1 << 16
"""Bytes at the end of a file in which the marker of the end is: programs may add some of their own."""

_MULTIPLE = 16
"""Rows are kept in groups of this size, so that they end with a row of a shrunk picture as well."""

_WORTHWHILE = 1_000_000
"""Pixels from which leaving them out saves more than it takes to copy the file."""


def keep_upper_rows(image: ImageFile, file: BinaryIO, rows: int) -> int:
    """Make a JPEG end early, by its header: the decoder stops there, and skips the rest of each scan.

    The rows that are left are those of the whole picture, except the last few: colors are interpolated from the rows
    around them.

    Args:
        image: the opened picture, before ``draft``.
        file: the picture's.
        rows: how many to keep at least, as they are stored.

    Returns:
        How many rows the picture has now. All of them, if leaving some out is not worth it, or its file ends too early,
        which the decoder has to report.
    """
    width, height = image.size
    kept = min(height, -(-rows // _MULTIPLE) * _MULTIPLE)
    if (height - kept) * width < _WORTHWHILE:
        return height
    file.seek(0)
    data = file.read()
    place = _find_height(data)
    if place is None or int.from_bytes(data[place], "big") != height or data.rfind(_END, max(0, len(data) - _TAIL)) < 0:
        return height
    image.fp = io.BytesIO(b"".join((data[: place.start], kept.to_bytes(2, "big"), data[place.stop :])))
    image._size = width, kept  # noqa: SLF001 -- as Pillow's own draft() does.
    image.tile = [image.tile[0]._replace(extents=(0, 0, width, kept))]
    return kept


def _find_height(data: bytes) -> slice | None:
    """Return where the number of rows is; None for frames of other kinds, or damaged headers."""
    try:
        for part in segments(data):
            if part.marker in _FRAMES:
                return slice(part.start + _HEIGHT.start, part.start + _HEIGHT.stop)
            if part.marker in _OTHER_FRAMES or part.marker == SOS:
                return None
    except (UnsupportedContainerError, struct.error):
        return None
    return None
