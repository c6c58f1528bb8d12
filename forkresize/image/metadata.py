"""What is kept of EXIF: everything but position, serial numbers, maker notes, thumbnail and what has become stale."""

import re
import warnings
from typing import Any

from PIL.ExifTags import IFD, Base
from PIL.Image import Exif
from PIL.ImageFile import ImageFile

_KEPT = frozenset(
    {
        Base.ImageDescription,
        Base.Make,
        Base.Model,
        Base.Software,
        Base.DateTime,
        Base.Artist,
        Base.HostComputer,
        Base.Rating,
        Base.RatingPercent,
        Base.Copyright,
        Base.XPTitle,
        Base.XPComment,
        Base.XPAuthor,
        Base.XPKeywords,
        Base.XPSubject,
    }
)
"""Tags of the first directory that say something of the picture and not of how its file is built."""

_DROPPED = frozenset(
    {
        Base.MakerNote,
        Base.CameraOwnerName,
        Base.BodySerialNumber,
        Base.LensSerialNumber,
        Base.CameraSerialNumber,
        Base.ImageUniqueID,
        # No longer true.
        Base.ExifImageWidth,
        Base.ExifImageHeight,
        # Offsets into the source.
        Base.ExifInteroperabilityOffset,
        Base.ExifOffset,
        Base.GPSInfo,
    }
)
"""Tags of the Exif directory that tell too much or are stale."""

_SRGB = 1
"""The value of the tag ColorSpace (Exif 3.0, 0xA001)."""

_HEADER = re.compile(rb"(Exif\0\0)*(II\x2a\0|MM\0\x2a|$)")
"""What EXIF begins with unless there is none; what is wrong further on Pillow tells of."""

_ORIENTATIONS = frozenset(range(1, 9))


def orientation(image: ImageFile) -> int:
    """Return what EXIF, or else XMP, says of how the picture is stored: 1 to 8; 1 where it says nothing."""
    value = _read(image).get(Base.Orientation, 1)
    return value if value in _ORIENTATIONS else 1


def safe_exif(image: ImageFile) -> bytes:
    """Return the EXIF block for the output, without an orientation; empty where there is nothing to keep.

    Damaged EXIF is dropped with a warning. The source's file must still be open.
    """
    exif = _read(image)
    if not exif:
        if not _HEADER.match(image.info.get("exif", b"")):
            warnings.warn("damaged EXIF was dropped", stacklevel=1)
        return b""
    try:
        return _filtered(exif)
    except Exception as error:  # noqa: BLE001 -- strangers' bytes make Pillow raise anything.
        warnings.warn(f"damaged EXIF was dropped: {error}", stacklevel=1)
        return b""


def _read(image: ImageFile) -> Exif:
    try:
        return image.getexif()
    except Exception:  # noqa: BLE001 -- as above; safe_exif tells of it.
        return Exif()


def _filtered(exif: Exif) -> bytes:
    kept = Exif()
    kept.endian = exif.endian
    kept.update({tag: value for tag, value in exif.items() if tag in _KEPT})
    details: dict[int, Any] = {tag: value for tag, value in exif.get_ifd(IFD.Exif).items() if tag not in _DROPPED}
    if Base.ColorSpace in details:
        details[Base.ColorSpace] = _SRGB
    if details:
        kept.get_ifd(IFD.Exif).update(details)
    return kept.tobytes() if kept or details else b""
