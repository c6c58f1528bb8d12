"""WebP (RFC 9649)."""

import struct
from collections.abc import Iterator
from math import inf
from typing import Any

from forkresize.formats import spec
from forkresize.formats.metadata import EXIF_HEADER, MetadataBlocks

HEAD_BYTES = 30
"""Bytes of a file until after its size."""

_FIRST = 12
"""Where the first chunk begins."""

_FLAGS = _FIRST + 8
"""Where the flags are, if the first chunk is VP8X."""

ALPHA, ANIMATION = 0x10, 0x02
"""Flags: a frame has transparency, or a place of the canvas; and there are several frames."""

_CLEARED = 0x01
"""The flag of a frame whose rectangle is cleared before the next frame is drawn."""

_SIZE_BYTES = {b"VP8X": 10, b"VP8L": 5, b"VP8 ": 10}
"""Bytes of the first chunk until after the size, by its name."""

_RIFF_HEADER, _CHUNK_HEADER = 8, 8
"""Bytes before the content of the file, whose number is the second half, and of a chunk."""

FRAME_HEADER = 16
"""Bytes of a frame before its own chunks."""

_LOSSLESS_ALPHA = 1 << 28
"""Set in the second to fifth byte of a frame coded by VP8L that has alpha. The encoder changes invisible colors."""

_DIRECT_BYTES, _CANVAS_BYTES = {"RGB": 5, "RGBA": 6}, 15
"""Bytes a pixel of decoding without loss, right into the image by its mode, and by way of canvases and copies."""

_MAX_LOOP = 65_535

_MAX_DURATION = (1 << 24) - 1
_MAX_TOTAL_DURATION = (1 << 31) - 1
"""Milliseconds of a frame in the format, and of all frames together in the encoder."""


