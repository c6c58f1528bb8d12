"""Replaces the metadata of an AVIF with a still picture (AOMedia, v1.1; ISO/IEC 23008-12)."""

from collections.abc import Iterator

from msgspec.structs import replace

from forkresize.formats.boxes import box, boxes
from forkresize.formats.metadata import EXIF_HEADER
from forkresize.formats.spec import UnsupportedContainerError
from forkresize.image import metadata
from forkresize.image.container.avif_items import Item, read_picture
from forkresize.image.container.avif_layout import write_picture
from forkresize.image.diagnostics import Diagnostics
from forkresize.image.metadata import MetadataBlocks, without_orientation

_KNOWN = frozenset({b"ftyp", b"meta", b"mdat", b"free", b"skip", b"uuid"})
"""The outermost boxes of a picture; credentials are in a ``uuid``."""

_EXIF, _XMP = b"Exif\0", b"mime\0application/rdf+xml\0"
"""How items of metadata are declared: type, name, and type of content."""

_TIFF_OFFSET = bytes(4)
"""How an item of EXIF begins: where its TIFF header is (ISO/IEC 23008-12, A.2.1)."""


def rewrite(data: bytes, blocks: MetadataBlocks) -> bytes:
    """Return an AVIF with other metadata, and without thumbnails, depth maps and masks. A gain map stays.

    Properties of the picture say how it is turned; decoders ignore what EXIF says.

    Raises:
        UnsupportedContainerError: it is damaged, too complex or a sequence, or has what is not understood here.
        struct.error: it ends too early.
    """
    parts = list(boxes(data, 0, len(data)))
    names = [name for name, _start, _end in parts]
    if names[:1] != [b"ftyp"] or names.count(b"meta") != 1 or not _KNOWN.issuperset(names):
        raise UnsupportedContainerError
    kind, meta = parts[0], parts[names.index(b"meta")]
    picture = read_picture(data, meta[1], meta[2])
    added = [Item(number, *each) for number, each in enumerate(_embed(blocks), picture.next_number)]
    return write_picture(box(b"ftyp", data[kind[1] : kind[2]]), picture, added)


def _embed(blocks: MetadataBlocks) -> Iterator[tuple[bytes, bytes]]:
    """Yield how each item of metadata is declared, and its content."""
    upright = replace(blocks, exif=without_orientation(blocks.exif))
    options = metadata.save_options(upright, "avif", Diagnostics())
    if "exif" in options:
        yield _EXIF, _TIFF_OFFSET + options["exif"].removeprefix(EXIF_HEADER)
    if "xmp" in options:
        yield _XMP, options["xmp"]
