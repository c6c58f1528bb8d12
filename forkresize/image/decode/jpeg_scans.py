"""The scans of a progressive JPEG that decoding at an eighth of the scale needs; they are a small part of the file.

At that scale the decoder makes one pixel of a block, from its mean (DC). It reads and discards the other coefficients
(AC), which a progressive file stores in scans of their own (ITU-T T.81, G.1), so these can be dropped beforehand.
"""

import struct
from collections.abc import Iterator
from itertools import islice
from typing import NamedTuple

from forkresize.formats.jpeg_segments import EOI, SOS, Segment, segments

_DQT, _SOF_PROGRESSIVE, _HUFFMAN = 0xDB, 0xC2, 0xC4
_UNEXPECTED = frozenset({0, 1, 0xD8, 0xDC, 0xFF, *range(0xC0, 0xD0)} - {_SOF_PROGRESSIVE, _HUFFMAN})
"""Markers of other kinds of frames, and those not allowed between segments (ITU-T T.81, table B.1)."""

_MAX_SEGMENTS = 2000
"""More than any camera or editor writes. Each takes a hundred times its bytes in memory here."""

_COEFFICIENTS = 64
_MEAN_ONLY = 1
_MAX_BLOCK = 2
"""The largest block, in pixels a side, that does not depend on the zeroed coefficient."""

_ZEROED = 3
"""Zigzag index of a coefficient that blocks of one or two pixels a side do not depend on."""

_AC = 0x10
"""The class bit of Huffman tables for AC."""

_CODE_LENGTHS = 16
"""Huffman codes have 1 to 16 bits."""

_MAX_LOW_BITS = 13
"""Low bits that may be deferred to later scans."""

_EIGHT_BIT, _DEEP = 64, 128
"""Bytes of a quantization table of 8 and of 16 bits."""


class _Scan(NamedTuple):
    """What a scan holds: components, first and last coefficient, and the range of their bits."""

    segment: Segment
    names: bytes
    coefficients: tuple[int, int]
    high: int
    low: int


class _Component(NamedTuple):
    """Sampling factors of a component."""

    across: int
    down: int


def drop_ac_scans(data: bytes) -> bytes | None:
    """Return a progressive JPEG without the scans that do not affect decoding at an eighth of the scale.

    The decoded pixels are identical. If scans are missing, libjpeg interpolates from neighboring blocks, unless one
    quantizer is zero, so one that blocks at this scale do not depend on is set to zero.

    Args:
        data: the whole file.

    Returns:
        None if no scan can be dropped: the file is not progressive, is truncated or incomplete, or a scan's header is
        damaged, which the decoder has to report.
    """
    try:
        parts = list(islice(segments(data), _MAX_SEGMENTS))
        dropped = _droppable(data, parts)
    except (LookupError, ValueError, ZeroDivisionError, struct.error):
        return None
    return b"".join(_remaining(data, parts, dropped)) if dropped else None


class _UnsupportedError(ValueError):
    """Scans cannot be dropped from the file."""


def _droppable(data: bytes, parts: list[Segment]) -> set[Segment]:
    """Return the scans that can be dropped, if all coefficients of all components are complete."""
    if any(part.marker in _UNEXPECTED for part in parts):
        raise _UnsupportedError
    (frame,) = [_Frame(_components(data, each)) for each in parts if each.marker == _SOF_PROGRESSIVE]
    tables: set[int] = set()
    for segment in parts:
        if segment.marker == _HUFFMAN:
            tables |= _huffman_tables(data[segment.start : segment.end])
        elif segment.marker == SOS:
            frame.add(_scan(data, segment, tables))
        elif segment.marker == _DQT and frame.has_scans:
            # A component uses the table that is defined when its first scan begins.
            raise _UnsupportedError
    sizes = {name: frame.block_size(name) for name in frame.components}
    if parts[-1].marker != EOI or not frame.is_complete or max(sizes.values()) > _MAX_BLOCK:
        raise _UnsupportedError
    return set[Segment]().union(*(frame.details[name] for name, size in sizes.items() if size == _MEAN_ONLY))


