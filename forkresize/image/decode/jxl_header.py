"""The header of a JPEG XL picture: size, mode, depth, channels, animation (ISO/IEC 18181-1, annex D, and 18181-2).

Its decoder decodes all of a file at once, so what decoding takes has to be known from here.
"""

from collections.abc import Mapping
from typing import IO

from msgspec import Struct

from forkresize.formats.boxes import boxes_in_file
from forkresize.image.decode.brotli_box import MAX_METADATA, unpack_box

_CODESTREAM = b"\xff\x0a"
_CONTAINER = b"\0\0\0\x0cJXL \r\n\x87\n"

_CODESTREAM_BOX, _PART = b"jxlc", b"jxlp"
"""Boxes of the whole codestream, and of a part of it, which begins with its number."""

_PART_NUMBER = 4
"""Bytes of that number."""

_COMPRESSED = b"brob"
"""A box whose content is the type of another, and its content, compressed by Brotli."""

_RECONSTRUCTION = b"jbrd"
"""The box from which the decoder restores the JPEG that the picture was made of."""

_MAX_HEADER = 1 << 19
"""Bytes: more than 256 extra channels with the longest names take."""

_RATIOS = {1: (1, 1), 2: (12, 10), 3: (4, 3), 4: (3, 2), 5: (16, 9), 6: (5, 4), 7: (2, 1)}
"""Width to height, where the width is not stored."""

_SWAPPED = 5
"""The first orientation whose width and height are exchanged; as in EXIF."""

_GRAY = 1
_ALPHA, _SPOT_COLOR, _COLOR_FILTER = 0, 2, 5
"""A color space, and types of extra channels."""

# Ways in which an integer is stored, chosen by two bits: the number of further bits, and what to add to them.
_Choices = tuple[tuple[int, int], tuple[int, int], tuple[int, int], tuple[int, int]]

_SIZE: _Choices = ((9, 1), (13, 1), (18, 1), (30, 1))
_PREVIEW_BLOCKS: _Choices = ((0, 16), (0, 32), (5, 1), (9, 33))
_PREVIEW_SIZE: _Choices = ((6, 1), (8, 65), (10, 321), (12, 1345))
_TICKS: _Choices = ((0, 100), (0, 1000), (10, 1), (30, 1))
_TICK_DIVISOR: _Choices = ((0, 1), (0, 1001), (8, 1), (10, 1))
_LOOPS: _Choices = ((0, 0), (3, 0), (16, 0), (32, 0))
_INTEGER_DEPTH: _Choices = ((0, 8), (0, 10), (0, 12), (6, 1))
_FLOAT_DEPTH: _Choices = ((0, 32), (0, 16), (0, 24), (6, 1))
_CHANNELS: _Choices = ((0, 0), (0, 1), (4, 2), (12, 1))
_ENUM: _Choices = ((0, 0), (0, 1), (4, 2), (6, 18))
_SHIFT: _Choices = ((0, 0), (0, 3), (0, 4), (3, 1))
_NAME_LENGTH: _Choices = ((0, 0), (4, 0), (5, 16), (10, 48))
_FILTER: _Choices = ((0, 1), (2, 0), (4, 3), (8, 19))


class JxlHeader(Struct, frozen=True, kw_only=True):
    """What a file says of its pixels.

    Attributes:
        size: width and height in pixels, upright, as the decoder returns them.
        is_gray: whether it has one color channel, not three.
        has_alpha: whether an extra channel is alpha.
        extra_channels: how many there are, alpha included.
        bits: of a value.
        is_float: whether values are floating-point numbers.
        is_animated: whether it has frames with durations.
        is_lossy: whether its colors are stored for the eye (XYB), as lossy encoders do.
        from_jpeg: whether the JPEG that it was made of can be restored.
    """

    size: tuple[int, int]
    is_gray: bool = False
    has_alpha: bool = False
    extra_channels: int = 0
    bits: int = 8
    is_float: bool = False
    is_animated: bool = False
    is_lossy: bool = True
    from_jpeg: bool = False

    @property
    def mode(self) -> str:
        """The mode in which the decoder returns the picture, in Pillow's terms."""
        if not self.is_gray:
            return "RGBA" if self.has_alpha else "RGB"
        if self.has_alpha:
            return "LA"
        return "F" if self.is_float else "L" if self.bits <= 8 else "I;16"  # noqa: PLR2004


def read_header(file: IO[bytes]) -> JxlHeader:
    """Return the header of a codestream, bare or in a container.

    Args:
        file: stands at its beginning.

    Raises:
        SyntaxError: it is not a JPEG XL, or ends too early.
    """
    start = file.read(len(_CONTAINER))
    if start[: len(_CODESTREAM)] == _CODESTREAM:
        return _parse(start + file.read(_MAX_HEADER), from_jpeg=False)
    if start != _CONTAINER:
        raise SyntaxError("not a JPEG XL file")
    codestream, from_jpeg = bytearray(), False
    for kind, size in boxes_in_file(file):
        from_jpeg |= kind == _RECONSTRUCTION
        if kind in {_CODESTREAM_BOX, _PART}:
            number = file.read(min(size, _PART_NUMBER if kind == _PART else 0))
            codestream += file.read(min(size - len(number), _MAX_HEADER - len(codestream)))
    return _parse(bytes(codestream), from_jpeg=from_jpeg)


