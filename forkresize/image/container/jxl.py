"""Replaces the metadata of a JPEG XL (ISO/IEC 18181-2)."""

from collections.abc import Iterator

from forkresize.formats.boxes import box, boxes
from forkresize.formats.spec import UnsupportedContainerError
from forkresize.image import metadata
from forkresize.image.container import check_orientation
from forkresize.image.diagnostics import Diagnostics
from forkresize.image.metadata import MetadataBlocks

_CODESTREAM = b"\xff\x0a"
"""How a file without boxes begins."""

_START = box(b"JXL ", b"\r\n\x87\n") + box(b"ftyp", b"jxl \0\0\0\0jxl ")

_LEVEL = b"jxll"
_PIXELS = frozenset({b"jxlc", b"jxlp"})
_GAIN_MAP = b"jhgm"
_KEPT = _PIXELS | {_LEVEL, _GAIN_MAP}


def rewrite(data: bytes, blocks: MetadataBlocks) -> bytes:
    """Return a JPEG XL with other metadata. If it was made of a JPEG, that cannot be restored any more.

    The codestream says how the picture is turned; decoders ignore what EXIF says.

    Raises:
        UnsupportedContainerError: it is damaged, or is to be turned by its metadata.
        struct.error: it ends too early.
    """
    check_orientation({}, blocks)
    embedded = b"".join(_embed(blocks))
    if data.startswith(_CODESTREAM):
        return _START + embedded + box(b"jxlc", data) if embedded else data
    if not data.startswith(_START[:12]):
        raise UnsupportedContainerError
    parts = [(name, box(name, data[start:end])) for name, start, end in boxes(data, 0, len(data)) if name in _KEPT]
    level, pixels, gain_map = (
        [content for name, content in parts if name in names] for names in ({_LEVEL}, _PIXELS, {_GAIN_MAP})
    )
    if not pixels:
        raise UnsupportedContainerError
    return b"".join([_START, *level, embedded, *pixels, *gain_map])


def _embed(blocks: MetadataBlocks) -> Iterator[bytes]:
    options = metadata.save_options(blocks, "jxl", Diagnostics())
    if "exif" in options:
        yield box(b"Exif", options["exif"])
    if "xmp" in options:
        yield box(b"xml ", options["xmp"])
