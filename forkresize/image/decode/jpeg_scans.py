"""The scans of a progressive JPEG that show at an eighth of the scale: most of the file does not. Decodes nothing.

At that scale a decoder makes one pixel of a block, of its mean alone (DC); what else was sent of the block (AC) is read
and thrown away. A progressive file sends it in scans of its own (ITU-T T.81, G.1), which can be left out beforehand.
"""

import struct
from collections.abc import Iterator
from itertools import islice
from typing import NamedTuple

from forkresize.formats.jpeg import EOI, SOS, Segment, segments

_DQT, _SOF_PROGRESSIVE, _HUFFMAN = 0xDB, 0xC2, 0xC4
_NOT_EXPECTED = frozenset({0, 1, 0xD8, 0xDC, 0xFF, *range(0xC0, 0xD0)} - {_SOF_PROGRESSIVE, _HUFFMAN})
"""Markers of other kinds of frames, and what has no place between segments (ITU-T T.81, table B.1)."""

_MOST_SEGMENTS = 2000
"""More than any camera or editor writes; each takes a hundred times its bytes here."""

_COEFFICIENTS = 64
_MEAN_ONLY = 1
_MOST_KEPT = 2
"""The largest block, in pixels a side, that is made without the coefficient that is silenced."""

_SILENCED = 3
"""Place in zigzag order of a coefficient that blocks of one or two pixels a side are made without."""

_AC = 0x10
"""Marks Huffman tables that are not for DC."""

_LENGTHS = 16
"""Of codes there are so many, in bits."""

_MOST_BITS = 13
"""Low bits that may be left for later."""

_EIGHT_BIT, _DEEP = 64, 128
"""Bytes of a quantization table, by its precision."""


class _Scan(NamedTuple):
    """What a scan brings: of which components, the first and the last coefficient, and which of their bits."""

    segment: Segment
    names: bytes
    coefficients: tuple[int, int]
    high: int
    low: int


class _Component(NamedTuple):
    """One of the frame's components: how many of its blocks there are across and down for each of the others'."""

    across: int
    down: int


def drop_ac_scans(data: bytes) -> bytes | None:
    """Return a progressive JPEG without what does not show when it is decoded at an eighth of its scale.

    What a decoder makes of it is the same to the bit. Where libjpeg finds scans missing, it guesses at them from the
    blocks around; one quantizer of zero, which no block of that scale is made with, keeps it from that.

    Args:
        data: the whole file.

    Returns:
        None for a file that nothing can be left out of: not progressive, cut short, incomplete, or with a fault in the
        headers of its scans, which the decoder is to come across itself.
    """
    try:
        parts = list(islice(segments(data), _MOST_SEGMENTS))
        spared = _droppable(data, parts)
    except (LookupError, ValueError, ZeroDivisionError, struct.error):
        return None
    return b"".join(_kept(data, parts, spared)) if spared else None


class _UnknownError(ValueError):
    """It is no file of the kind that scans can be left out of."""


def _droppable(data: bytes, parts: list[Segment]) -> set[Segment]:
    """Return the scans that don't show, if all that is left out was there to the last bit."""
    if any(part.marker in _NOT_EXPECTED for part in parts):
        raise _UnknownError
    (frame,) = [_Frame(_components(data, each)) for each in parts if each.marker == _SOF_PROGRESSIVE]
    tables: set[int] = set()
    for segment in parts:
        if segment.marker == _HUFFMAN:
            tables |= _huffman_tables(data[segment.start : segment.end])
        elif segment.marker == SOS:
            frame.take(_scan(data, segment, tables))
        elif segment.marker == _DQT and frame.is_begun:
            # A component keeps the table that is there when its first scan comes.
            raise _UnknownError
    sizes = {name: frame.block_size(name) for name in frame.components}
    if parts[-1].marker != EOI or not frame.is_complete or max(sizes.values()) > _MOST_KEPT:
        raise _UnknownError
    return set[Segment]().union(*(frame.details[name] for name, size in sizes.items() if size == _MEAN_ONLY))


