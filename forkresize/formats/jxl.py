"""JPEG XL (ISO/IEC 18181)."""

from typing import Any

from forkresize.formats import spec
from forkresize.formats.metadata import EXIF_HEADER, MetadataBlocks
from forkresize.formats.package import OptionalPackage

_COLORS = 3
"""Channels of lossy pictures, gray ones included, while they are decoded."""

_PICTURE, _CHANNEL = 5, 8
"""Bytes a pixel of any picture, and of each channel: at least as much as for a picture that can be shown in steps."""

_LOSSY_EXTRA = 4
"""Bytes a pixel of extra channels beside lossy colors, which are floating-point numbers."""

_FRAME = 8
"""Bytes a pixel and channel of an animation: the previous frame, over which the next is drawn."""

_DEEP, _DEEPER = 3, 8
"""Bytes a pixel and returned channel of values of up to 16, and of up to 32 bits, and of their copies in 8 bits."""

_RESTORED = 20
"""Bytes a pixel of restoring a JPEG: its coefficients, its file, and its pixels in two forms."""

_EIGHT_BIT, _SIXTEEN_BIT = 8, 16


def _decoder_memory(image: Any, pixels: float, channels: int, file_size: int) -> float:
    """Return the bytes of decoding, by the header; see ``forkresize.image.decode.jxl_header``."""
    header = image.header
    if header.from_jpeg:
        return pixels * _RESTORED + file_size
    stored = header.extra_channels + (1 if header.is_gray and not header.is_lossy else _COLORS)
    cost = _PICTURE + stored * (_CHANNEL + header.is_animated * _FRAME)
    if header.is_lossy and header.extra_channels:
        cost += _LOSSY_EXTRA
    if header.bits > _EIGHT_BIT:
        cost += channels * (_DEEP if header.bits <= _SIXTEEN_BIT else _DEEPER)
    return float(pixels * cost + file_size)


_TIFF_OFFSET = bytes(4)
"""How a box of EXIF begins: where its TIFF header is (ISO/IEC 18181-2, 9.4). The package leaves that to its callers."""

_LOSSLESS_QUALITY = 100
"""The quality at which the encoder accepts no lossy mode."""


_COMPARING = 8
"""The lowest effort at which the lossy encoder decodes what it encoded, and compares it with the picture."""

_BLOCK = 2048**2
"""How many pixels of a larger picture are encoded at a time."""


def _is_lossless(request: spec.EncodeRequest) -> bool:
    return request.quality is None or request.quality == _LOSSLESS_QUALITY


def _effort(request: spec.EncodeRequest) -> int:
    return request.scale_effort(1, 9 if _is_lossless(request) else _COMPARING, default=7)


def _compares(request: spec.EncodeRequest) -> bool:
    return not _is_lossless(request) and _effort(request) >= _COMPARING


def _options(request: spec.EncodeRequest) -> spec.Options:
    # One thread: there is a worker for each core.
    options = {"effort": _effort(request), "num_threads": 0}
    return {**options, **({"lossless": True} if _is_lossless(request) else {"quality": request.quality})}


def _metadata(blocks: MetadataBlocks, _warn: spec.Warn) -> spec.Options:
    exif = blocks.exif.removeprefix(EXIF_HEADER)
    return {"exif": _TIFF_OFFSET + exif if exif else b"", "xmp": blocks.xmp}


SPEC = spec.FormatSpec(
    name="jxl",
    suffixes=(".jxl",),
    label="JPEG XL",
    signature=rb"\xff\x0a|\0\0\0\x0cJXL ",
    decoder=OptionalPackage("jxl", "pillow-jxl-plugin", "pillow_jxl"),
    decoder_memory=_decoder_memory,
    output=spec.OutputSpec(
        modes=frozenset({"L", "LA", "RGB", "RGBA", "I;16"}),
        max_side=(1 << 30) - 1,
        quality=77,
        applies=frozenset({"lossless", "ssim"}),
        browsers=spec.Browsers(all=False, rank=1),
        stores=frozenset({spec.Block.EXIF, spec.Block.XMP}),
        memory=spec.EncodingMemory(
            plain=(60, 62, 68), thorough=(285, 290, 305), is_thorough=_compares, block=_BLOCK, waiting=26
        ),
        options=_options,
        metadata=_metadata,
        rewriter="forkresize.image.container.jxl:rewrite",
        is_copied_whole=True,
        is_coded_with_loss=lambda _data: True,
    ),
)
