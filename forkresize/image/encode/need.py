"""How much memory encoding takes, in bytes a pixel, beyond the image itself. Measured; encodes nothing."""

from collections.abc import Mapping

from forkresize.recipe import Format, Rendition, Subsampling

_TEN_TIMES_FASTER = 6
"""The highest effort at which AVIF's encoder searches one frame at a time and no deeper."""

_FILE = 8
"""Of a format that packs little: the file, in a buffer that grows, and as it is handed over."""

_JPEG, _JPEG_FULL_CHROMA, _JPEG_GRAY = 5, 8, 3
"""All coefficients, for the sake of tables that fit them."""

_PALETTE, _PALETTE_ALPHA = 15, 20
_TARGET = 20
"""Comparing with what was encoded, in 32 bits a value."""

_PLAIN: Mapping[str, tuple[float, float, float]] = {
    Format.PNG: (1.5, 4, 4),
    Format.TIFF: (2.5, 6, 10),
    Format.WEBP: (13, 9, 36),
    Format.GIF: (4, _PALETTE, _PALETTE_ALPHA),
    Format.AVIF: (21, 29, 36),
}
"""By format: of gray, of color, and with alpha."""

_THOROUGH: Mapping[str, tuple[float, float, float]] = {
    Format.WEBP: (31, 33, 36),
    Format.AVIF: (38, 46, 52),
}
"""The same without loss, and by AVIF's slow encoders."""

_FRAME: Mapping[str, float] = {Format.GIF: 14, Format.PNG: 11, Format.WEBP: 9, Format.AVIF: 9}
"""Every further frame: all are kept until the file is written."""

_AHEAD, _AHEAD_LEAST = 220, 16 << 20
"""What AVIF's encoder has besides for an animation, to look ahead for what moves; and the bytes that it has anyway."""


def encoding(output: str, rendition: Rendition, *, gray: bool, alpha: bool) -> float:
    """Return the bytes a pixel that encoding takes at most, beyond the image.

    Args:
        output: the format, in Pillow's lower-case name.
        rendition: how well to encode.
        gray: whether the image has no colors.
        alpha: whether it may be transparent.
    """
    searched = _TARGET if rendition.ssim is not None else 0
    if rendition.palette and output in {Format.PNG, Format.GIF}:
        return searched + (_PALETTE_ALPHA if alpha else _PALETTE)
    if output == Format.JPEG:
        return searched + _jpeg(rendition, gray=gray)
    thorough = rendition.lossless or (rendition.effort or 0) > _TEN_TIMES_FASTER
    table = _THOROUGH if thorough and output in _THOROUGH else _PLAIN
    opaque = 0 if gray else 1
    return searched + (table[output][2 if alpha else opaque] if output in table else _FILE)


def further_frames(output: str, pixels: int, number: int) -> float:
    """Return the bytes that it takes besides to encode an animation, or pages.

    Args:
        output: the format, in Pillow's lower-case name.
        pixels: of one frame.
        number: how many frames there are beyond the first.
    """
    ahead = pixels * _AHEAD + _AHEAD_LEAST if output == Format.AVIF and number else 0
    return ahead + pixels * number * _FRAME.get(output, 0)


def _jpeg(rendition: Rendition, *, gray: bool) -> float:
    if gray:
        return _JPEG_GRAY
    quality = rendition.quality_for(Format.JPEG) or 0
    full = rendition.subsampling in {Subsampling.FULL, Subsampling.HALF} or quality >= 90  # noqa: PLR2004
    return _JPEG_FULL_CHROMA if full else _JPEG
