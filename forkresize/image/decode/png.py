"""Pillow's reader for PNG, made to drop damage outside the pixels, and to leave the pixels to a faster decoder."""

import io
import os
import struct
import warnings
import zlib
from functools import cache
from types import ModuleType
from typing import Any, BinaryIO

from PIL import Image, PngImagePlugin

from forkresize.formats import png
from forkresize.image.decode.rebind import rebind
from forkresize.image.errors import catching_panics

_ANCILLARY = frozenset(
    {b"tEXt", b"zTXt", b"iTXt", b"iCCP", b"pHYs", b"gAMA", b"cHRM", b"sRGB", b"cICP", b"eXIf", b"tIME"}
)
"""Chunks of a PNG that its pixels do not depend on."""

_TEXTS = frozenset({b"tEXt", b"zTXt", b"iTXt"})

_MAX_TEXT = 8 << 20
"""Characters of all texts of a PNG; further texts are not decompressed."""

_GRAY_LEVELS = {"L;2": 85, "L;4": 17}
"""Factors by which Pillow scales the values of grays of less than 8 bits, by raw mode."""

_FRAME_CHUNKS = frozenset({b"fcTL", b"fdAT"})
"""Chunks that the pixels of a still PNG do not depend on."""

_PIXEL_CHUNKS = _FRAME_CHUNKS | {b"IDAT"}


class TolerantPngStream(PngImagePlugin.PngStream):
    """The chunks of a PNG, without those outside the pixels that cannot be read."""

    def crc(self, cid: bytes, data: bytes) -> None:
        """Check one chunk; see ChunkStream."""
        try:
            super().crc(cid, data)
        except SyntaxError as error:
            if cid not in _ANCILLARY:
                raise
            warnings.warn(f"{cid.decode()} is damaged: {error}", stacklevel=1)

    def call(self, cid: bytes, pos: int, length: int) -> bytes:
        """Read one chunk; see ChunkStream."""
        if cid in _TEXTS and self.text_memory > _MAX_TEXT:
            warnings.warn(f"{cid.decode()} was dropped: more than {_MAX_TEXT} characters of text", stacklevel=1)
        else:
            try:
                return super().call(cid, pos, length)
            except (ValueError, SyntaxError, IndexError, struct.error) as error:
                if cid not in _ANCILLARY and (self.im_n_frames or cid not in _FRAME_CHUNKS):
                    raise
                warnings.warn(f"damaged {cid.decode()} was dropped: {error}", stacklevel=1)
        assert self.fp is not None  # noqa: S101 -- it was read from a moment ago.
        self.fp.seek(pos, os.SEEK_SET)
        return self.fp.read(length)


class TolerantPngImageFile(PngImagePlugin.PngImageFile):
    """A PNG whose chunks are read by TolerantPngStream, and whose transparent color has 8 bits, as its pixels get."""

    _open = rebind(PngImagePlugin.PngImageFile._open, PngStream=TolerantPngStream)  # noqa: SLF001

    def load(self) -> Any:
        """Decode the pixels; see ImageFile."""
        color, raw_mode = self.info.get("transparency"), str(self.tile[0].args) if self.tile else ""
        if isinstance(color, int) and raw_mode in _GRAY_LEVELS:
            self.info["transparency"] = color * _GRAY_LEVELS[raw_mode]
        elif isinstance(color, tuple) and raw_mode == "RGB;16B":
            self.info["transparency"] = tuple(value >> 8 for value in color)
        return super().load()


class _PngWithoutPixels(TolerantPngImageFile):
    """The chunks of a PNG but those with pixels."""

    def getexif(self) -> Image.Exif:
        """Return the EXIF; Pillow's method decodes pixels to find all of it."""
        return super(PngImagePlugin.PngImageFile, self).getexif()