def chunks(body: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yield the name and the content of each chunk (RFC 9649, 2.3).

    Raises:
        spec.UnsupportedContainerError: a chunk ends too early.
        struct.error: so does its header.
    """
    position = 0
    for name, size in _headers(body):
        position += _CHUNK_HEADER
        yield name, body[position : position + size]
        position += size + size % 2


def _headers(body: bytes | memoryview) -> Iterator[tuple[bytes, int]]:
    """Yield the name and the size of each chunk; see ``chunks``."""
    position = 0
    while position < len(body):
        name, size = struct.unpack_from("<4sI", body, position)
        position += _CHUNK_HEADER
        if position + size > len(body):
            raise spec.UnsupportedContainerError(f"chunk {name!r} ends too early")
        yield name, size
        position += size + size % 2


def coded_pixels(data: bytes) -> bytes:
    """Return the chunk with the pixels of a still picture, and that of its transparency before it; empty for no pixels.

    Transparency that the file does not declare is left out, as libwebp does (RFC 9649, 2.7.1.2).

    Args:
        data: the file, with its first chunk.

    Raises:
        UnsupportedContainerError: it is damaged.
        struct.error: it ends too early.
    """
    start, alpha = _FIRST, 0
    # Not copied: they may be large.
    body = memoryview(data)[_FIRST : _RIFF_HEADER + int.from_bytes(data[4:8], "little")]
    for name, size in _headers(body):
        end = start + _CHUNK_HEADER + size + size % 2
        if name in {b"VP8 ", b"VP8L"}:
            return data[alpha or start : end]
        alpha = start if name == b"ALPH" and data[_FLAGS] & ALPHA else 0
        start = end
    return b""


def size_in_head(head: bytes) -> tuple[int, int] | None:
    """Return width and height from the beginning of a file; None if it is not a WebP."""
    return size_in_chunk(head[12:16], head[20:]) if head[:4] == b"RIFF" and head[8:12] == b"WEBP" else None


def size_in_chunk(name: bytes, content: bytes) -> tuple[int, int] | None:
    """Return width and height from the first chunk (RFC 9649, 2.5 to 2.7 and 3.4); None if they are not there."""
    if len(content) < _SIZE_BYTES.get(name, inf):
        return None
    bits = int.from_bytes(content[: _SIZE_BYTES[name]], "little")
    if name == b"VP8X":
        return (bits >> 32 & 0xFFFFFF) + 1, (bits >> 56 & 0xFFFFFF) + 1
    if name == b"VP8L":
        return (bits >> 8 & 0x3FFF) + 1, (bits >> 22 & 0x3FFF) + 1
    return bits >> 48 & 0x3FFF, bits >> 64 & 0x3FFF


def declare_alpha(data: bytes) -> bytes:
    """Return a file that says that it has transparency, if it has: libwebp leaves out the flag if no frame has alpha.

    The canvas is transparent where no frame was drawn yet, and where one was cleared (RFC 9649, 2.7.1.1).

    Raises:
        UnsupportedContainerError: it is damaged.
        struct.error: it ends too early.
    """
    if data[_FIRST : _FIRST + 4] != b"VP8X" or not data[_FLAGS] & ANIMATION or not _shows_canvas(data):
        return data
    return data[:_FLAGS] + bytes([data[_FLAGS] | ALPHA]) + data[_FLAGS + 1 :]


def _shows_canvas(data: bytes) -> bool:
    """Return whether a place of the canvas is empty while a frame is shown."""
    empty: tuple[int, ...] | None = (0, 0, *(size_in_head(data[:HEAD_BYTES]) or (0, 0)))
    for name, content in chunks(data[_FIRST:]):
        if name == b"ANMF":
            # Half of the position, the size less one, the duration, flags.
            left, top, width, height = (int.from_bytes(content[place : place + 3], "little") for place in (0, 3, 6, 9))
            frame = 2 * left, 2 * top, 2 * left + width + 1, 2 * top + height + 1
            if empty and not _covers(frame, empty):
                return True
            (flags,) = struct.unpack_from("<15xB", content)
            empty = frame if flags & _CLEARED else None
    return False


def _covers(frame: tuple[int, ...], part: tuple[int, ...]) -> bool:
    """Return whether a rectangle covers another; both are left, top, right, bottom."""
    return frame[0] <= part[0] and frame[1] <= part[1] and frame[2] >= part[2] and frame[3] >= part[3]


def _decoder_memory(image: Any, pixels: float, _channels: int, file_size: int) -> float:
    if getattr(image, "is_decoded_directly", False):
        # Pillow has a copy of the file.
        return 2 * file_size + pixels * _DIRECT_BYTES[image.mode]
    return file_size + pixels * _CANVAS_BYTES


def _options(request: spec.EncodeRequest) -> spec.Options:
    method = {"method": request.scale_effort(0, 6, default=4)}
    if request.quality is not None:
        return {**method, "quality": request.quality}
    # Without loss, quality is a second scale of effort.
    return {**method, "lossless": True, "quality": request.scale_effort(10, 100, default=80)}


def _sequence_options(_images: spec.Images, request: spec.EncodeRequest) -> spec.Options:
    longest = min(_MAX_DURATION, _MAX_TOTAL_DURATION // len(request.durations))
    # The encoder drops frames of no duration; players show them as long as those of one millisecond.
    durations = [min(max(1, each), longest) for each in request.durations]
    return {"duration": durations, "loop": min(1 if request.loop is None else request.loop, _MAX_LOOP)}


def _metadata(blocks: MetadataBlocks, _warn: spec.Warn) -> spec.Options:
    # Pillow removes the header for still pictures only.
    return {"exif": blocks.exif.removeprefix(EXIF_HEADER), "xmp": blocks.xmp}


def _losses(request: spec.EncodeRequest) -> Iterator[str]:
    if not request.lossless and request.subsampling in {"444", "422"}:
        yield f"WebP stores colors at a quarter of the resolution, not {request.subsampling}"


def _is_coded_with_loss(data: bytes) -> bool:
    """Return whether a frame is coded by VP8, or has colors in transparent pixels; a damaged file counts as one."""
    try:
        return any(
            name == b"VP8 " or has_lossless_alpha(name, content) for name, content in _coded_chunks(data[_FIRST:])
        )
    except (spec.UnsupportedContainerError, struct.error):
        return True


def has_lossless_alpha(name: bytes, content: bytes) -> bool:
    """Return whether a chunk is a frame coded by VP8L that has alpha."""
    return name == b"VP8L" and bool(int.from_bytes(content[1:5], "little") & _LOSSLESS_ALPHA)


def _coded_chunks(body: bytes) -> Iterator[tuple[bytes, bytes]]:
    for name, content in chunks(body):
        yield from chunks(content[FRAME_HEADER:]) if name == b"ANMF" else [(name, content)]


SPEC = spec.FormatSpec(
    name="webp",
    suffixes=(".webp",),
    plugin="WebP",
    signature=rb"RIFF....WEBP",
    decoder_memory=_decoder_memory,
    animated=True,
    output=spec.OutputSpec(
        modes=frozenset({"RGB", "RGBA"}),
        max_side=16_383,
        profile=True,
        animated=True,
        quality=85,
        applies=frozenset({"lossless", "ssim"}),
        browsers=spec.Browsers(all=False, rank=3),
        stores=frozenset({spec.Block.EXIF, spec.Block.XMP}),
        memory=spec.EncodingMemory(plain=(13, 9, 36), thorough=(31, 33, 36), frame=9),
        options=_options,
        sequence_options=_sequence_options,
        metadata=_metadata,
        correct=declare_alpha,
        losses=_losses,
        rewriter="forkresize.image.container.webp:rewrite",
        is_coded_with_loss=_is_coded_with_loss,
    ),
)
