"""Pillow's reader of SGI, for files whose run-length encoded rows do not end with a zero.

The format asks for one, ffmpeg writes none, and Pillow then stops: without an error in the middle of the picture, or
with one.
"""

import io
import struct
from typing import Any

from PIL import SgiImagePlugin

_HEADER = 512
"""Bytes before the tables: where each row begins, and how many bytes it has."""

_CODEC = "sgi_rle"
_ENTRY = 4


class SgiImageFile(SgiImagePlugin.SgiImageFile):
    """An SGI whose rows end with a zero for Pillow, whether they do so in the file or not."""

    def load(self) -> Any:
        """Decode the pixels; see ImageFile."""
        if self.tile and self.tile[0].codec_name == _CODEC and self.fp is not None:
            arguments: Any = self.tile[0].args
            self.fp.seek(0)
            self.fp = io.BytesIO(end_rows(self.fp.read(), self.size, len(self.getbands()), arguments[2]))
        return super().load()


def end_rows(data: bytes, size: tuple[int, int], bands: int, depth: int) -> bytes:
    """Return a file whose rows all end with a zero, and follow each other.

    Rows outside the file, and those with more bytes than their pixels can take, are outside again: Pillow says so.

    Args:
        data: the file.
        size: width and height in pixels.
        bands: how many channels Pillow reads.
        depth: bytes of a value, 1 or 2.
    """
    width, height = size
    rows, longest = bands * height, 2 * depth * (width + 1)
    tables = data[_HEADER : _HEADER + 2 * _ENTRY * rows]
    if len(tables) < 2 * _ENTRY * rows:
        return data
    numbers = struct.unpack(f">{2 * rows}I", tables)
    places, packed = list[tuple[int, int] | None](), bytearray()
    for start, length in zip(numbers[:rows], numbers[rows:], strict=True):
        row = data[start : start + length] if length <= longest else b""
        is_sound = start >= _HEADER and len(row) == length
        places.append((_HEADER + len(tables) + len(packed), length + depth) if is_sound else None)
        packed += row + bytes(depth) if is_sound else b""
    outside = _HEADER + len(tables) + len(packed), 1
    starts, lengths = zip(*(place or outside for place in places), strict=True)
    return data[:_HEADER] + struct.pack(f">{2 * rows}I", *starts, *lengths) + bytes(packed)
