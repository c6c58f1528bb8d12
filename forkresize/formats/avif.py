"""AVIF (AOMedia, v1.1)."""

from collections.abc import Iterator

from forkresize.formats import spec
from forkresize.formats.boxes import boxes
from forkresize.formats.metadata import MetadataBlocks

_BEST_QUALITY = 100


def _options(request: spec.EncodeRequest) -> spec.Options:
    options = {
        "quality": _BEST_QUALITY if request.quality is None else request.quality,
        "speed": request.scale_effort(10, 0, default=6),
        # There is a worker for each core.
        "max_threads": 1,
    }
    return options if request.mode == "L" else {**options, "subsampling": request.chroma}


def _sequence_options(_images: spec.Images, request: spec.EncodeRequest) -> spec.Options:
    # The encoder drops frames of no duration; players show them as long as those of one millisecond.
    return {"duration": [max(1, each) for each in request.durations]}


def _metadata(blocks: MetadataBlocks, _warn: spec.Warn) -> spec.Options:
    return {"exif": blocks.exif, "xmp": blocks.xmp}


def _losses(request: spec.EncodeRequest) -> Iterator[str]:
    if request.lossless and request.mode != "L":
        yield "AVIF converts colors to another color model, so that levels may be off by up to 3"
    if request.durations and request.loop != 0:
        yield "AVIF cannot store a loop count; the animation will loop forever"


def _without_times(data: bytes) -> bytes:
    """Return a file whose times of creation and modification are unknown.

    The encoder writes the time of day into animations, and Pillow does not let us choose another
    (AOMediaCodec/libavif#2879 lets its other users).
    """
    headers = list(_headers_with_times(data, 0, len(data)))
    if not headers:
        return data
    changed = bytearray(data)
    for start in headers:
        # A version, then flags. Version 1 has times of 64 bits.
        times = 16 if data[start] else 8
        changed[start + 4 : start + 4 + times] = bytes(times)
    return bytes(changed)


def _headers_with_times(data: bytes, start: int, end: int) -> Iterator[int]:
    for name, inner, stop in boxes(data, start, end):
        if name in {b"mvhd", b"tkhd", b"mdhd"}:
            yield inner
        elif name in {b"moov", b"trak", b"mdia"}:
            yield from _headers_with_times(data, inner, stop)


SPEC = spec.FormatSpec(
    name="avif",
    suffixes=(".avif", ".avifs"),
    plugin="Avif",
    signature=rb"....ftypavi[fs]",
    weak_signature=rb"....ftyp(mif1|msf1)",
    decoder_memory=spec.buffer_file(7),
    animated=True,
    loop=lambda _info: 0,  # not stored; all viewers loop forever
    output=spec.OutputSpec(
        modes=frozenset({"L", "RGB", "RGBA"}),
        max_side=32_768,  # the limit of libavif's decoder
        profile=True,
        animated=True,
        quality=65,
        applies=frozenset({"lossless", "subsampling", "ssim"}),
        browsers=spec.Browsers(all=False, rank=2),
        stores=frozenset({spec.Block.EXIF, spec.Block.XMP}),
        # For an animation, the encoder looks ahead for what moves.
        memory=spec.EncodingMemory(plain=(21, 29, 36), thorough=(38, 46, 52), frame=9, sequence=(220, 16 << 20)),
        options=_options,
        sequence_options=_sequence_options,
        metadata=_metadata,
        correct=_without_times,
        losses=_losses,
        rewriter="forkresize.image.container.avif:rewrite",
        is_copied_whole=True,
        is_coded_with_loss=lambda _data: True,
    ),
)
