"""HEIF (ISO/IEC 23008-12) with pictures in HEVC, as phones and cameras write it. It is only read."""

from collections.abc import Mapping
from typing import Any

from forkresize.formats import spec
from forkresize.formats.package import OptionalPackage

_EIGHT_BIT = 8

_GRAY, _FULL = 400, 444
_SAMPLES: Mapping[int, float] = {_GRAY: 1, 420: 1.5, 422: 2, _FULL: 3}
"""Stored values a pixel, by chroma subsampling."""

_CODE = 4 << 20
"""Bytes of the decoder's code, when it is used for the first time."""

_DEEP_GRAY = 12
"""Bytes a pixel of filling the lower bits of gray, whose bytes are split and joined."""


def _decoder_memory(image: Any, pixels: float, channels: int, file_size: int) -> float:
    """Return the bytes of the file, of the planes that are stored, of a copy at full chroma, and of their pixels."""
    info = image.info
    chroma: int = info.get("chroma", _FULL)
    is_deep: bool = info.get("bit_depth", _EIGHT_BIT) > _EIGHT_BIT
    value = 2 if is_deep else 1
    alpha: bool = image.mode.endswith(("A", "a"))
    planes = value * (_SAMPLES.get(chroma, _SAMPLES[_FULL]) + alpha)
    copy = planes if chroma == _FULL else 0
    filling = _DEEP_GRAY if is_deep and chroma == _GRAY else 0
    return _CODE + file_size + pixels * (planes + copy + value * channels + filling)


SPEC = spec.FormatSpec(
    name="heif",
    suffixes=(".heic", ".heif", ".hif"),
    label="HEIC",
    signature=rb"....ftyp(hei[cxms]|hev[cxms]|mif1|msf1)",
    decoder=OptionalPackage("heif", "pillow-heif", "pillow_heif", "register_heif_opener"),
    decoder_memory=_decoder_memory,
    substitute="jpeg",
)
