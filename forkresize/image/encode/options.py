"""From a rendition to the options of each format's encoder. Encodes nothing."""

import struct
from collections.abc import Callable, Mapping
from typing import Any

from PIL.Image import Image

from forkresize.recipe import Format, Rendition, Subsampling

Options = dict[str, Any]

_FULL_CHROMA_QUALITY = 90
"""From this quality on, colors are kept at full resolution."""

_BEST = 100

_PNG = b"\x89PNG\r\n\x1a\n"
_CHUNK, _CHECKSUM = struct.Struct(">I4s"), 4

_PHOTO_RATIO = 0.4
"""Bytes of a PNG, as a share of its pixels' bytes, that drawings stay below."""

_LEAST_EFFORT, _MOST_EFFORT = 1, 10

_FAST = 2
"""The highest effort at which a JPEG is written with ready-made Huffman tables."""

_PNG_LEVEL = 4
"""Of zlib's levels the last that is cheap: 6 takes more than twice the time for 1 % of the bytes of photographs."""

_DEFAULT, _FILTERED, _RUN_LENGTH = 0, 1, 3
"""zlib's strategies (``deflateInit2``); which packs best is the picture's doing."""


def codec_options(output: str, rendition: Rendition, quality: int | None) -> Options:
    """Return keyword arguments of Pillow's ``Image.save``.

    Args:
        output: the format, in Pillow's lower-case name.
        rendition: how well to encode.
        quality: 1 to 100; None for a format that has none, and for lossless.
    """
    options = _OPTIONS.get(output)
    return options(rendition, quality) if options else {}


def variants(output: str, rendition: Rendition, *, still: bool = True) -> list[Options]:
    """Return what to change of the options, one way after the other, to keep the smallest of the files.

    Args:
        output: the format, in Pillow's lower-case name.
        rendition: how well to encode.
        still: whether there is one frame alone.
    """
    if rendition.effort == _MOST_EFFORT and output == Format.JPEG:
        return [{}, {"progressive": True}]
    if rendition.effort == _MOST_EFFORT and output == Format.PNG:
        return [{"compress_type": strategy} for strategy in (_DEFAULT, _FILTERED, _RUN_LENGTH)]
    if rendition.effort is None and output == Format.PNG and still and not rendition.palette:
        return [{"compress_type": strategy} for strategy in (_RUN_LENGTH, _DEFAULT)]
    return [{}]


def is_good_enough(data: bytes, image: Image, rendition: Rendition) -> bool:
    """Whether a file is a PNG of a photograph: in that nothing is found twice, so that other trials only take time.

    On photographs of 800 pixels, run-length encoding alone takes 3 % less bytes and a quarter of the time of zlib's
    usual level 6; on drawings it takes up to a fifth more bytes.
    """
    if rendition.effort is not None or rendition.max_bytes is not None or not data.startswith(_PNG):
        return False
    raw = image.width * image.height * len(image.getbands()) * (2 if image.mode == "I;16" else 1)
    return _coded_bytes(data) > _PHOTO_RATIO * raw


def _coded_bytes(png: bytes) -> int:
    """Return how many bytes of a PNG are its pixels'; metadata of a small picture may be many more."""
    found, position = 0, len(_PNG)
    while position < len(png):
        length, name = _CHUNK.unpack_from(png, position)
        found += length if name == b"IDAT" else 0
        position += _CHUNK.size + length + _CHECKSUM
    return found


def _jpeg(rendition: Rendition, quality: int | None) -> Options:
    return {
        "quality": quality,
        "subsampling": _subsampling(rendition, quality),
        "optimize": rendition.effort is None or rendition.effort > _FAST,
        "progressive": rendition.progressive,
    }


def _png(rendition: Rendition, _quality: int | None) -> Options:
    return {"compress_level": _scaled(rendition.effort, 1, 9, default=_PNG_LEVEL)}


def _webp(rendition: Rendition, quality: int | None) -> Options:
    method = {"method": _scaled(rendition.effort, 0, 6, default=4)}
    if quality is not None:
        return {**method, "quality": quality}
    # Without loss, quality is a second scale of effort.
    return {**method, "lossless": True, "quality": _scaled(rendition.effort, 10, 100, default=80)}


def _avif(rendition: Rendition, quality: int | None) -> Options:
    return {
        "quality": _BEST if quality is None else quality,
        "subsampling": _subsampling(rendition, quality),
        "speed": _scaled(rendition.effort, 10, 0, default=6),
        # Workers are as many as there are cores.
        "max_threads": 1,
    }


def _tiff(_rendition: Rendition, _quality: int | None) -> Options:
    return {"compression": "tiff_deflate"}


_OPTIONS: Mapping[str, Callable[[Rendition, int | None], Options]] = {
    Format.JPEG: _jpeg,
    Format.PNG: _png,
    Format.WEBP: _webp,
    Format.AVIF: _avif,
    Format.TIFF: _tiff,
}


def _subsampling(rendition: Rendition, quality: int | None) -> str:
    said = rendition.subsampling
    if quality is None:
        said = Subsampling.FULL
    elif said is Subsampling.AUTO:
        said = Subsampling.FULL if quality >= _FULL_CHROMA_QUALITY else Subsampling.QUARTER
    return ":".join(said)


def _scaled(effort: int | None, least: int, most: int, *, default: int) -> int:
    """Return what an effort is on a scale where ``least`` is fastest and ``most`` makes the smallest file."""
    if effort is None:
        return default
    share = (effort - _LEAST_EFFORT) / (_MOST_EFFORT - _LEAST_EFFORT)
    return round(least + share * (most - least))
