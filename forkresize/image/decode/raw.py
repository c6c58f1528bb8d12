"""Opens the largest JPEG in a camera's raw file, which the camera made as a preview. Develops no raw pixels."""

import io
import os
import re
import struct
from enum import Enum, auto
from typing import Any, BinaryIO, cast

from msgspec import Struct
from PIL.Image import Exif
from PIL.ImageFile import ImageFile

from forkresize.extras import install_command
from forkresize.formats import raw
from forkresize.formats.jpeg_segments import MAX_SEGMENT, make_segment, segments
from forkresize.formats.metadata import EXIF_HEADER
from forkresize.formats.spec import UnsupportedContainerError
from forkresize.image.diagnostics import Diagnostics
from forkresize.image.errors import PictureError
from forkresize.image.geometry.region import Dimensions
from forkresize.outcome import Reason

_HEAD = 32
_FIRST_CONTENT = 6
"""Where the content of the first segment of a JPEG begins."""

_ENTRY, _MOST_ENTRIES = 12, 1000
_NEW_SUBFILE_TYPE = 254

_SMALL = 0.9
"""The share of the raw picture's longer side below which a preview is small."""

_TIFF = (b"II*\0", b"MM\0*")
_APP1 = 0xE1
_ORIENTATION, _EXIF_IFD, _GPS_IFD, _MAKER_NOTE = 0x0112, 0x8769, 0x8825, 0x927C
_COPIED = 270, 271, 272, 305, 306, 315, 33_432
"""Description, make, model, software, date, artist and copyright."""

_TURNS = {0: 1, 3: 3, 5: 8, 6: 6}
"""How LibRaw names orientations, and EXIF."""


class Preview(Struct, frozen=True):
    """The preview of a raw file.

    Attributes:
        data: a JPEG; if it had no EXIF, with that of the raw file.
        raw_size: width and height of the raw picture in pixels, as stored.
    """

    data: bytes
    raw_size: Dimensions


class _Evidence(Enum):
    """Whether a file is a raw file."""

    NO = auto()
    MAYBE = auto()
    """A TIFF with the name of a raw file, or whose first image is a thumbnail: LibRaw decides."""
    YES = auto()


def is_raw(file: BinaryIO) -> bool:
    """Return whether the content of a file is that of a raw file; some are plain TIFFs except for their names.

    Args:
        file: stands at its beginning, before and after.
    """
    return _find_evidence(file, "") is _Evidence.YES


def find_preview(file: BinaryIO, name: str) -> Preview | None:
    """Return the preview of a raw file; None for any other file.

    Args:
        file: stands at its beginning, before and after.
        name: its suffix is a hint.

    Raises:
        PictureError: a raw file has no JPEG in it, or the optional package that finds it is not installed.
    """
    evidence = _find_evidence(file, name)
    if evidence is _Evidence.NO:
        return None
    # NumPy would start a thread for each CPU.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    package = raw.SPEC.decoder
    rawpy = package.load() if package else None
    if rawpy is None:
        if evidence is _Evidence.MAYBE:
            return None
        raise PictureError(Reason.UNSUPPORTED, f"{raw.SPEC.label} is not supported; {install_command('raw')} adds it")
    data = file.read()
    file.seek(0)
    return _read_preview(data, rawpy)


def is_preview(image: ImageFile) -> bool:
    """Return whether an opened picture is the preview of a raw file."""
    return hasattr(image, "raw_size")


def preview_file(image: ImageFile) -> BinaryIO | None:
    """Return the file of a picture that was just opened if it is the preview of a raw file; None for any other."""
    return cast("BinaryIO", image.fp) if is_preview(image) else None


def warn_of_preview(image: ImageFile, diagnostics: Diagnostics) -> None:
    """Warn if an opened picture is the preview of a raw file; that matters if it is smaller than the raw picture."""
    raw_size: Dimensions | None = getattr(image, "raw_size", None)
    if raw_size is None:
        return
    width, height = image.size
    if max(width, height) < _SMALL * max(raw_size):
        diagnostics.warn(
            f"only a preview of the raw file: {width} x {height} pixels instead of {raw_size[0]} x {raw_size[1]}"
        )
    else:
        diagnostics.warn("made from the preview in the raw file")


