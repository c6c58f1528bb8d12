"""What the header of a picture's file says: its size and format. Decodes no pixel."""

import io
import os

from msgspec import Struct

from forkresize import storage
from forkresize.formats import source_name
from forkresize.image.decode.identify import identify
from forkresize.image.diagnostics import Diagnostics
from forkresize.image.errors import decoding, unreadable_error

_BUFFER = 1 << 13
"""Bytes read at once; most headers are shorter."""

WEBP_HEAD = 30
"""Bytes of a WebP until after its size."""


class ImageInfo(Struct, frozen=True):
    """What is known of a picture without its pixels.

    Attributes:
        width: in pixels, as stored.
        height: likewise.
        format: in Pillow's lower-case name.
        bytes: size of the file.
    """

    width: int
    height: int
    format: str
    bytes: int


def probe(path: str) -> ImageInfo:
    """Read the header of a picture.

    Raises:
        PictureError: it can't be read, is no picture, or is damaged.
    """
    try:
        raw = storage.open_source(path)
    except OSError as error:
        raise unreadable_error(path, error) from error
    ignored = Diagnostics()
    with io.BufferedReader(raw, _BUFFER) as file, decoding(path, ignored):
        size = os.fstat(raw.fileno()).st_size
        # Pillow reads all of a WebP and makes room for its pixels.
        webp = webp_size(file.peek(WEBP_HEAD))
        if webp:
            return ImageInfo(*webp, "webp", size)
        image = identify(file, path, ignored)
        return ImageInfo(*image.size, source_name(image.format), size)


def webp_size(head: bytes) -> tuple[int, int] | None:
    """Return width and height as RFC 9649 lays them out, sections 2.5 to 2.7 and 3.4; None if it is no WebP."""
    if len(head) < WEBP_HEAD or head[:4] != b"RIFF" or head[8:12] != b"WEBP":
        return None
    bits = int.from_bytes(head[20:WEBP_HEAD], "little")
    match head[12:16]:
        case b"VP8X":
            return (bits >> 32 & 0xFFFFFF) + 1, (bits >> 56 & 0xFFFFFF) + 1
        case b"VP8L":
            return (bits >> 8 & 0x3FFF) + 1, (bits >> 22 & 0x3FFF) + 1
        case b"VP8 ":
            return bits >> 48 & 0x3FFF, bits >> 64 & 0x3FFF
        case _:
            return None
