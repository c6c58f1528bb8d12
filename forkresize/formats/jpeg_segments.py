"""The segments of a JPEG (ITU-T T.81, B.1)."""

import re
import struct
from collections.abc import Iterator
from typing import NamedTuple

from forkresize.formats import spec

EOI, SOS = 0xD9, 0xDA
_LEAD = 0xFF

_LENGTH = 2
"""Bytes in which a segment stores its length, themselves included."""

MAX_SEGMENT = 65_535 - _LENGTH
"""Bytes that a segment holds."""

_AFTER_SCAN = rb"\xff[^\xff\0\xd0-\xd7]"
"""The first marker after coded pixels; a stuffed zero and the restart markers are part of them."""


class Segment(NamedTuple):
    """A part of a JPEG: its marker, and where its content begins and ends; coded pixels belong to their scan."""

    marker: int
    start: int
    end: int


def make_segment(marker: int, content: bytes) -> bytes:
    """Return a segment.

    Raises:
        struct.error: the content takes more than ``MAX_SEGMENT``.
    """
    return struct.pack(">BBH", _LEAD, marker, _LENGTH + len(content)) + content


def segments(data: bytes) -> Iterator[Segment]:
    """Yield the segments of a JPEG, the end of the image included.

    Raises:
        spec.UnsupportedContainerError: it is damaged.
        struct.error: it ends too early.
    """
    position = 2
    while True:
        lead, marker = struct.unpack_from("BB", data, position)
        if marker == EOI:
            yield Segment(marker, position + 2, position + 2)
            return
        (length,) = struct.unpack_from(">H", data, position + 2)
        end = position + 2 + length
        after_scan = re.compile(_AFTER_SCAN).search(data, end) if marker == SOS else None
        if lead != _LEAD or length < _LENGTH or end > len(data) or (marker == SOS and after_scan is None):
            raise spec.UnsupportedContainerError("damaged segment")
        end = after_scan.start() if after_scan else end
        yield Segment(marker, position + 4, end)
        position = end
