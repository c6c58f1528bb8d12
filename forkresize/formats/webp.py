"""WebP (RFC 9649)."""

from collections.abc import Iterator

from forkresize.formats.metadata import MetadataBlocks
from forkresize.formats.spec import (
    Browsers,
    EncodeRequest,
    EncodingMemory,
    FormatSpec,
    Images,
    Options,
    OutputSpec,
    Warn,
    buffered,
)

_MAX_LOOP = 65_535

_MAX_DURATION = (1 << 24) - 1
_MAX_TOTAL_DURATION = (1 << 31) - 1
"""Milliseconds of a frame in the format, and of all frames together in the encoder."""


def _options(request: EncodeRequest) -> Options:
    method = {"method": request.scale_effort(0, 6, default=4)}
    if request.quality is not None:
        return {**method, "quality": request.quality}
    # Without loss, quality is a second scale of effort.
    return {**method, "lossless": True, "quality": request.scale_effort(10, 100, default=80)}


def _sequence_options(_images: Images, request: EncodeRequest) -> Options:
    longest = min(_MAX_DURATION, _MAX_TOTAL_DURATION // len(request.durations))
    # The encoder drops frames of no duration; players show them as long as those of one millisecond.
    durations = [min(max(1, each), longest) for each in request.durations]
    return {"duration": durations, "loop": min(1 if request.loop is None else request.loop, _MAX_LOOP)}


def _metadata(blocks: MetadataBlocks, _warn: Warn) -> Options:
    # Pillow removes the header for still pictures only.
    return {"exif": blocks.exif.removeprefix(b"Exif\0\0"), "xmp": blocks.xmp}


def _losses(request: EncodeRequest) -> Iterator[str]:
    if not request.lossless and request.subsampling in {"444", "422"}:
        yield f"WebP stores colors at a quarter of the resolution, not {request.subsampling}"


SPEC = FormatSpec(
    name="webp",
    suffixes=(".webp",),
    plugin="WebP",
    signature=rb"RIFF....WEBP",
    decoder_memory=buffered(15),
    animated=True,
    output=OutputSpec(
        modes=frozenset({"RGB", "RGBA"}),
        max_side=16_383,
        profile=True,
        animated=True,
        quality=78,
        applies=frozenset({"lossless", "ssim"}),
        browsers=Browsers(all=False, rank=2),
        has_exif=True,
        memory=EncodingMemory(plain=(13, 9, 36), thorough=(31, 33, 36), frame=9),
        options=_options,
        sequence_options=_sequence_options,
        metadata=_metadata,
        losses=_losses,
        rewriter="forkresize.image.container.webp:rewrite",
    ),
)
