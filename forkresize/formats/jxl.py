"""JPEG XL (ISO/IEC 18181)."""

from typing import Any

from forkresize.formats import spec

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


SPEC = spec.FormatSpec(
    name="jxl",
    suffixes=(".jxl",),
    label="JPEG XL",
    signature=rb"\xff\x0a|\0\0\0\x0cJXL ",
    decoder=spec.OptionalPackage("jxl", "pillow-jxl-plugin", "pillow_jxl"),
    decoder_memory=_decoder_memory,
)
