"""Takes a PNG apart into chunks, and puts it together with other metadata (W3C, third edition)."""

import struct
import zlib
from collections.abc import Iterator

from forkresize.formats.png import SIGNATURE, XMP_KEYWORD
from forkresize.image import metadata
from forkresize.image.container.parts import Part, UnsupportedContainerError, refuse_sideways
from forkresize.image.diagnostics import Diagnostics
from forkresize.image.metadata import MetadataBlocks

_KEPT = frozenset(b"IHDR PLTE IDAT IEND tRNS gAMA cHRM sRGB iCCP cICP mDCV cLLI sBIT bKGD pHYs acTL fcTL fdAT".split())
"""The chunks that make pixels, colors and frames."""

_ANCILLARY = 0x20
"""Set in the first byte of the names of chunks that a picture can do without."""

_XMP = XMP_KEYWORD.encode()
_MAY_TURN = frozenset({_XMP, b"Raw profile type exif", b"Raw profile type xmp"})


def rewrite(data: bytes, kept: MetadataBlocks) -> bytes:
    """Return a PNG with other metadata.

    Raises:
        NotUnderstoodError: it is damaged, stored sideways, or hides whether it is.
        struct.error: it ends too early.
    """
    parts = list(_chunks(data))
    if parts[0][0] != b"IHDR":
        raise UnsupportedContainerError
    refuse_sideways(_info(parts))
    header, *others = [_chunk(*part) for part in parts if _is_kept(part[0])]
    return b"".join([SIGNATURE, header, *_metadata(kept), *others])


def _chunks(data: bytes) -> Iterator[Part]:
    if not data.startswith(SIGNATURE):
        raise UnsupportedContainerError
    place, name = len(SIGNATURE), b""
    while name != b"IEND":
        size, name = struct.unpack_from(">I4s", data, place)
        content = data[place + 8 : place + 8 + size]
        (checksum,) = struct.unpack_from(">I", data, place + 8 + size)
        if checksum != zlib.crc32(name + content):
            raise UnsupportedContainerError
        yield name, content
        place += 12 + size


def _info(parts: list[Part]) -> dict[str, bytes]:
    """Return what Pillow tells the orientation by."""
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
        # What is before the zero is free text.
        _name, _zero, profile = content.partition(b"\0")
        content = b"ICC profile\0" + profile
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))


def _metadata(kept: MetadataBlocks) -> Iterator[bytes]:
    options = metadata.save_options(kept, "png", Diagnostics())
    if "exif" in options:
        yield _chunk(b"eXIf", options["exif"].removeprefix(b"Exif\0\0"))
    if "pnginfo" in options:
        for name, content, _after in options["pnginfo"].chunks:
            yield _chunk(name, content)
