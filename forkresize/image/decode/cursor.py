"""Windows cursors, made into icons, which have the same pixels and masks (.ico and .cur differ in their directory)."""

import struct

_HEAD = struct.Struct("<HHH")
"""Reserved, type, and number of pictures."""

_ENTRY = struct.Struct("<BBBBHHII")
"""Width, height, colors, reserved, hotspot in a cursor or planes and bits in an icon, size, and offset."""

_ICON = 1
_PNG = b"\x89PNG"
_BITMAP_HEADER = struct.Struct("<IiiHH")
"""Its size, width, height with the mask's, planes, and bits of a pixel."""

_MAX_PICTURES = 256
"""Pictures that are looked at; all of their pixels are, so many that overlap would take hours."""

_ALPHA_BITS, _COLOR_BITS = 32, 24


def to_icon(data: bytes) -> bytes:
    """Return the icon with the pictures of a cursor, the first ones if there are very many.

    Raises:
        struct.error: it ends too early.
    """
    icon = bytearray(data)
    reserved, _type, number = _HEAD.unpack_from(icon)
    number = min(number, _MAX_PICTURES)
    _HEAD.pack_into(icon, 0, reserved, _ICON, number)
    for place in range(_HEAD.size, _HEAD.size + number * _ENTRY.size, _ENTRY.size):
        *shape, _left, _top, size, offset = _ENTRY.unpack_from(icon, place)
        _ENTRY.pack_into(icon, place, *shape, 1, _bits(data, offset), size, offset)
    return bytes(icon)


def _bits(data: bytes, offset: int) -> int:
    """Return the bits of a picture's pixels: 32 only with alpha, since the mask counts if all of it is zero."""
    if data.startswith(_PNG, offset):
        return _ALPHA_BITS
    header: int
    bits: int
    header, width, height, _planes, bits = _BITMAP_HEADER.unpack_from(data, offset)
    if bits != _ALPHA_BITS:
        return bits
    start = offset + header
    return bits if data[start + 3 : start + abs(width * height) * 2 : 4].strip(b"\0") else _COLOR_BITS
