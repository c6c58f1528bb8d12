"""Apple's gain maps from before ISO 21496-1: levels of light, and a headroom in XMP or in the maker note.

Source: Apple, "Applying Apple HDR effect to your photos", developer.apple.com.
"""

import math
import struct
from xml.etree.ElementTree import ParseError

from PIL.Image import Exif

from forkresize.image.gainmap.description import NAMESPACE as ULTRA_HDR
from forkresize.image.gainmap.errors import GainMapError
from forkresize.image.metadata import xmp

_NAMESPACE = "http://ns.apple.com/HDRGainMap/1.0/"

_EXIF_IFD, _MAKER_NOTE = 0x8769, 0x927C
_NOTE = b"Apple iOS\0"
_NOTE_HEADER = 14
_FIRST, _SECOND = 33, 48
"""Tags of the maker note from which the headroom is computed."""

_SIGNED_RATIONAL, _ENTRY = 10, 12
_MOST_ENTRIES = 500

_LEVELS = 256
_MOST_HEADROOM = 64.0


def is_apple(packet: bytes) -> bool:
    """Return whether the XMP of a gain map is Apple's alone."""
    return _NAMESPACE.encode() in packet and ULTRA_HDR.encode() not in packet


def read_headroom(packet: bytes, exif: bytes) -> float:
    """Return by how much the brightest light exceeds white.

    Args:
        packet: the XMP of the gain map.
        exif: the EXIF of the picture, without its header.

    Raises:
        GainMapError: it is not there, or invalid.
    """
    try:
        [text] = xmp.properties(packet, f"{{{_NAMESPACE}}}").get("HDRGainMapHeadroom", [""])
        headroom = float(text) if text else _by_maker_note(exif)
    except (ParseError, ValueError, struct.error, ZeroDivisionError, OSError, TypeError, KeyError, SyntaxError):
        headroom = math.nan
    if not 1 < headroom <= _MOST_HEADROOM:
        raise GainMapError("the headroom of its gain map is unknown")
    return headroom


def _by_maker_note(exif: bytes) -> float:
    tags = Exif()
    tags.load(exif)
    note = tags.get_ifd(_EXIF_IFD)[_MAKER_NOTE]
    if not note.startswith(_NOTE):
        raise ValueError("no note of Apple")
    numbers = _signed_rationals(note)
    first, second = numbers[_FIRST], numbers[_SECOND]
    if first < 1:
        stops = -20 * second + 1.8 if second <= 0.01 else -0.101 * second + 1.601  # noqa: PLR2004 -- Apple's.
    else:
        stops = -70 * second + 3.0 if second <= 0.01 else -0.303 * second + 2.303  # noqa: PLR2004
    return float(2 ** max(stops, 0))


def _signed_rationals(note: bytes) -> dict[int, float]:
    """Return the numbers in a maker note, which is big-endian and whose offsets count from its beginning."""
    (count,) = struct.unpack_from(">H", note, _NOTE_HEADER)
    found = {}
    for number in range(min(count, _MOST_ENTRIES)):
        tag, kind, _values, offset = struct.unpack_from(">HHII", note, _NOTE_HEADER + 2 + _ENTRY * number)
        if kind == _SIGNED_RATIONAL and tag in {_FIRST, _SECOND}:
            numerator, denominator = struct.unpack_from(">ii", note, offset)
            found[tag] = numerator / denominator
    return found


def describe(headroom: float) -> dict[str, tuple[str, ...]]:
    """Return the numbers of an Ultra HDR gain map for levels after ``curve``."""
    stops = math.log2(headroom)
    numbers = {
        "GainMapMin": 0.0,
        "GainMapMax": stops,
        "Gamma": 1.0,
        "OffsetSDR": 0.0,
        "OffsetHDR": 0.0,
        "HDRCapacityMin": 0.0,
        "HDRCapacityMax": stops,
    }
    return {name: (repr(number),) for name, number in numbers.items()}


def curve(headroom: float) -> tuple[int, ...]:
    """Return the level of an Ultra HDR gain map for each of Apple's: the logarithm of the gain instead of light."""
    lights = (_to_light(level / (_LEVELS - 1)) for level in range(_LEVELS))
    gains = (math.log2(1 + (headroom - 1) * light) / math.log2(headroom) for light in lights)
    return tuple(round(gain * (_LEVELS - 1)) for gain in gains)


def _to_light(value: float) -> float:
    """Return the linear light of a value (ITU-R BT.709-6, item 1.2, inverted)."""
    return value / 4.5 if value < 0.081 else ((value + 0.099) / 1.099) ** (1 / 0.45)  # noqa: PLR2004
