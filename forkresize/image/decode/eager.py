"""The pixels of a WebP, an icon or a cursor, which Pillow allocates before it checks their number."""

import struct
from typing import BinaryIO

from forkresize.formats import png, webp

_WEBP_BYTES, _ICON_BYTES = 19, 9
"""Bytes a pixel of opening and decoding them."""

_ICONS = frozenset({b"\0\0\1\0", b"\0\0\2\0"})
_ICON_SET = b"icns"

_ENTRY, _OFFSET = 16, 12
"""Bytes of an entry of an icon's directory, and where it holds the place of its picture."""

_MAX_ENTRIES = 256


def eager_pixels(file: BinaryIO) -> tuple[int, int]:
    """Return how many pixels are allocated when a file is opened, and the bytes that each takes; zeros for none.

    Args:
        file: stands at its beginning, before and after.
    """
    head = file.read(webp.HEAD_BYTES)
    pixels, cost = 0, 0
    if size := webp.size_in_head(head):
        pixels, cost = size[0] * size[1], _WEBP_BYTES
    elif head[:4] in _ICONS:
        file.seek(0)
        directory = file.read(6 + _ENTRY * min(int.from_bytes(head[4:6], "little"), _MAX_ENTRIES))
        offsets = [directory[start : start + 4] for start in range(6 + _OFFSET, len(directory), _ENTRY)]
        pixels = max((_icon_pixels(file, int.from_bytes(offset, "little")) for offset in offsets), default=0)
        cost = _ICON_BYTES
    elif head[:4] == _ICON_SET:
        pixels, cost = _largest_in_set(file), _ICON_BYTES
    file.seek(0)
    return pixels, cost


def _largest_in_set(file: BinaryIO) -> int:
    """Return the pixels of the largest PNG in a set of icons, whose directory may say less."""
    largest, place = 0, 8
    for _number in range(_MAX_ENTRIES):
        file.seek(place)
        head = file.read(8 + len(png.SIGNATURE))
        if len(head) < 8 + len(png.SIGNATURE):
            break
        if head.endswith(png.SIGNATURE):
            largest = max(largest, _icon_pixels(file, place + 8))
        place += max(8, int.from_bytes(head[4:8]))
    return largest


def _icon_pixels(file: BinaryIO, offset: int) -> int:
    """Return the pixels of a picture in an icon: a PNG, or a bitmap with its mask below."""
    file.seek(offset)
    head = file.read(24).ljust(24, b"\0")
    width: int
    height: int
    width, height = (
        struct.unpack(">2I", head[16:24]) if head.startswith(png.SIGNATURE) else struct.unpack("<2i", head[4:12])
    )
    return abs(width * height)
