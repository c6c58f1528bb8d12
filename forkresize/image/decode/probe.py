"""What the header of a picture's file says: its size and format. Decodes no pixel."""

import io
import os

from msgspec import Struct

from forkresize import storage
from forkresize.formats import source_name, webp
from forkresize.image.decode.identify import identify
from forkresize.image.diagnostics import Diagnostics
from forkresize.image.errors import decoding, unreadable_error

_BUFFER = 1 << 13
"""Bytes read at once; most headers are shorter."""


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
        size_of_webp = webp.size_in_head(file.peek(webp.HEAD_BYTES))
        if size_of_webp:
            return ImageInfo(*size_of_webp, "webp", size)
        image = identify(file, path, ignored)
        return ImageInfo(*image.size, source_name(image.format), size)
