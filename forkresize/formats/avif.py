"""AVIF (AOMedia, v1.1)."""

from collections.abc import Iterator

from forkresize.formats import spec
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
        quality=55,
        applies=frozenset({"lossless", "subsampling", "ssim"}),
        browsers=spec.Browsers(all=False, rank=1),
        has_exif=True,
        # For an animation, the encoder looks ahead for what moves.
        memory=spec.EncodingMemory(plain=(21, 29, 36), thorough=(38, 46, 52), frame=9, sequence=(220, 16 << 20)),
        options=_options,
        sequence_options=_sequence_options,
        metadata=_metadata,
        losses=_losses,
    ),
)
