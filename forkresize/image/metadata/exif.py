"""Filters EXIF, and reads the orientation. Knows no file format."""

from collections.abc import Collection, Mapping
from typing import Any

from PIL.ExifTags import IFD, Base
from PIL.Image import Exif, Image

from forkresize.formats.tiff import in_source_bytes
from forkresize.image.metadata.exif_tags import (
    CAMERA,
    COPYRIGHT,
    DESCRIPTIVE,
    FREE_TEXT,
    GPS_TEXT,
    STALE,
    STRUCTURE,
    TECHNICAL,
)
from forkresize.recipe import Drop, Metadata

_ORIENTATIONS = frozenset(range(1, 9))

_SRGB = 1
"""The value of the tag ColorSpace (Exif 3.0, 0xA001) that is true of every output."""

_HARMLESS = (DESCRIPTIVE | CAMERA | TECHNICAL) - FREE_TEXT
"""The tags that are kept if something is dropped; unknown ones and maker notes may name anybody and any place."""

_FIRST = {Metadata.SAFE: DESCRIPTIVE, Metadata.COPYRIGHT: COPYRIGHT}


def orientation(image: Image) -> int:
    """Return the orientation by EXIF, or else by XMP: 1 to 8; 1 if it is missing or invalid."""
    try:
        value = image.getexif().get(Base.Orientation, 1)
    except Exception:  # noqa: BLE001 -- Pillow raises anything for damaged EXIF; filter_block() warns of it.
        return 1
    return value if value in _ORIENTATIONS else 1


def filter_block(image: Image, policy: Metadata, drop: Collection[Drop] = ()) -> bytes:
    """Return the EXIF block for an output, without orientation, sizes and thumbnail; empty for nothing.

    A TIFF's file must still be open.

    Raises:
        Exception: it is damaged; Pillow raises anything.
    """
    return _block(_read(image), policy, drop)


def text(block: bytes, tag: int) -> bytes:
    """Return a text of the first directory of a filtered block, as the stored bytes; empty for none."""
    exif = Exif()
    exif.load(block)
    stored: bytes = in_source_bytes(exif.get(tag, b""), tag)
    return stored


def with_texts(block: bytes, texts: Mapping[int, str]) -> bytes:
    """Return a filtered block with texts added to its first directory as UTF-8; empty for nothing.

    Raises:
        Exception: it is damaged; Pillow raises anything.
    """
    if not texts:
        return block
    exif = Exif()
    exif.load(block)
    exif.update({tag: text.encode() for tag, text in texts.items()})
    return _block(exif, Metadata.ALL)


def with_orientation(block: bytes, orientation: int) -> bytes:
    """Return a filtered block that says how the pixels are stored: 1 to 8.

    Raises:
        Exception: it is damaged; Pillow raises anything.
    """
    exif = Exif()
    exif.load(block)
    exif.update({tag: in_source_bytes(exif[tag], tag) for tag in exif})
    exif[Base.Orientation] = orientation
    return exif.tobytes()


def without_orientation(block: bytes) -> bytes:
    """Return a filtered block that does not say how the pixels are stored; empty for nothing.

    Raises:
        Exception: it is damaged; Pillow raises anything.
    """
    exif = Exif()
    exif.load(block)
    if Base.Orientation not in exif:
        return block
    kept = {tag: in_source_bytes(exif[tag], tag) for tag in exif if tag != Base.Orientation}
    exif.update(kept)
    del exif[Base.Orientation]
    return exif.tobytes() if kept else b""


def _read(image: Image) -> Exif:
    if "exif" not in image.info:
        return image.getexif()
    # Not getexif(): it looks for the orientation in XMP as well, and may fail because XMP is damaged.
    exif = Exif()
    exif.load(image.info["exif"])
    return exif


def _block(exif: Exif, policy: Metadata, drop: Collection[Drop] = ()) -> bytes:
    if not exif:
        return b""
    kept = Exif()
    kept.endian = exif.endian
    kept.update({tag: in_source_bytes(exif[tag], tag) for tag in exif if _is_kept(tag, policy, drop)})
    directories = {IFD.Exif: _camera(exif, policy, drop), IFD.GPSInfo: _position(exif, policy, drop)}
    for name, entries in directories.items():
        if entries:
            kept.get_ifd(name).update(entries)
    return kept.tobytes() if kept or any(directories.values()) else b""


def _is_kept(tag: int, policy: Metadata, drop: Collection[Drop]) -> bool:
    if drop and tag not in _HARMLESS:
        return False
    return tag not in STRUCTURE if policy is Metadata.ALL else tag in _FIRST[policy]


def _camera(exif: Exif, policy: Metadata, drop: Collection[Drop]) -> dict[int, Any]:
    if policy is Metadata.COPYRIGHT:
        return {}
    details = dict(exif.get_ifd(IFD.Exif))
    if details.get(Base.ColorSpace) != _SRGB:
        details.pop(Base.ColorSpace, None)
    if drop:
        details = {tag: value for tag, value in details.items() if tag in _HARMLESS}
    if policy is Metadata.ALL:
        return {tag: value for tag, value in details.items() if tag not in STALE}
    return {tag: value for tag, value in details.items() if tag in CAMERA}


def _position(exif: Exif, policy: Metadata, drop: Collection[Drop]) -> dict[int, Any]:
    if policy is not Metadata.ALL or Drop.PLACE in drop:
        return {}
    return {tag: value for tag, value in exif.get_ifd(IFD.GPSInfo).items() if not drop or tag not in GPS_TEXT}
