"""Takes a JPEG apart into segments, and puts it together with other metadata (ITU-T T.81, annex B)."""

import re
import struct
from collections.abc import Iterator

from forkresize.formats.jpeg import XMP_NAME
from forkresize.image import metadata
from forkresize.image.container.parts import Part, UnsupportedContainerError, refuse_sideways
from forkresize.image.diagnostics import Diagnostics
from forkresize.image.metadata import MetadataBlocks

_START, _END, _SCAN = b"\xff\xd8", b"\xff\xd9", b"\xff\xda"
_APP0, _APP1, _APP2, _APP14, _COMMENT = b"\xff\xe0", b"\xff\xe1", b"\xff\xe2", b"\xff\xee", b"\xff\xfe"
_EXIF_NAME = b"Exif\0\0"

_LENGTH = 2
"""Bytes in which a segment tells its length, them included."""

_TABLES_AND_SCANS = re.compile(rb"\xff[\xc0-\xc7\xc9-\xcf\xda-\xdf]")
_AFTER_SCAN = re.compile(rb"\xff([^\xff\0\xd0-\xd7])")
"""The first marker after coded pixels; a stuffed zero and the restart markers are part of them."""

_JFIF_LENGTH, _ADOBE_LENGTH = 14, 12
"""Decoders take no notice of those that are shorter."""


def rewrite(data: bytes, kept: MetadataBlocks) -> bytes:
    """Return the first picture of a JPEG with other metadata.

    Raises:
        NotUnderstoodError: it is damaged, or stored sideways.
        struct.error: it ends too early.
    """
    parts = list(_segments(data))
    refuse_sideways(_info(parts))
    decoding = [_for_decoding(*part) for part in parts]
    jfif = [part for part in decoding if part.startswith(_APP0)][:1]
    others = [part for part in decoding if not part.startswith(_APP0)]
    return b"".join([_START, *jfif, *_metadata(kept), *others, _END])


def _segments(data: bytes) -> Iterator[Part]:
    """Give what is behind each marker: a length, content, and after a scan's header coded pixels."""
    if not data.startswith(_START):
        raise UnsupportedContainerError
    place = len(_START)
    while data[place : place + 2] != _END:
        marker, (size,) = data[place : place + 2], struct.unpack_from(">H", data, place + 2)
        start, end = place + 2, place + 2 + size
        if size < _LENGTH or end > len(data):
            raise UnsupportedContainerError
        place = _end_of_scan(data, end) if marker == _SCAN else end
        yield marker, data[start:place]


def _end_of_scan(data: bytes, start: int) -> int:
    after = _AFTER_SCAN.search(data, start)
    if after is None:
        raise UnsupportedContainerError
    return after.start()


def _info(parts: list[Part]) -> dict[str, bytes]:
    """Return what Pillow tells the orientation by."""
    info: dict[str, bytes] = {}
    for marker, behind in parts:
        content = behind[_LENGTH:]
        if marker == _APP1 and content.startswith(_EXIF_NAME):
            info.setdefault("exif", content)
        elif marker == _APP1 and content.startswith(XMP_NAME):
            info["xmp"] = content
    return info


def _for_decoding(marker: bytes, behind: bytes) -> bytes:
    """Return the segment if the picture can't be shown without it, less what may hide in it; else nothing."""
    content = behind[_LENGTH:]
    if _TABLES_AND_SCANS.match(marker) or (marker == _APP2 and content.startswith(b"ICC_PROFILE\0")):
        return marker + behind
    if marker == _APP0 and content.startswith(b"JFIF\0") and len(content) >= _JFIF_LENGTH:
        # Its last two bytes are the sides of a thumbnail that would follow.
        return _segment(marker, content[: _JFIF_LENGTH - 2] + b"\0\0")
    if marker == _APP14 and content.startswith(b"Adobe") and len(content) >= _ADOBE_LENGTH:
        return _segment(marker, content[:_ADOBE_LENGTH])
    if not _APP0 <= marker <= _COMMENT:
        raise UnsupportedContainerError
    return b""


def _segment(marker: bytes, content: bytes) -> bytes:
    return marker + struct.pack(">H", len(content) + _LENGTH) + content


def _metadata(kept: MetadataBlocks) -> Iterator[bytes]:
    options = metadata.save_options(kept, "jpeg", Diagnostics())
    if "exif" in options:
        yield _segment(_APP1, options["exif"])
    if "xmp" in options:
        yield _segment(_APP1, XMP_NAME + options["xmp"])
    yield options.get("extra", b"")
    if "comment" in options:
        yield _segment(_COMMENT, options["comment"])
