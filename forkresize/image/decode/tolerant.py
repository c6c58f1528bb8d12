"""Pillow's readers of PNG and TIFF, made to drop what is damaged beside the pixels. Decodes no pixel."""

import os
import struct
import warnings

from PIL import Image
from PIL.PngImagePlugin import PngStream
from PIL.TiffImagePlugin import TiffImageFile

_BESIDE = frozenset({b"tEXt", b"zTXt", b"iTXt", b"iCCP", b"pHYs", b"gAMA", b"cHRM", b"sRGB", b"cICP", b"eXIf", b"tIME"})
"""Chunks of a PNG without which its pixels are what they are."""

_TEXTS = frozenset({b"tEXt", b"zTXt", b"iTXt"})

_MOST_TEXT = 8 << 20
"""Characters of all texts of a picture; what comes once there are more is not unpacked."""

_OF_FRAMES = frozenset({b"fcTL", b"fdAT"})
"""Chunks without which the pixels of a still picture are what they are."""


class TolerantPngStream(PngStream):
    """The chunks of a PNG; what can't be read of those beside the pixels is passed over."""

    def crc(self, cid: bytes, data: bytes) -> None:
        """Check one chunk; see ChunkStream."""
        try:
            super().crc(cid, data)
        except SyntaxError as error:
            if cid not in _BESIDE:
                raise
            warnings.warn(f"{cid.decode()} is damaged: {error}", stacklevel=1)

    def call(self, cid: bytes, pos: int, length: int) -> bytes:
        """Read one chunk; see ChunkStream."""
        if cid in _TEXTS and self.text_memory > _MOST_TEXT:
            warnings.warn(f"{cid.decode()} was dropped: there is more text than is kept", stacklevel=1)
        else:
            try:
                return super().call(cid, pos, length)
            except (ValueError, SyntaxError, IndexError, struct.error) as error:
                if cid not in _BESIDE and (self.im_n_frames or cid not in _OF_FRAMES):
                    raise
                warnings.warn(f"damaged {cid.decode()} was dropped: {error}", stacklevel=1)
        assert self.fp is not None  # noqa: S101 -- it was read from a moment ago.
        self.fp.seek(pos, os.SEEK_SET)
        return self.fp.read(length)


class TolerantTiffImageFile(TiffImageFile):
    """A TIFF; XMP that is stored as numbers or text, in which Pillow would look for bytes in vain, is left out."""

    def _reload_exif(self) -> None:
        # Of all that a page goes through, this comes right after its XMP was found, and is the first to look into it.
        packet = self.info.get("xmp", b"")
        if not isinstance(packet, bytes):
            del self.info["xmp"]
            warnings.warn(f"damaged XMP was dropped: it is of type {type(packet).__name__}", stacklevel=1)
        super()._reload_exif()


def install_tolerant_readers() -> None:
    """Have Pillow read with these from now on."""
    from PIL import PngImagePlugin, TiffImagePlugin

    PngImagePlugin.PngStream = TolerantPngStream  # type: ignore[misc]
    Image.register_open(TiffImageFile.format, TolerantTiffImageFile, TiffImagePlugin._accept)  # noqa: SLF001