def read_metadata(file: BinaryIO) -> Image.Image | None:
    """Return a PNG without its pixels, but with the metadata before and after them; None if it is damaged.

    Args:
        file: seekable.
    """
    kept = io.BytesIO()
    kept.write(png.SIGNATURE)
    for name, length in png.chunks(file):
        if name not in _PIXEL_CHUNKS:
            # With its checksum.
            kept.write(struct.pack(">I4s", length, name) + file.read(length + 4))
    kept.seek(0)
    try:
        return _PngWithoutPixels(kept)
    except Exception:  # noqa: BLE001 -- Pillow raises anything for damaged chunks.
        return None


_BITS = 8

_STRIP = 1 << 18
"""Bytes of decoded pixels that are copied at a time: they fit into the cache of a processor."""


class FastPngImageFile(TolerantPngImageFile):
    """A PNG whose pixels are read by the optional decoder, if it accepts the file, and else by Pillow.

    Everything else is read by Pillow, and so is every file that the decoder finds damaged.
    """

    _decoded: bytearray | None = None
    _read = 0
    _is_checked = True

    def load(self) -> Any:
        """Decode the pixels; see ImageFile."""
        if self._is_simple():
            self._decoded = self._decode()
        if self._decoded is not None:
            # Pillow unpacks them as it would those of a file without compression.
            self.tile = [self.tile[0]._replace(codec_name="raw", args=(self.mode, 0, 1))]
            self._read, self._is_checked = 0, False
        try:
            return super().load()
        finally:
            self._decoded = None

    def has_sound_pixels(self, data: bytes) -> bool:
        """Return whether the checksum of all pixels is right, which the fast decoder does not look at.

        Args:
            data: the file.
        """
        return self._is_checked or has_right_sum(data)

    def _is_simple(self) -> bool:
        """Return whether it is a still picture of 8 bits per channel, in one pass, that is not loaded yet."""
        return (
            len(self.tile) == 1
            and self.mode in png.FAST_MODES
            and self.tile[0].args == self.mode
            and self.tile[0].extents == (0, 0, *self.size)
            and self.png is not None
            and self.png.im_n_frames is None
            and "interlace" not in self.info
        )

    def _decode(self) -> bytearray | None:
        """Return the pixels, row by row without gaps; None if the decoder is not installed, or does not accept them."""
        decoder, (width, height), channels = fast_decoder(), self.size, len(self.mode)
        if decoder is None:
            return None
        assert self.fp is not None  # noqa: S101 -- only loading closes it.
        self.fp.seek(0)
        try:
            # From malloc, as a worker keeps what it frees: page faults of new memory take a fifth of decoding.
            pixels = bytearray(width * height * channels)
            with catching_panics():
                found = decoder.png_decode_into(self.fp.read(), pixels)
        except Exception:  # noqa: BLE001 -- Pillow says what is wrong, and reads what it accepts nevertheless.
            return None
        return pixels if found == (width, height, channels, _BITS) else None

    def load_read(self, read_bytes: int) -> bytes:
        """Return the next rows that were decoded, or else the next bytes to decode; see ImageFile."""
        if self._decoded is None:
            return super().load_read(read_bytes)
        row, start = self.size[0] * len(self.mode), self._read
        self._read += max(1, _STRIP // row) * row
        return bytes(memoryview(self._decoded)[start : self._read])


def has_right_sum(data: bytes) -> bool:
    """Return whether the pixels of a still PNG can be decompressed, and their checksum is right."""
    stream, file = zlib.decompressobj(), io.BytesIO(data)
    try:
        for name, length in png.chunks(file):
            piece = file.read(length) if name == b"IDAT" else b""
            while piece:
                stream.decompress(piece, _STRIP)
                piece = stream.unconsumed_tail
    except zlib.error:
        return False
    return stream.eof


@cache
def fast_decoder() -> ModuleType | None:
    """Return the module with the fast decoder, loaded for the first PNG; None if it is not installed."""
    return png.FAST_DECODER.load()
