"""Pillow's reader for JPEG XL: reads the header alone, and leaves the decoder of the optional package for later.

The package decodes when it opens a file: before its size is checked and memory for it is reserved, and in a thread for
each CPU.
"""

import sys
from functools import cache
from typing import Any

from PIL import ImageFile

from forkresize.image.decode.jxl_header import find_metadata, read_header
from forkresize.image.decode.rebind import rebind

_XMP, _EXIF = b"xml ", b"Exif"
"""Types of boxes."""

_OFFSET = 4
"""Bytes of an offset."""


class LazyJxlImageFile(ImageFile.ImageFile):
    """A JPEG XL that is decoded when it is loaded, in one thread: the pictures are spread over the CPUs already."""

    format = "JXL"
    format_description = "JPEG XL image"

    def _open(self) -> None:
        assert self.fp is not None  # noqa: S101 -- it was just opened.
        self.header = read_header(self.fp)
        self._size, self._mode = self.header.size, self.header.mode

    def load(self) -> Any:
        """Decode the pixels, profile and EXIF; see ImageFile."""
        if self._im is None:
            self._decode()
        return super(ImageFile.ImageFile, self).load()

    def _decode(self) -> None:
        assert self.fp is not None  # noqa: S101 -- only loading closes it.
        self.fp.seek(0)
        decoded: Any = _single_threaded_reader()(self.fp)
        if not decoded.jpeg:
            decoded._data = _to_8_bits(decoded._data, decoded.mode, decoded.size)  # noqa: SLF001
        decoded.load()
        self.im, self._size, self._mode, self.info = decoded.im, decoded.size, decoded.mode, decoded.info
        self.fp.seek(0)
        self._read_metadata()

    def _read_metadata(self) -> None:
        """Read what the package leaves out: XMP, and EXIF that is compressed."""
        assert self.fp is not None  # noqa: S101 -- see above.
        keys = {_XMP: "xmp", _EXIF: "exif"}
        found = find_metadata(self.fp, {kind: key.upper() for kind, key in keys.items() if key not in self.info})
        if found.get(_XMP):
            self.info["xmp"] = found[_XMP]
        if found.get(_EXIF):
            # It begins with the offset of the TIFF header (ISO/IEC 18181-2, 9.4).
            start = _OFFSET + int.from_bytes(found[_EXIF][:_OFFSET])
            self.info["exif"] = found[_EXIF][start:]


@cache
def _single_threaded_reader() -> Any:
    """Return the package's reader, which is loaded for the first JPEG XL."""
    from pillow_jxl.JpegXLImagePlugin import JXLImageFile

    class Reader(JXLImageFile):
        _open = rebind(JXLImageFile._open, DECODE_THREADS=0)  # noqa: SLF001

    return Reader


def _to_8_bits(pixels: bytes, mode: str, size: tuple[int, int]) -> bytes:
    """Return pixels of gray with alpha in 8 bits: the package returns all bits, and says 8.

    Raises:
        SyntaxError: they are floating-point numbers.
    """
    width, height = size
    if mode != "LA" or len(pixels) == len(mode) * width * height:
        return pixels
    if len(pixels) != 2 * len(mode) * width * height:
        raise SyntaxError("JPEG XL of gray with alpha in floating-point numbers is not supported")
    return pixels[1::2] if sys.byteorder == "little" else pixels[::2]
