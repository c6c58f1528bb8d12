"""How kept metadata is handed to Pillow for each output format. Filters nothing but what a format can't hold."""

import struct
from typing import Any

from PIL.ExifTags import Base
from PIL.Image import Exif
from PIL.PngImagePlugin import PngInfo

from forkresize.image.diagnostics import Diagnostics
from forkresize.image.metadata.blocks import MetadataBlocks
from forkresize.image.metadata.exif import in_source_bytes, with_texts
from forkresize.image.metadata.exif_tags import DESCRIPTIVE
from forkresize.image.metadata.text import AUTHOR, COMMENT, COPYRIGHT

_HOLD_EXIF = frozenset({"jpeg", "png", "webp", "avif", "tiff"})

_SEGMENT = 65_533
"""Bytes that a segment of a JPEG holds."""

_XMP_NAME = b"http://ns.adobe.com/xap/1.0/\0"
_IPTC_NAME = b"Photoshop 3.0\x008BIM\x04\x04\0\0"

_TIFF_XMP, _TIFF_IPTC = 700, 33_723


def save_options(kept: MetadataBlocks, output: str, diagnostics: Diagnostics) -> dict[str, Any]:
    """Return the keyword arguments of Pillow's ``Image.save`` that put metadata into an output.

    What the format has no place for is left out; what it has too little place for, with a warning, as is a credit that
    was all there was to keep.

    Args:
        kept: the metadata.
        output: the format, in Pillow's lower-case name.
        diagnostics: receives warnings.
    """
    writers = {"jpeg": _jpeg, "png": _png, "webp": _webp, "avif": _avif, "tiff": _tiff, "gif": _gif}
    if kept.credit.is_all and output not in _HOLD_EXIF:
        diagnostics.warn(f"{output} has no place for who made the picture and who may use it")
    writer = writers.get(output)
    return {name: value for name, value in writer(kept, diagnostics).items() if value} if writer else {}


def _jpeg(kept: MetadataBlocks, diagnostics: Diagnostics) -> dict[str, Any]:
    def if_it_fits(name: str, block: bytes, header: int = 0) -> bytes:
        if header + len(block) <= _SEGMENT:
            return block
        diagnostics.warn(f"{len(block)} bytes of {name} are more than a JPEG holds, so they were dropped")
        return b""

    return {
        "exif": if_it_fits("EXIF", kept.exif) or if_it_fits("credit", _credit_block(kept)),
        "xmp": if_it_fits("XMP", kept.xmp, len(_XMP_NAME)),
        "extra": _iptc_segment(if_it_fits("IPTC", kept.iptc, len(_IPTC_NAME) + 5)),
        "comment": if_it_fits("comment", kept.texts.get(COMMENT, "").encode()),
    }


def _credit_block(kept: MetadataBlocks) -> bytes:
    """Return an EXIF block of nothing but the credit; empty for none."""
    credit = {Base.Artist: kept.credit.creator, Base.Copyright: kept.credit.copyright}
    return with_texts(b"", {tag: told for tag, told in credit.items() if told})


def _iptc_segment(block: bytes) -> bytes:
    if not block:
        return b""
    resource = _IPTC_NAME + struct.pack(">I", len(block)) + block + b"\0" * (len(block) % 2)
    return struct.pack(">HH", 0xFFED, len(resource) + 2) + resource


def _png(kept: MetadataBlocks, _diagnostics: Diagnostics) -> dict[str, Any]:
    chunks = PngInfo()
    for key, text in {**kept.texts, **_credit_texts(kept)}.items():
        chunks.add_itxt(key, text)
    if kept.xmp:
        chunks.add_itxt("XML:com.adobe.xmp", kept.xmp)
    return {"exif": kept.exif, "pnginfo": chunks if chunks.chunks else None}


def _credit_texts(kept: MetadataBlocks) -> dict[str, str]:
    """Return the texts that PNG has for a credit, where the picture does not bring its own."""
    credit = {AUTHOR: kept.credit.creator, COPYRIGHT: kept.credit.copyright}
    return {key: text for key, text in credit.items() if text and not kept.texts.get(key, "").strip()}


def _webp(kept: MetadataBlocks, _diagnostics: Diagnostics) -> dict[str, Any]:
    # Pillow takes the header off for still pictures only.
    return {"exif": kept.exif.removeprefix(b"Exif\0\0"), "xmp": kept.xmp}


def _avif(kept: MetadataBlocks, _diagnostics: Diagnostics) -> dict[str, Any]:
    return {"exif": kept.exif, "xmp": kept.xmp}


def _tiff(kept: MetadataBlocks, _diagnostics: Diagnostics) -> dict[str, Any]:
    tags = Exif()
    tags.load(kept.exif)
    # What compresses is libtiff; that can't write EXIF's inner directories, and is particular about other tags.
    is_plain = DESCRIPTIVE.issuperset(tags)
    for tag in list(tags):
        tags[tag] = in_source_bytes(tags[tag], tag)
    tags.update({tag: block for tag, block in ((_TIFF_XMP, kept.xmp), (_TIFF_IPTC, kept.iptc)) if block})
    return {"tiffinfo": tags, "compression": None if is_plain else "raw"}


def _gif(kept: MetadataBlocks, _diagnostics: Diagnostics) -> dict[str, Any]:
    return {"comment": kept.texts.get(COMMENT, "").encode()}
