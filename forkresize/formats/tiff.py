"""TIFF 6.0 and BigTIFF."""

from typing import Any

from forkresize.formats import spec
from forkresize.formats.metadata import MetadataBlocks

XMP, IPTC, ICC_PROFILE = 700, 33_723, 34_675
"""Tags of the blocks that TIFF holds for other standards."""

_BITS, _COLOR, _ROWS_PER_STRIP = 258, 262, 278

_SIXTEEN_BITS = 16
_WHITE_IS_ZERO, _LAB = 0, 8
_WIDE = frozenset({"I", "F"})
_CORRECTED = 10
"""Bytes a pixel for converting and inverting grays in 32 bits, and for making Lab out of its bytes."""

LIBTIFF_TAGS = frozenset(
    {
        *(270, 271, 272, 305, 306, 315, 33_432),  # description, make, model, software, date, artist, copyright
        *(11, 18_246, 18_249),  # processing software, ratings
        *(40_091, 40_092, 40_093, 40_094, 40_095),  # Windows' texts
    }
)
"""Tags that can be written compressed: that takes libtiff, which writes no inner directories and not every tag."""


def _options(_request: spec.EncodeRequest) -> spec.Options:
    return {"compression": "tiff_deflate"}


def _metadata(blocks: MetadataBlocks, _warn: spec.Warn) -> spec.Options:
    from PIL.Image import Exif

    tags = Exif()
    tags.load(blocks.exif)
    is_plain = LIBTIFF_TAGS.issuperset(tags)
    for tag in list(tags):
        tags[tag] = in_source_bytes(tags[tag], tag)
    tags.update({tag: block for tag, block in ((XMP, blocks.xmp), (IPTC, blocks.iptc)) if block})
    return {"tiffinfo": tags, "compression": None if is_plain else "raw", "dpi": blocks.resolution}


def in_source_bytes(value: Any, tag: int) -> Any:
    """Return a text of the first directory as the bytes that it was read from; anything else unchanged.

    Pillow reads text as Latin-1 and writes it as ASCII, with question marks for the rest; it leaves bytes alone.
    """
    from PIL import TiffTags

    return value.encode("latin-1") if isinstance(value, str) and TiffTags.lookup(tag).type == TiffTags.ASCII else value


def _decoder_memory(image: Any, _pixels: float, _channels: int, file_size: int) -> float:
    """Return the bytes of the file, which is read whole, of a strip, and of correcting the pixels.

    An uncompressed file takes nothing, unless its channels are in separate planes.
    """
    width, height = image.size
    tags = getattr(image, "tag_v2", {})
    color, is_deep = tags.get(_COLOR, _WHITE_IS_ZERO), _SIXTEEN_BITS in tags.get(_BITS, ())
    is_corrected = image.mode in _WIDE or (is_deep and color in {_WHITE_IS_ZERO, _LAB})
    corrected = _CORRECTED * width * height if is_corrected else 0
    if not getattr(image, "use_load_libtiff", True):
        return float(corrected)
    rows = tags.get(_ROWS_PER_STRIP, height)
    # A damaged file may have anything here.
    rows = min(height, rows) if isinstance(rows, int) and rows > 0 else height
    return file_size + corrected + float(width * rows * len(image.getbands()) * 2)


SPEC = spec.FormatSpec(
    name="tiff",
    suffixes=(".tif", ".tiff"),
    plugin="Tiff",
    signature=rb"II\x2a\0|MM\0\x2a|II\x2b\0|MM\0\x2b",
    decoder_memory=_decoder_memory,
    paged=True,
    frame_noun="pages",
    stores_frame_count=False,
    output=spec.OutputSpec(
        modes=frozenset({"L", "LA", "RGB", "RGBA", "CMYK", "I;16", "I", "F"}) | spec.DEEP_COLORS,
        profile=True,
        paged=True,
        applies=frozenset({"lossless"}),
        stores=frozenset({spec.Block.EXIF, spec.Block.XMP, spec.Block.IPTC, spec.Block.RESOLUTION}),
        memory=spec.EncodingMemory(plain=(2.5, 6, 10)),
        options=_options,
        metadata=_metadata,
    ),
)
