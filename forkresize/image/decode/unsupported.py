"""What a file has that no decoder here reads, by its header. Such a file is not damaged."""

import re
import struct
from itertools import islice, takewhile

from forkresize.formats.jpeg_segments import SOS, segments
from forkresize.formats.spec import UnsupportedContainerError

HEADER = 4 << 20
"""Bytes of a file that hold all that is looked at; metadata comes before a JPEG's size."""

_MAX_SEGMENTS = 2000
"""More than any camera or editor writes before the size."""

_BITS = 8
_JPEG_LS = 0xF7
"""The marker of its frame (ITU-T T.87); all others are those of ITU-T T.81, table B.1."""
_JPEG_FRAMES = frozenset({*range(0xC0, 0xD0), _JPEG_LS} - {0xC4, 0xC8, 0xCC})
_JPEG_CHANNELS = frozenset({1, 3, 4})

_PSD_HEADER = struct.Struct(">4s2x6xHIIHH")
_PSD_MODES = {0: "bitmap", 1: "gray", 2: "palette", 3: "RGB", 4: "CMYK", 7: "multichannel", 8: "duotone", 9: "Lab"}

_SIZ = rb"(?s)\xff\x4f\xff\x51.{36}(..)(.)"
"""The number of components, and the depth of the first (ITU-T T.800, A.5.1)."""

_MAX_JPEG2000_CHANNELS, _MAX_JPEG2000_BITS = 4, 31


def find_unsupported(head: bytes) -> str:
    """Return what a file has that is not supported; empty if the header shows nothing of the kind.

    Args:
        head: the first ``HEADER`` bytes of the file.
    """
    try:
        if head.startswith(b"\xff\xd8\xff"):
            return _in_jpeg(head)
        if head.startswith(b"8BPS\0\x01"):
            return _in_psd(head)
        siz = re.search(_SIZ, head[: 1 << 16])
        return _in_jpeg2000(int.from_bytes(siz[1]), (siz[2][0] & 0x7F) + 1) if siz else ""
    except (UnsupportedContainerError, struct.error):
        return ""


def _in_jpeg(head: bytes) -> str:
    for segment in islice(takewhile(lambda segment: segment.marker != SOS, segments(head)), _MAX_SEGMENTS):
        if segment.marker in _JPEG_FRAMES:
            bits, _height, _width, channels = struct.unpack_from(">BHHB", head, segment.start)
            if segment.marker == _JPEG_LS:
                return "JPEG-LS"
            if bits != _BITS:
                return f"JPEG with {bits} bits per channel"
            return "" if channels in _JPEG_CHANNELS else f"JPEG with {channels} channels"
    return ""


def _in_psd(head: bytes) -> str:
    _signature, _channels, _height, _width, bits, mode = _PSD_HEADER.unpack_from(head)
    if bits == _BITS or (bits, mode) == (1, 0):
        return "" if mode in _PSD_MODES else f"PSD of color mode {mode}"
    return f"PSD of {_PSD_MODES.get(mode, f'color mode {mode}')} with {bits} bits per channel"


def _in_jpeg2000(channels: int, bits: int) -> str:
    if channels > _MAX_JPEG2000_CHANNELS:
        return f"JPEG 2000 with {channels} channels"
    return f"JPEG 2000 with {bits} bits per channel" if bits > _MAX_JPEG2000_BITS else ""