class _Frame:
    """What a file's scans come to.

    Attributes:
        components: of its pixels, by name.
        details: the scans that bring AC alone, by the component that they are of.
    """

    def __init__(self, components: dict[int, _Component]) -> None:
        self.components = components
        self.details: dict[int, set[Segment]] = {name: set() for name in components}
        # How many low bits are missing of each coefficient; None for all.
        self._missing: dict[int, list[int | None]] = {name: [None] * _COEFFICIENTS for name in components}

    @property
    def is_begun(self) -> bool:
        """Whether there was a scan."""
        return any(missing[0] is not None for missing in self._missing.values())

    @property
    def is_complete(self) -> bool:
        """Whether every coefficient was sent to its last bit."""
        return all(bits == 0 for missing in self._missing.values() for bits in missing)

    def take(self, scan: _Scan) -> None:
        """Take note of a scan, the next in the file.

        Raises:
            _UnknownError: it does not go on where those before it ended (ITU-T T.81, G.1.1.1.1).
        """
        first, last = scan.coefficients
        if not (first == last == 0 or (0 < first <= last < _COEFFICIENTS and len(scan.names) == 1)):
            raise _UnknownError
        for name in scan.names:
            missing = self._missing[name]
            if (first and missing[0] is None) or set(missing[first : last + 1]) != {scan.high or None}:
                raise _UnknownError
            missing[first : last + 1] = [scan.low] * (last + 1 - first)
            if first:
                self.details[name].add(scan.segment)

    def block_size(self, name: int) -> int:
        """Return the pixels a side that libjpeg makes of a component's block at an eighth of the scale.

        It makes more of those of which there are fewer, as far as that comes out even (jpeg_calc_output_dimensions).
        """
        component = self.components[name]
        across = max(each.across for each in self.components.values())
        down = max(each.down for each in self.components.values())
        size = 1
        while across % (component.across * size * 2) == 0 and down % (component.down * size * 2) == 0:
            size *= 2
        return size


def _components(data: bytes, frame: Segment) -> dict[int, _Component]:
    count = data[frame.start + 5]
    start = frame.start + 6
    told = [data[start + 3 * number : start + 3 * number + 3] for number in range(count)]
    components = {name: _Component(sampling >> 4, sampling & 15) for name, sampling, _table in told}
    if len(components) != count:
        raise _UnknownError
    return components


def _scan(data: bytes, scan: Segment, tables: set[int]) -> _Scan:
    """Return what the header of a scan says, if the tables that it names are there."""
    count = data[scan.start]
    behind = scan.start + 1 + 2 * count
    first, last, bits = data[behind : behind + 3]
    high, low = bits >> 4, bits & 15
    for selected in data[scan.start + 2 : behind : 2]:
        needed = _AC | (selected & 15) if first else selected >> 4
        # Refining DC takes none.
        if needed not in tables and (first or not high):
            raise _UnknownError
    names = data[scan.start + 1 : behind : 2]
    length = int.from_bytes(data[scan.start - 2 : scan.start])
    if (
        length != behind + 3 - (scan.start - 2)
        or len(set(names)) != count
        or low > _MOST_BITS
        or (high and low != high - 1)
    ):
        raise _UnknownError
    return _Scan(scan, names, (first, last), high, low)


def _huffman_tables(content: bytes) -> set[int]:
    """Return which Huffman tables a segment defines: their class and number, as they stand there (B.2.4.2)."""
    found, position = set(), 0
    while position < len(content):
        counts = content[position + 1 : position + 1 + _LENGTHS]
        end = position + 1 + _LENGTHS + sum(counts)
        codes = 0
        for length, count in enumerate(counts, 1):
            codes = 2 * codes + count
            # No code may be all ones.
            if count and codes >= 1 << length:
                raise _UnknownError
        if len(counts) != _LENGTHS or end > len(content):
            raise _UnknownError
        found.add(content[position])
        position = end
    return found


def _kept(data: bytes, parts: list[Segment], spared: set[Segment]) -> Iterator[bytes]:
    yield data[:2]
    for segment in parts:
        if segment in spared:
            continue
        start = segment.start - 2 if segment.marker == EOI else segment.start - 4
        piece = data[start : segment.end]
        yield _zero_quantizer(piece) if segment.marker == _DQT else piece


def _zero_quantizer(tables: bytes) -> bytes:
    """Return quantization tables with one quantizer of each set to zero."""
    changed = bytearray(tables)
    position = 4
    while position < len(changed):
        deep = changed[position] >> 4
        width = 2 if deep else 1
        place = position + 1 + _SILENCED * width
        changed[place : place + width] = bytes(width)
        position += 1 + (_DEEP if deep else _EIGHT_BIT)
    return bytes(changed)
