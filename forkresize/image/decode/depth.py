"""Reads how many bits per channel a file has. Decodes nothing."""

import re

from PIL.ImageFile import ImageFile

from forkresize.image.decode.head import read_head

EIGHT_BITS = 8

EIGHT_BIT_MODES = frozenset({"L", "LA", "RGB", "RGBA", "CMYK"})
"""Modes whose pixels have 8 bits per channel, however many the file has."""

_SIXTEEN_BITS = 16

_AV1_CONFIGURATION = rb"(?s)av1C..(.)"
_HIGH_BIT_DEPTH, _TWELVE_BIT = 0x40, 0x20
"""Flags in the third byte of the first configuration: that of the picture (AV1 in ISOBMFF, 2.3.3)."""


def read_depth(image: ImageFile) -> int:
    """Return the bits per channel of an opened picture's file, before it is loaded; at least 8."""
    if image.format == "AVIF":
        return _read_av1_depth(image)
    if image.format == "HEIF":
        return max(EIGHT_BITS, int(image.info.get("bit_depth", EIGHT_BITS)))
    if image.format == "JXL":
        return max(EIGHT_BITS, int(image.header.bits))  # type: ignore[attr-defined]
    return max((_depth_of(tile.codec_name, tile.args) for tile in image.tile), default=EIGHT_BITS)


def _depth_of(decoder: str, arguments: object) -> int:
    """Return the bits per channel that a decoder has to read."""
    values = arguments if isinstance(arguments, tuple) else (arguments,)
    if decoder.startswith("ppm"):
        # The mode, and the largest value.
        return max(EIGHT_BITS, *(value.bit_length() for value in values if isinstance(value, int)))
    return _SIXTEEN_BITS if any(";16" in str(value) for value in values) else EIGHT_BITS


def _read_av1_depth(image: ImageFile) -> int:
    found = re.search(_AV1_CONFIGURATION, read_head(image))
    if not found or not found[1][0] & _HIGH_BIT_DEPTH:
        return EIGHT_BITS
    return 12 if found[1][0] & _TWELVE_BIT else 10
