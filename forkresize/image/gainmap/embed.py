"""Puts a gain map behind a JPEG, as Ultra HDR 1.1, ISO 21496-1 and CIPA DC-007 say."""

import struct

from forkresize.formats.jpeg import XMP_NAME
from forkresize.formats.jpeg_segments import MAX_SEGMENT, make_segment
from forkresize.image.gainmap.description import ISO_NAME, NAMESPACE, Description, wrap_xmp, write_xmp
from forkresize.image.gainmap.errors import GainMapError
from forkresize.image.gainmap.source import MPF_NAME

_MOST_XMP = MAX_SEGMENT - len(XMP_NAME)
"""Bytes of XMP in one segment."""

_RDF_END = b"</rdf:RDF>"

_APP1, _APP2 = 0xE1, 0xE2
_LEADING = frozenset({0xE0, _APP1})
"""Segments that come before all others: JFIF, EXIF and XMP."""

_ISO_VERSION = bytes(4)
"""What the main picture has: the versions of a reader and of the writer."""

_MPF_VERSION, _NUMBER, _ENTRIES = 0xB000, 0xB001, 0xB002
_PRIMARY = 0x030000
"""The type of the main picture (CIPA DC-007, 5.2.3.3.1); that of a gain map is undefined, 0."""


def describe_map(data: bytes, description: Description) -> bytes:
    """Return the JPEG of a gain map with its description."""
    added = b""
    if description.numbers:
        added += make_segment(_APP1, XMP_NAME + write_xmp(description.numbers))
    if description.iso:
        added += make_segment(_APP2, ISO_NAME + description.iso)
    place = _end_of_leading(data)
    return data[:place] + added + data[place:]


def announce_in_xmp(packet: bytes, description: Description, length: int) -> bytes:
    """Return the XMP of a main picture, which says that a gain map follows.

    Args:
        packet: its XMP; empty for none.
        description: how the map is applied; without XMP, the main picture needs none.
        length: bytes of the map.

    Raises:
        GainMapError: there is no room for it.
    """
    if not description.numbers:
        return packet
    following = f' Item:Length="{length}"'
    item = '<rdf:li rdf:parseType="Resource"><Container:Item Item:Semantic="{}" Item:Mime="image/jpeg"{}/></rdf:li>'
    inner = (
        f'<rdf:Description xmlns:hdrgm="{NAMESPACE}" xmlns:Container="http://ns.google.com/photos/1.0/container/"'
        ' xmlns:Item="http://ns.google.com/photos/1.0/container/item/" rdf:about="" hdrgm:Version="1.0">'
        f"<Container:Directory><rdf:Seq>{item.format('Primary', '')}"
        f"{item.format('GainMap', following)}</rdf:Seq></Container:Directory></rdf:Description>"
    )
    before, end, after = packet.rpartition(_RDF_END)
    merged = before + inner.encode() + end + after if end else wrap_xmp(inner)
    if len(merged) > _MOST_XMP:
        raise GainMapError("its XMP leaves no room for the description of the gain map")
    return merged


def embed_map(primary: bytes, gain_map: bytes, description: Description) -> bytes:
    """Return a JPEG with a gain map behind it, and an index of both.

    Args:
        primary: the main picture, whose XMP announces the map.
        gain_map: the map with its description.
        description: how it is applied.
    """
    place = _end_of_leading(primary)
    iso = make_segment(_APP2, ISO_NAME + _ISO_VERSION) if description.iso else b""
    # Offsets count from the byte after the name of the index.
    start = place + len(iso) + 4 + len(MPF_NAME)
    size = len(primary) + len(iso) + len(make_segment(_APP2, MPF_NAME + _index(0, 0, 0)))
    index = make_segment(_APP2, MPF_NAME + _index(size, len(gain_map), size - start))
    return primary[:place] + iso + index + primary[place:] + gain_map


def _index(primary: int, other: int, offset: int) -> bytes:
    """Return the index of two pictures (CIPA DC-007, 5.2): their sizes, and where the second begins."""
    header = struct.pack(">2sHIH", b"MM", 42, 8, 3)
    entries = struct.pack(">IIIHH", _PRIMARY, primary, 0, 0, 0) + struct.pack(">IIIHH", 0, other, offset, 0, 0)
    fields = struct.pack(">HHI4s", _MPF_VERSION, 7, 4, b"0100") + struct.pack(">HHII", _NUMBER, 4, 1, 2)
    place = len(header) + len(fields) + 12 + 4
    fields += struct.pack(">HHII", _ENTRIES, 7, len(entries), place)
    return header + fields + bytes(4) + entries


def _end_of_leading(data: bytes) -> int:
    """Return where the segments end that come before all others in a JPEG that was just made."""
    place = 2
    while data[place] == 0xFF and data[place + 1] in _LEADING:  # noqa: PLR2004 -- every marker begins with it.
        place += 2 + int.from_bytes(data[place + 2 : place + 4])
    return place