def _find_evidence(file: BinaryIO, name: str) -> _Evidence:
    head = file.read(_HEAD)
    file.seek(0)
    if re.compile(raw.SPEC.signature, re.DOTALL).match(head):
        return _Evidence.YES
    if not head.startswith(_TIFF):
        return _Evidence.NO
    tags = _read_first_tags(file, "<" if head.startswith(b"II") else ">")
    if raw.DNG_VERSION in tags:
        return _Evidence.YES
    has_suffix = os.path.splitext(name)[1].lower() in raw.SPEC.suffixes
    return _Evidence.MAYBE if has_suffix or tags.get(_NEW_SUBFILE_TYPE, 0) & 1 else _Evidence.NO


def _read_first_tags(file: BinaryIO, order: str) -> dict[int, int]:
    """Return the tags of the first directory of a TIFF, with what their entries hold (TIFF 6.0, section 2)."""
    file.seek(4)
    (place,) = struct.unpack(f"{order}I", file.read(4).ljust(4, b"\0"))
    file.seek(place)
    (count,) = struct.unpack(f"{order}H", file.read(2).ljust(2, b"\0"))
    entries = file.read(_ENTRY * min(count, _MOST_ENTRIES))
    file.seek(0)
    whole = entries[: len(entries) // _ENTRY * _ENTRY]
    return {tag: value for tag, _kind, _count, value in struct.iter_unpack(f"{order}HHII", whole)}


def _read_preview(data: bytes, rawpy: Any) -> Preview | None:
    """Return the preview that LibRaw finds; None if LibRaw does not know the file."""
    try:
        with rawpy.imread(io.BytesIO(data)) as opened:
            sizes, found = opened.sizes, opened.extract_thumb()
    except (rawpy.LibRawNoThumbnailError, rawpy.LibRawUnsupportedThumbnailError) as error:
        raise PictureError(Reason.UNSUPPORTED, "the raw file has no preview as a JPEG") from error
    except rawpy.LibRawError:
        return None
    if found.format is not rawpy.ThumbFormat.JPEG:
        raise PictureError(Reason.UNSUPPORTED, "the raw file has no preview as a JPEG")
    size = sizes.width, sizes.height
    stored = _without_added_exif(bytes(found.data), data)
    return Preview(_with_exif(stored, data, _TURNS.get(sizes.flip, 1)), size)


def _without_added_exif(preview: bytes, data: bytes) -> bytes:
    """Return a preview as it is stored: LibRaw puts EXIF of its own before what does not begin with EXIF."""
    if preview in data or not preview.startswith(EXIF_HEADER, _FIRST_CONTENT):
        return preview
    length = int.from_bytes(preview[4:_FIRST_CONTENT])
    return preview[:2] + preview[4 + length :]


def _with_exif(preview: bytes, data: bytes, orientation: int) -> bytes:
    """Return a JPEG with the EXIF of its raw file, unless it has its own."""
    try:
        has_own = any(
            marker == _APP1 and preview.startswith(EXIF_HEADER, start) for marker, start, _end in segments(preview)
        )
    except (UnsupportedContainerError, struct.error):
        return preview
    if has_own:
        return preview
    block = _exif_of(data, orientation)
    if len(block) > MAX_SEGMENT:
        block = _exif_of(b"", orientation)
    return preview[:2] + make_segment(_APP1, block) + preview[2:]


def _exif_of(data: bytes, orientation: int) -> bytes:
    """Return the EXIF of a raw file that is a TIFF; of another one, the orientation alone."""
    exif = Exif()
    if data.startswith(_TIFF):
        stored = Exif()
        try:
            stored.load(data)
            exif.update({tag: stored[tag] for tag in _COPIED if tag in stored})
            for number in (_EXIF_IFD, _GPS_IFD):
                inner = {tag: value for tag, value in stored.get_ifd(number).items() if tag != _MAKER_NOTE}
                if inner:
                    exif.get_ifd(number).update(inner)
            exif[_ORIENTATION] = orientation
            return exif.tobytes()
        except (ValueError, TypeError, KeyError, OSError, struct.error, SyntaxError, IndexError, OverflowError):
            exif = Exif()
    exif[_ORIENTATION] = orientation
    return exif.tobytes()