class _Frame:
    """The state of a frame after some of its scans.

    Attributes:
        components: by identifier.
        details: the scans that hold AC coefficients only, by component.
    """

    def __init__(self, components: dict[int, _Component]) -> None:
        self.components = components
        self.details: dict[int, set[Segment]] = {name: set() for name in components}
        # How many low bits of each coefficient are missing; None for all.
        self._missing: dict[int, list[int | None]] = {name: [None] * _COEFFICIENTS for name in components}

    @property
    def has_scans(self) -> bool:
        """Whether a scan was added."""
        return any(missing[0] is not None for missing in self._missing.values())

    @property
    def is_complete(self) -> bool:
        """Whether all bits of all coefficients were added."""
        return all(bits == 0 for missing in self._missing.values() for bits in missing)

    def add(self, scan: _Scan) -> None:
        """Add the next scan of the file.

        Raises:
            _UnsupportedError: it does not continue the previous scans (ITU-T T.81, G.1.1.1.1).
        """
        first, last = scan.coefficients
        if not (first == last == 0 or (0 < first <= last < _COEFFICIENTS and len(scan.names) == 1)):
            raise _UnsupportedError
        for name in scan.names:
            missing = self._missing[name]
            if (first and missing[0] is None) or set(missing[first : last + 1]) != {scan.high or None}:
                raise _UnsupportedError
            missing[first : last + 1] = [scan.low] * (last + 1 - first)
            if first:
                self.details[name].add(scan.segment)

    def block_size(self, name: int) -> int:
        """Return the pixels a side that libjpeg makes of a component's block at an eighth of the scale.

        It makes subsampled components larger by powers of two if that is exact (jpeg_calc_output_dimensions).
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
    entries = [data[start + 3 * number : start + 3 * number + 3] for number in range(count)]
    components = {name: _Component(sampling >> 4, sampling & 15) for name, sampling, _table in entries}
    if len(components) != count:
        raise _UnsupportedError
    return components


def _scan(data: bytes, scan: Segment, tables: set[int]) -> _Scan:
    """Parse the header of a scan; the Huffman tables that it needs have to be defined."""
    count = data[scan.start]
    behind = scan.start + 1 + 2 * count
    first, last, bits = data[behind : behind + 3]
    high, low = bits >> 4, bits & 15
    for selected in data[scan.start + 2 : behind : 2]:
        needed = _AC | (selected & 15) if first else selected >> 4
        # Refinement of DC needs no table.
        if needed not in tables and (first or not high):
            raise _UnsupportedError
    names = data[scan.start + 1 : behind : 2]
    length = int.from_bytes(data[scan.start - 2 : scan.start])
    if (
        length != behind + 3 - (scan.start - 2)
        or len(set(names)) != count
        or low > _MAX_LOW_BITS
        or (high and low != high - 1)
    ):
        raise _UnsupportedError
    return _Scan(scan, names, (first, last), high, low)


def _huffman_tables(content: bytes) -> set[int]:
    """Return class and number of the Huffman tables that a segment defines, as one byte each (B.2.4.2)."""
    found, position = set(), 0
    while position < len(content):
        counts = content[position + 1 : position + 1 + _CODE_LENGTHS]
        end = position + 1 + _CODE_LENGTHS + sum(counts)
        codes = 0
        for length, count in enumerate(counts, 1):
            codes = 2 * codes + count
            # A code of only ones is not allowed.
            if count and codes >= 1 << length:
                raise _UnsupportedError
        if len(counts) != _CODE_LENGTHS or end > len(content):
            raise _UnsupportedError
        found.add(content[position])
        position = end
    return found


def _remaining(data: bytes, parts: list[Segment], dropped: set[Segment]) -> Iterator[bytes]:
    yield data[:2]
    for segment in parts:
        if segment in dropped:
            continue
        start = segment.start - 2 if segment.marker == EOI else segment.start - 4
        piece = data[start : segment.end]
        yield _zero_quantizer(piece) if segment.marker == _DQT else piece


def _zero_quantizer(tables: bytes) -> bytes:
    """Set one quantizer of each table to zero."""
    changed = bytearray(tables)
    position = 4
    while position < len(changed):
        deep = changed[position] >> 4
        width = 2 if deep else 1
        place = position + 1 + _ZEROED * width
        changed[place : place + width] = bytes(width)
        position += 1 + (_DEEP if deep else _EIGHT_BIT)
    return bytes(changed)