def find_metadata(file: IO[bytes], wanted: Mapping[bytes, str]) -> dict[bytes, bytes]:
    """Return the content of the first box of each type, whether it is compressed or not.

    Args:
        file: stands at its beginning; its header was read.
        wanted: the types, and what they hold, for warnings about what is compressed and can't be read.
    """
    found: dict[bytes, bytes] = {}
    if file.read(len(_CONTAINER)) != _CONTAINER:
        return found
    for kind, size in boxes_in_file(file):
        content = file.read(min(size, MAX_METADATA)) if kind in {*wanted, _COMPRESSED} else b""
        packed_kind = content[: len(kind)] if kind == _COMPRESSED else b""
        if packed_kind in wanted and packed_kind not in found:
            found[packed_kind] = unpack_box(content[len(kind) :], wanted[packed_kind])
        elif kind in wanted:
            found.setdefault(kind, content)
    return found


class _Bits:
    """Reads bits, the lowest of each byte first."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._position = 0

    def read(self, count: int) -> int:
        first, shift = divmod(self._position, 8)
        self._position += count
        end = -(-self._position // 8)
        if end > len(self._data):
            raise SyntaxError("the header ends too early")
        return int.from_bytes(self._data[first:end], "little") >> shift & ((1 << count) - 1)

    def flag(self) -> bool:
        return bool(self.read(1))

    def number(self, choices: _Choices) -> int:
        bits, base = choices[self.read(2)]
        return self.read(bits) + base


def _parse(codestream: bytes, *, from_jpeg: bool) -> JxlHeader:
    bits = _Bits(codestream)
    if bits.read(16).to_bytes(2, "little") != _CODESTREAM:
        raise SyntaxError("it has no codestream")
    size = _read_size(bits)
    if bits.flag():
        return JxlHeader(size=size, from_jpeg=from_jpeg)
    is_swapped, is_animated = _read_extra_fields(bits) if bits.flag() else (False, False)
    is_float, depth = _read_depth(bits)
    bits.flag()  # Whether 16 bits are enough for lossless decoding, which the decoder does not use.
    channels = [_read_extra_channel(bits) for _ in range(bits.number(_CHANNELS))]
    is_lossy = bits.flag()
    return JxlHeader(
        size=size[::-1] if is_swapped else size,
        is_gray=_is_gray(bits),
        has_alpha=_ALPHA in channels,
        extra_channels=len(channels),
        bits=depth,
        is_float=is_float,
        is_animated=is_animated,
        is_lossy=is_lossy,
        from_jpeg=from_jpeg,
    )


def _read_size(bits: _Bits) -> tuple[int, int]:
    is_small = bits.flag()

    def side() -> int:
        return (bits.read(5) + 1) * 8 if is_small else bits.number(_SIZE)

    height = side()
    ratio = bits.read(3)
    across, down = _RATIOS.get(ratio, (1, 1))
    return height * across // down if ratio else side(), height


def _read_extra_fields(bits: _Bits) -> tuple[bool, bool]:
    """Return whether width and height are exchanged, and whether there are frames with durations."""
    is_swapped = bits.read(3) + 1 >= _SWAPPED
    if bits.flag():  # The size that a viewer shows it in.
        _read_size(bits)
    if bits.flag():
        _skip_preview(bits)
    is_animated = bits.flag()
    if is_animated:
        for choices in (_TICKS, _TICK_DIVISOR, _LOOPS):
            bits.number(choices)
        bits.flag()
    return is_swapped, is_animated


def _skip_preview(bits: _Bits) -> None:
    choices = _PREVIEW_BLOCKS if bits.flag() else _PREVIEW_SIZE
    bits.number(choices)
    if not bits.read(3):
        bits.number(choices)


def _read_depth(bits: _Bits) -> tuple[bool, int]:
    """Return whether values are floating-point numbers, and how many bits they have."""
    is_float = bits.flag()
    depth = bits.number(_FLOAT_DEPTH if is_float else _INTEGER_DEPTH)
    if is_float:
        bits.read(4)  # Bits of the exponent.
    return is_float, depth


def _read_extra_channel(bits: _Bits) -> int:
    """Return the type of an extra channel."""
    if bits.flag():
        return _ALPHA
    kind = bits.number(_ENUM)
    _read_depth(bits)
    bits.number(_SHIFT)
    bits.read(8 * bits.number(_NAME_LENGTH))
    if kind == _ALPHA:
        bits.flag()
    elif kind == _SPOT_COLOR:
        bits.read(4 * 16)
    elif kind == _COLOR_FILTER:
        bits.number(_FILTER)
    return kind


def _is_gray(bits: _Bits) -> bool:
    """Return whether the color encoding has one channel."""
    if bits.flag():
        return False
    bits.flag()  # Whether there is an ICC profile.
    return bits.number(_ENUM) == _GRAY
