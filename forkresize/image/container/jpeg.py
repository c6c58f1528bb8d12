"""Replaces the metadata of a JPEG (ITU-T T.81, annex B)."""

from collections.abc import Iterator

from forkresize.formats.jpeg import XMP_NAME
from forkresize.formats.jpeg_segments import EOI, Segment, make_segment, segments
from forkresize.formats.metadata import EXIF_HEADER
from forkresize.formats.spec import UnsupportedContainerError
from forkresize.image import metadata
from forkresize.image.container import check_orientation
from forkresize.image.diagnostics import Diagnostics
from forkresize.image.metadata import MetadataBlocks

_START, _END = b"\xff\xd8", b"\xff\xd9"
_APP0, _APP1, _APP2, _APP14, _COMMENT = 0xE0, 0xE1, 0xE2, 0xEE, 0xFE

_TABLES_AND_SCANS = frozenset({*range(0xC0, 0xC8), *range(0xC9, 0xD0), *range(0xDA, 0xE0)} - {EOI})

_JFIF_LENGTH, _ADOBE_LENGTH = 14, 12
"""Decoders ignore those that are shorter."""


def rewrite(data: bytes, blocks: MetadataBlocks) -> bytes:
    """Return the first picture of a JPEG with other metadata.

    Raises:
        UnsupportedContainerError: it is damaged, or turned by its metadata in another way.
        struct.error: it ends too early.
    """
    if not data.startswith(_START):
        raise UnsupportedContainerError
    parts = [(segment, data[segment.start : segment.end]) for segment in segments(data) if segment.marker != EOI]
    check_orientation(_metadata_of(parts), blocks)
    kept = [(segment.marker, _for_decoding(data, segment)) for segment, _content in parts]
    jfif = [content for marker, content in kept if marker == _APP0 and content][:1]
    others = [content for marker, content in kept if marker != _APP0]
    return b"".join([_START, *jfif, *_embed(blocks), *others, _END])


def _metadata_of(parts: list[tuple[Segment, bytes]]) -> dict[str, bytes]:
    """Return the metadata that can hold the orientation, as Pillow reads it."""
    info: dict[str, bytes] = {}
    for segment, content in parts:
        if segment.marker == _APP1 and content.startswith(EXIF_HEADER):
            info.setdefault("exif", content)
        elif segment.marker == _APP1 and content.startswith(XMP_NAME):
            info["xmp"] = content
    return info


def _for_decoding(data: bytes, segment: Segment) -> bytes:
    """Return a segment that decoding needs, without what may hide in it; empty for any other."""
    marker, content = segment.marker, data[segment.start : segment.end]
    if marker in _TABLES_AND_SCANS or (marker == _APP2 and content.startswith(b"ICC_PROFILE\0")):
        return data[segment.start - 4 : segment.end]
    if marker == _APP0 and content.startswith(b"JFIF\0") and len(content) >= _JFIF_LENGTH:
        # Its last two bytes are the sides of a thumbnail that would follow.
        return make_segment(marker, content[: _JFIF_LENGTH - 2] + b"\0\0")
    if marker == _APP14 and content.startswith(b"Adobe") and len(content) >= _ADOBE_LENGTH:
        return make_segment(marker, content[:_ADOBE_LENGTH])
    if not _APP0 <= marker <= _COMMENT:
        raise UnsupportedContainerError
    return b""


def _embed(blocks: MetadataBlocks) -> Iterator[bytes]:
    options = metadata.save_options(blocks, "jpeg", Diagnostics())
    if "exif" in options:
        yield make_segment(_APP1, options["exif"])
    if "xmp" in options:
        yield make_segment(_APP1, XMP_NAME + options["xmp"])
    yield options.get("extra", b"")
    if "comment" in options:
        yield make_segment(_COMMENT, options["comment"])
