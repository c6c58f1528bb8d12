"""Filters IPTC-IIM, the records of news agencies in JPEG and TIFF. Knows no file format."""

import struct
from collections.abc import Collection, Iterator

from forkresize.recipe import Drop, Metadata

_MARKER = 0x1C
_HEADER = struct.Struct(">BBBH")
_EXTENDED = 0x8000

_ENVELOPE, _APPLICATION = 1, 2

_CHARACTER_SET = _ENVELOPE, 90

BYLINE, NOTICE = 80, 116
"""Datasets of record 2: the creator, and the copyright notice."""

_COPYRIGHT = frozenset({BYLINE, 85, 110, 115, NOTICE})
"""By-line and its title, credit, source, copyright notice."""

_DESCRIPTIVE = _COPYRIGHT | {
    *(3, 4, 5, 7, 8, 10, 12, 15, 20, 22, 25),  # object name, urgency, subject, categories, keywords
    *(30, 35, 37, 38, 40, 42, 55, 60, 62, 63, 65, 70),  # dates, instructions, program
    *(90, 95, 100, 101, 103, 105),  # city, state, country, transmission, headline
    *(118, 120, 121, 122, 130, 135),  # contact, caption and its writer, type, language
}
"""Datasets of record 2 that describe the picture. Not the place within the city (92), and no identifiers (187, 188)."""

_FREE_TEXT = frozenset({5, 7, 12, 15, 20, 22, 40, 25, 103, 105, 120, 121})
"""Datasets of record 2 that can name persons and places."""

_DROPPED = {
    Drop.PEOPLE: _FREE_TEXT | {118, 122},  # contact, writer of the caption
    Drop.PLACE: _FREE_TEXT | {90, 95, 100, 101},  # city, state, code and name of the country
}
"""Datasets of record 2 that are not kept if something is dropped; neither are those that are not in _DESCRIPTIVE."""

_VERSION = 0

_STALE = frozenset({131, 200, 201, 202})
"""Layout, and the embedded preview."""

Dataset = tuple[int, int, bytes]
"""Record, number, content."""


def filter_datasets(block: bytes, policy: Metadata, drop: Collection[Drop] = ()) -> bytes:
    """Return the datasets for an output; empty for none.

    Raises:
        ValueError: the block is damaged.
    """
    kept = [dataset for dataset in _datasets(block) if _is_kept(dataset, policy, drop)]
    if all(record == _ENVELOPE or number == _VERSION for record, number, _content in kept):
        return b""
    return b"".join(_encode(dataset) for dataset in kept)


def contents(block: bytes, number: int) -> list[bytes]:
    """Return the contents of all datasets of record 2 with a number; some can be repeated.

    Raises:
        ValueError: the block is damaged.
    """
    return [content for record, own, content in _datasets(block) if (record, own) == (_APPLICATION, number)]


def _datasets(block: bytes) -> Iterator[Dataset]:
    """Yield the datasets of a block (IIM 4.2, 1.5 and 1.6); padding may follow."""
    place, end = 0, len(block.rstrip(b"\0"))
    while place < end:
        if block[place] != _MARKER or place + _HEADER.size > len(block):
            raise ValueError(f"no dataset begins at {place}")
        _marker, record, number, size = _HEADER.unpack_from(block, place)
        place += _HEADER.size
        if size & _EXTENDED:
            length = size & ~_EXTENDED
            size = int.from_bytes(block[place : place + length], "big")
            place += length
        if place + size > len(block):
            raise ValueError(f"dataset {record}:{number} ends too early")
        yield record, number, block[place : place + size]
        place += size


def _is_kept(dataset: Dataset, policy: Metadata, drop: Collection[Drop]) -> bool:
    record, number, _content = dataset
    if (record, number) == _CHARACTER_SET:
        return True
    if any(number in _DROPPED[each] for each in drop):
        return False
    if policy is Metadata.ALL and not drop:
        return record in {_ENVELOPE, _APPLICATION} and number not in _STALE
    allowed = _COPYRIGHT if policy is Metadata.COPYRIGHT else _DESCRIPTIVE
    return record == _APPLICATION and (number in allowed or number == _VERSION)


def _encode(dataset: Dataset) -> bytes:
    record, number, content = dataset
    if len(content) < _EXTENDED:
        return _HEADER.pack(_MARKER, record, number, len(content)) + content
    return _HEADER.pack(_MARKER, record, number, _EXTENDED | 4) + struct.pack(">I", len(content)) + content
