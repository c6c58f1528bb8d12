"""Takes a WebP apart into chunks, and puts it together with other metadata (RFC 9649)."""

import struct
from collections.abc import Iterator

from forkresize.image import metadata
from forkresize.image.container.parts import Part, UnsupportedContainerError, refuse_sideways
from forkresize.image.diagnostics import Diagnostics
from forkresize.image.metadata import MetadataBlocks

_HEADER = 12
_FRAME_HEADER = 16
_EXTENSION_LENGTH = 10

_PIXELS = frozenset({b"VP8 ", b"VP8L", b"ALPH"})
_KEPT = _PIXELS | {b"ANIM", b"ANMF"}
_FIRST = frozenset({b"VP8 ", b"VP8L", b"VP8X"})

_PROFILE, _ALPHA, _EXIF, _XMP, _ANIMATION = 0x20, 0x10, 0x08, 0x04, 0x02
"""What the flags of the first chunk of an extended file say that there is."""

_SIDE = 0x3FFF
_LOSSLESS_ALPHA = 1 << 28


def rewrite(data: bytes, kept: MetadataBlocks) -> bytes:
    """Return a WebP with other metadata.

    Raises:
        NotUnderstoodError: it is damaged, or stored sideways.
        struct.error: it ends too early.
    """
    parts = _parts(data)
    found = dict(reversed(parts))
    refuse_sideways({"exif": found.get(b"EXIF", b""), "xmp": found.get(b"XMP ", b"")})
    options = metadata.save_options(kept, "webp", Diagnostics())
    added = {b"EXIF": options.get("exif"), b"XMP ": options.get("xmp"), b"ICCP": found.get(b"ICCP")}
    blocks = {name: block for name, block in added.items() if block}
    body = b"".join(_chunk(*part) for part in _arranged(parts, blocks))
    return b"RIFF" + struct.pack("<I", 4 + len(body)) + b"WEBP" + body


def _parts(data: bytes) -> list[Part]:
    end = 8 + struct.unpack_from("<I", data, 4)[0]
    if data[:4] != b"RIFF" or data[8:_HEADER] != b"WEBP" or end > len(data):
        raise UnsupportedContainerError
    parts = list(_chunks(data[_HEADER:end]))
    if not parts or parts[0][0] not in _FIRST:
        raise UnsupportedContainerError
    # Only an extended file has more than its pixels.
    return parts if parts[0][0] == b"VP8X" else parts[:1]


def _chunks(body: bytes) -> Iterator[Part]:
    place = 0
    while place < len(body):
        name, size = struct.unpack_from("<4sI", body, place)
        place += 8
        if place + size > len(body):
            raise UnsupportedContainerError
        yield name, body[place : place + size]
        place += size + size % 2


def _chunk(name: bytes, content: bytes) -> bytes:
    return name + struct.pack("<I", len(content)) + content + b"\0" * (len(content) % 2)


def _arranged(parts: list[Part], blocks: dict[bytes, bytes]) -> Iterator[Part]:
    """Give the chunks of the new file in the order in which they must be."""
    pixels = [(name, _frame(content) if name == b"ANMF" else content) for name, content in parts if name in _KEPT]
    if not pixels:
        raise UnsupportedContainerError
    if parts[0][0] == b"VP8X" or blocks:
        yield b"VP8X", _extension(parts[0], blocks)
    yield from ((name, blocks[name]) for name in (b"ICCP",) if name in blocks)
    yield from pixels
    yield from ((name, blocks[name]) for name in (b"EXIF", b"XMP ") if name in blocks)


def _frame(content: bytes) -> bytes:
    inner = [_chunk(*part) for part in _chunks(content[_FRAME_HEADER:]) if part[0] in _PIXELS]
    return content[:_FRAME_HEADER] + b"".join(inner)


def _extension(first: Part, blocks: dict[bytes, bytes]) -> bytes:
    """Return the chunk that tells what is in the file, with the canvas that the first chunk of the source has."""
    name, content = first
    if name == b"VP8X":
        if len(content) < _EXTENSION_LENGTH:
            raise UnsupportedContainerError
        flags, canvas = content[0] & (_ALPHA | _ANIMATION), content[4:_EXTENSION_LENGTH]
    elif name == b"VP8L":
        (sides,) = struct.unpack_from("<I", content, 1)
        flags = _ALPHA if sides & _LOSSLESS_ALPHA else 0
        canvas = _canvas((sides & _SIDE) + 1, (sides >> 14 & _SIDE) + 1)
    else:
        width, height = (side & _SIDE for side in struct.unpack_from("<HH", content, 6))
        if not width or not height:
            raise UnsupportedContainerError
        flags, canvas = 0, _canvas(width, height)
    has = {b"ICCP": _PROFILE, b"EXIF": _EXIF, b"XMP ": _XMP}
    return bytes((flags | sum(has[block] for block in blocks), 0, 0, 0)) + canvas


def _canvas(width: int, height: int) -> bytes:
    return (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
