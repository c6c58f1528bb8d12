"""Replaces the metadata of a PNG (W3C, third edition)."""

import io
import struct
import zlib
from collections.abc import Iterator

from forkresize.formats.metadata import EXIF_HEADER
from forkresize.formats.png import SIGNATURE, XMP_KEYWORD, chunks
from forkresize.formats.spec import UnsupportedContainerError
from forkresize.image import metadata
from forkresize.image.container import refuse_sideways
from forkresize.image.diagnostics import Diagnostics
from forkresize.image.metadata import MetadataBlocks

Part = tuple[bytes, bytes]
"""Name and content of a chunk."""

_KEPT = frozenset(b"IHDR PLTE IDAT IEND tRNS gAMA cHRM sRGB iCCP cICP mDCV cLLI sBIT bKGD pHYs acTL fcTL fdAT".split())
"""The chunks that make pixels, colors and frames."""

_ANCILLARY = 0x20
"""Set in the first byte of the names of chunks that decoding does not need."""

_XMP = XMP_KEYWORD.encode()
_MAY_TURN = frozenset({_XMP, b"Raw profile type exif", b"Raw profile type xmp"})


def rewrite(data: bytes, blocks: MetadataBlocks) -> bytes:
    """Return a PNG with other metadata.

    Raises:
        UnsupportedContainerError: it is damaged, not stored upright, or hides whether it is.
        struct.error: it ends too early.
    """
    parts = list(_checked_chunks(data))
    if parts[0][0] != b"IHDR":
        raise UnsupportedContainerError
    refuse_sideways(_metadata_of(parts))
    header, *others = [_chunk(*part) for part in parts if _is_kept(part[0])]
    return b"".join([SIGNATURE, header, *_embed(blocks), *others])


def _checked_chunks(data: bytes) -> Iterator[Part]:
    """Yield the chunks up to the end of the image."""
    if not data.startswith(SIGNATURE):
        raise UnsupportedContainerError
    file = io.BytesIO(data)
    for name, length in chunks(file):
        content = file.read(length)
        if file.read(4) != zlib.crc32(name + content).to_bytes(4):
            raise UnsupportedContainerError
        yield name, content
        if name == b"IEND":
            return
    raise UnsupportedContainerError


def _metadata_of(parts: list[Part]) -> dict[str, bytes]:
    """Return the metadata that can hold the orientation, as Pillow reads it."""
    info: dict[str, bytes] = {}
    for name, content in parts:
        key, _zero, text = content.partition(b"\0")
        if name == b"eXIf":
            info["exif"] = content
        elif name == b"iTXt" and key == _XMP and text.startswith(b"\0"):
            info["xmp"] = text
        elif name in {b"tEXt", b"zTXt", b"iTXt"} and key in _MAY_TURN:
            # Compressed, or in hexadecimal digits.
            raise UnsupportedContainerError
    return info


def _is_kept(name: bytes) -> bool:
    if name not in _KEPT and not name[0] & _ANCILLARY:
        raise UnsupportedContainerError
    return name in _KEPT


def _chunk(name: bytes, content: bytes) -> bytes:
    if name == b"iCCP":
        # Free text comes before the zero.
        _name, _zero, profile = content.partition(b"\0")
        content = b"ICC profile\0" + profile
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))


def _embed(blocks: MetadataBlocks) -> Iterator[bytes]:
    options = metadata.save_options(blocks, "png", Diagnostics())
    if "exif" in options:
        yield _chunk(b"eXIf", options["exif"].removeprefix(EXIF_HEADER))
    if "pnginfo" in options:
        for name, content, _after in options["pnginfo"].chunks:
            yield _chunk(name, content)
