"""Replaces the metadata of a WebP (RFC 9649)."""

import struct
from collections.abc import Iterator

from forkresize.formats.spec import UnsupportedContainerError
from forkresize.formats.webp import (
    ALPHA,
    ANIMATION,
    FRAME_HEADER,
    chunks,
    declare_alpha,
    has_lossless_alpha,
    size_in_chunk,
)
from forkresize.image import metadata
from forkresize.image.container import check_orientation
from forkresize.image.diagnostics import Diagnostics
from forkresize.image.metadata import MetadataBlocks

Part = tuple[bytes, bytes]
"""Name and content of a chunk."""

_HEADER = 12

_PIXELS = frozenset({b"VP8 ", b"VP8L", b"ALPH"})
_KEPT = _PIXELS | {b"ANIM", b"ANMF"}
_FIRST = frozenset({b"VP8 ", b"VP8L", b"VP8X"})

_PROFILE, _EXIF, _XMP = 0x20, 0x08, 0x04
"""Flags of the parts of a file, in the first chunk of an extended one, with ALPHA and ANIMATION."""


def rewrite(data: bytes, kept: MetadataBlocks) -> bytes:
    """Return a WebP with other metadata.

    Raises:
        UnsupportedContainerError: it is damaged, or turned by its metadata in another way.
        struct.error: it ends too early.
    """
    parts = _parts(data)
    found = dict(reversed(parts))
    check_orientation({"exif": found.get(b"EXIF", b""), "xmp": found.get(b"XMP ", b"")}, kept)
    options = metadata.save_options(kept, "webp", Diagnostics())
    added = {b"EXIF": options.get("exif"), b"XMP ": options.get("xmp"), b"ICCP": found.get(b"ICCP")}
    blocks = {name: block for name, block in added.items() if block}
    body = b"".join(_chunk(*part) for part in _arrange(parts, blocks))
    return declare_alpha(b"RIFF" + struct.pack("<I", 4 + len(body)) + b"WEBP" + body)


def _parts(data: bytes) -> list[Part]:
    end = 8 + struct.unpack_from("<I", data, 4)[0]
    if data[:4] != b"RIFF" or data[8:_HEADER] != b"WEBP" or end > len(data):
        raise UnsupportedContainerError
    parts = list(chunks(data[_HEADER:end]))
    if not parts or parts[0][0] not in _FIRST:
        raise UnsupportedContainerError
    # Only an extended file has more than its pixels.
    return parts if parts[0][0] == b"VP8X" else parts[:1]


def _chunk(name: bytes, content: bytes) -> bytes:
    return name + struct.pack("<I", len(content)) + content + b"\0" * (len(content) % 2)


def _arrange(parts: list[Part], blocks: dict[bytes, bytes]) -> Iterator[Part]:
    """Yield the chunks of the new file in their required order."""
    pixels = [(name, _frame(content) if name == b"ANMF" else content) for name, content in parts if name in _KEPT]
    if not pixels:
        raise UnsupportedContainerError
    if parts[0][0] == b"VP8X" or blocks:
        yield b"VP8X", _extension(parts[0], blocks)
    yield from ((name, blocks[name]) for name in (b"ICCP",) if name in blocks)
    yield from pixels
    yield from ((name, blocks[name]) for name in (b"EXIF", b"XMP ") if name in blocks)


def _frame(content: bytes) -> bytes:
    inner = [_chunk(*part) for part in chunks(content[FRAME_HEADER:]) if part[0] in _PIXELS]
    return content[:FRAME_HEADER] + b"".join(inner)


def _extension(first: Part, blocks: dict[bytes, bytes]) -> bytes:
    """Return the chunk that declares the parts of the file, and its canvas, which the first chunk of the source has."""
    name, content = first
    size = size_in_chunk(name, content)
    if size is None or not all(size):
        raise UnsupportedContainerError
    flags = 0
    if name == b"VP8X":
        flags = content[0] & (ALPHA | ANIMATION)
    elif has_lossless_alpha(name, content):
        flags = ALPHA
    has = {b"ICCP": _PROFILE, b"EXIF": _EXIF, b"XMP ": _XMP}
    canvas = b"".join((side - 1).to_bytes(3, "little") for side in size)
    return bytes((flags | sum(has[block] for block in blocks), 0, 0, 0)) + canvas
