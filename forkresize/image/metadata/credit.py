"""Copies the creator and the copyright notice from any kind of metadata into EXIF. Knows no file format."""

from collections.abc import Iterable

from msgspec.structs import replace
from PIL.ExifTags import Base

from forkresize.formats.metadata import AUTHOR, COPYRIGHT, Credit, MetadataBlocks
from forkresize.image.metadata import exif, iptc
from forkresize.image.metadata.xmp_properties import CREATOR, RIGHTS

_BETWEEN_NAMES = "; "


def add_credit(blocks: MetadataBlocks, *, is_all: bool) -> MetadataBlocks:
    """Return the metadata with its credit, also in EXIF, which more formats can store than any other metadata.

    The order of precedence is EXIF, XMP, IPTC, whose texts are often truncated, and the texts of PNG, as in the
    Metadata Working Group's Guidelines for Handling Image Metadata 2.0, section 5. The digest that shows whether IPTC
    was changed last is ignored.

    Args:
        blocks: the filtered metadata.
        is_all: whether nothing else was to be kept.

    Raises:
        Exception: EXIF can't be written; Pillow raises anything for damaged metadata.
    """
    if not (blocks.exif or blocks.xmp or blocks.iptc or blocks.texts):
        return blocks
    artist, notice = (_strip(exif.text(blocks.exif, tag)) for tag in (Base.Artist, Base.Copyright))
    creator = artist or _first(
        _list(_values(blocks.xmp, CREATOR)),
        _list(map(_decode, iptc.contents(blocks.iptc, iptc.BYLINE))),
        blocks.texts.get(AUTHOR, ""),
    )
    rights = notice or _first(
        *_values(blocks.xmp, RIGHTS),
        *map(_decode, iptc.contents(blocks.iptc, iptc.NOTICE)),
        blocks.texts.get(COPYRIGHT, ""),
    )
    if not creator and not rights:
        return blocks
    missing = {Base.Artist: "" if artist else creator, Base.Copyright: "" if notice else rights}
    return replace(
        blocks,
        exif=exif.with_texts(blocks.exif, {tag: text for tag, text in missing.items() if text}),
        credit=Credit(creator=creator, copyright=rights, is_all=is_all),
    )


def _values(packet: bytes, name: str) -> list[str]:
    if not packet:
        return []
    # The parser of XML is for pictures that have XMP.
    from forkresize.image.metadata import xmp

    return xmp.values(packet, name)


def _first(*texts: str) -> str:
    return next(filter(None, map(_strip, texts)), "")


def _strip(text: str | bytes) -> str:
    """Return a text without padding; the photographer's and the editor's copyright in EXIF become two lines."""
    text = _decode(text) if isinstance(text, bytes) else text
    return "\n".join(filter(None, map(str.strip, text.split("\0"))))


def _decode(text: bytes) -> str:
    """Decode UTF-8, which is most common regardless of the declared encoding, or else Latin-1."""
    try:
        return text.decode()
    except UnicodeDecodeError:
        return text.decode("latin-1")


def _list(names: Iterable[str]) -> str:
    """Join names as in EXIF's Artist by the Working Group's rules; names that hold a separator are quoted."""
    plain = list(filter(None, map(_strip, names)))
    return _BETWEEN_NAMES.join(map(_quote, plain)) if len(plain) > 1 else "".join(plain)


def _quote(name: str) -> str:
    return '"{}"'.format(name.replace('"', '""')) if ";" in name or '"' in name else name
