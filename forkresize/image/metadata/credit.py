"""Brings who made a picture, and who may use it, from any kind of metadata into EXIF. Knows no file format."""

from collections.abc import Iterable

from msgspec.structs import replace
from PIL.ExifTags import Base

from forkresize.formats.metadata import AUTHOR, COPYRIGHT, Credit, MetadataBlocks
from forkresize.image.metadata import exif, iptc, xmp
from forkresize.image.metadata.xmp_properties import CREATOR, RIGHTS

_BETWEEN_NAMES = "; "


def add_credit(kept: MetadataBlocks, *, is_all: bool) -> MetadataBlocks:
    """Return the metadata with a credit, and with that in EXIF, which more formats have a place for than for the rest.

    EXIF is believed first, then XMP, then IPTC, whose texts are often cut off, then the texts of PNG: the order of the
    Metadata Working Group's Guidelines for Handling Image Metadata 2.0, section 5. The digest that tells whether IPTC
    was changed last is not looked at.

    Args:
        kept: the metadata, as filtered.
        is_all: whether nothing else was to be kept.

    Raises:
        Exception: EXIF can't be written anew; strangers' bytes make Pillow raise anything.
    """
    if not (kept.exif or kept.xmp or kept.iptc or kept.texts):
        return kept
    artist, notice = (_plain(exif.text(kept.exif, tag)) for tag in (Base.Artist, Base.Copyright))
    creator = artist or _first(
        _list(xmp.values(kept.xmp, CREATOR)),
        _list(map(_decoded, iptc.contents(kept.iptc, iptc.BYLINE))),
        kept.texts.get(AUTHOR, ""),
    )
    rights = notice or _first(
        *xmp.values(kept.xmp, RIGHTS),
        *map(_decoded, iptc.contents(kept.iptc, iptc.NOTICE)),
        kept.texts.get(COPYRIGHT, ""),
    )
    if not creator and not rights:
        return kept
    missing = {Base.Artist: "" if artist else creator, Base.Copyright: "" if notice else rights}
    return replace(
        kept,
        exif=exif.with_texts(kept.exif, {tag: told for tag, told in missing.items() if told}),
        credit=Credit(creator=creator, copyright=rights, is_all=is_all),
    )


def _first(*told: str) -> str:
    return next(filter(None, map(_plain, told)), "")


def _plain(told: str | bytes) -> str:
    """Return a text without padding; the photographer and the editor in EXIF's copyright get a line each."""
    told = _decoded(told) if isinstance(told, bytes) else told
    return "\n".join(filter(None, map(str.strip, told.split("\0"))))


def _decoded(text: bytes) -> str:
    """Decode what is UTF-8 by now, whatever it declares, and otherwise mostly Latin-1."""
    try:
        return text.decode()
    except UnicodeDecodeError:
        return text.decode("latin-1")


def _list(names: Iterable[str]) -> str:
    """Join names as the Working Group has them in EXIF's Artist: those that would be torn apart stand in quotes."""
    told = list(filter(None, map(_plain, names)))
    return _BETWEEN_NAMES.join(map(_quoted, told)) if len(told) > 1 else "".join(told)


def _quoted(name: str) -> str:
    return '"{}"'.format(name.replace('"', '""')) if ";" in name or '"' in name else name
