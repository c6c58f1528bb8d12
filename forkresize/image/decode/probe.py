"""The size and format of a picture, read from its header."""

import os
from typing import BinaryIO

from msgspec import Struct

from forkresize.formats import source_name, webp
from forkresize.image.decode.identify import identify
from forkresize.image.diagnostics import Diagnostics
from forkresize.image.errors import decoding


class ImageInfo(Struct, frozen=True):
    """What the header of a picture says.

    Attributes:
        width: in pixels, as stored.
        height: in pixels, as stored.
        format: name of the format.
        bytes: size of the file.
    """

    width: int
    height: int
    format: str
    bytes: int


def probe(file: BinaryIO, name: str = "") -> ImageInfo:
    """Read the header of a picture.

    Args:
        file: stands at its beginning, and is seekable.
        name: identifies the picture in messages; its suffix is a hint for formats without a signature.

    Raises:
        PictureError: it cannot be read, is not a picture, or is damaged.
    """
    ignored = Diagnostics()
    with decoding(name, ignored):
        # Pillow would read all of a WebP and allocate its pixels.
        webp_size = webp.size_in_head(file.read(webp.HEAD_BYTES))
        size = file.seek(0, os.SEEK_END)
        if webp_size:
            return ImageInfo(*webp_size, "webp", size)
        file.seek(0)
        image = identify(file, name)
        return ImageInfo(*image.size, source_name(image.format), size)
