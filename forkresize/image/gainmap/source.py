"""The gain map in the file of a JPEG: where it is, and what describes it. Decodes no pixel."""

import io
import struct
from collections.abc import Iterator
from typing import BinaryIO

from msgspec import Struct
from PIL import Image
from PIL.ImageFile import ImageFile

from forkresize.formats.jpeg import XMP_NAME
from forkresize.formats.jpeg_segments import EOI, segments
from forkresize.formats.metadata import EXIF_HEADER
from forkresize.formats.spec import UnsupportedContainerError
from forkresize.image.decode.gain_map import is_gain_map, other_images
from forkresize.image.gainmap import apple
from forkresize.image.gainmap.description import ISO_NAME, Description, read_description
from forkresize.image.gainmap.errors import GainMapError
from forkresize.image.geometry.region import Dimensions

MPF_NAME = b"MPF\0"
"""How the index of the pictures in a file begins (CIPA DC-007, 5.2)."""

_SOI = b"\xff\xd8"
_APP1, _APP2 = 0xE1, 0xE2

_MOST = 16
"""Pictures in a file to look at."""

_Segments = list[tuple[int, bytes]]
"""Marker and content of the segments before the pixels."""


class GainMap(Struct, frozen=True, kw_only=True):
    """The gain map of a JPEG.

    Attributes:
        data: the JPEG of the map.
        size: its width and height in pixels.
        is_gray: whether it has one channel.
        description: how it is applied.
        iso: the content of the main picture's own segment of ISO 21496-1; empty for none.
        curve: what to replace the levels of the map by; None to keep them.
    """

    data: bytes
    size: Dimensions
    is_gray: bool
    description: Description
    iso: bytes
    curve: tuple[int, ...] | None = None

    @property
    def is_same_for_all_channels(self) -> bool:
        """Whether the gain does not depend on the color space of the picture."""
        return self.is_gray and not self.description.has_several_channels


class HdrPart:
    """The gain map of an opened picture, which is looked for when it is needed.

    Attributes:
        image: the picture.
    """

    def __init__(self, image: ImageFile, file: BinaryIO) -> None:
        self.image = image
        self._file = file
        self._found: GainMap | GainMapError | None = None

    def find(self) -> GainMap:
        """Return the gain map.

        Raises:
            GainMapError: it is not supported, or damaged.
        """
        if self._found is None:
            position = self._file.tell()
            self._file.seek(0)
            try:
                self._found = find_gain_map(self.image, self._file.read())
            except GainMapError as error:
                self._found = error
            self._file.seek(position)
        if isinstance(self._found, GainMapError):
            raise self._found
        return self._found

    @property
    def pixels(self) -> int:
        """How many pixels the map has; 0 for one that cannot be kept."""
        try:
            width, height = self.find().size
        except GainMapError:
            return 0
        return width * height


def find_gain_map(image: ImageFile, data: bytes) -> GainMap:
    """Return the gain map of an opened JPEG.

    Args:
        image: the picture; for one with an index of several pictures, an MPO.
        data: its file.

    Raises:
        GainMapError: it has none, or one that is not supported or damaged.
    """
    if image.format not in {"JPEG", "MPO"}:
        raise GainMapError("the gain map of its format is not supported")
    try:
        own, end = _read_segments(data)
        for start in _places(image, data, end):
            part = data[start:]
            others, end = _read_segments(part)
            if any(is_gain_map(content) for _marker, content in others):
                return _describe(part[:end], own, others, image.size)
    except (UnsupportedContainerError, struct.error):
        raise GainMapError("the file is damaged around its gain map") from None
    raise GainMapError("its gain map was not found")


def _read_segments(data: bytes) -> tuple[_Segments, int]:
    """Return the application segments of a JPEG, and where it ends."""
    found, end = [], 0
    for marker, start, end in segments(data):
        if marker in {_APP1, _APP2}:
            found.append((marker, data[start:end]))
        if marker == EOI:
            break
    return found, end


def _places(image: ImageFile, data: bytes, end: int) -> Iterator[int]:
    """Yield where other pictures begin: by the index, and right behind the first picture."""
    index = data.find(MPF_NAME)
    places = [index + len(MPF_NAME) + entry["DataOffset"] for entry in other_images(image)[:_MOST]]
    for place in dict.fromkeys([*places, end]):
        if data.startswith(_SOI, place):
            yield place


def _describe(data: bytes, own: _Segments, others: _Segments, most: Dimensions) -> GainMap:
    try:
        with Image.open(io.BytesIO(data), formats=["JPEG"]) as opened:
            size, mode = opened.size, opened.mode
    except (OSError, ValueError, SyntaxError, struct.error, Image.DecompressionBombError):
        raise GainMapError("its gain map is damaged") from None
    if mode not in {"L", "RGB"}:
        raise GainMapError(f"its gain map has the mode {mode}")
    if size[0] * size[1] > most[0] * most[1]:
        raise GainMapError("its gain map has more pixels than the picture")
    packet, iso = _content(others, _APP1, XMP_NAME), _content(others, _APP2, ISO_NAME)
    headroom = apple.read_headroom(packet, _content(own, _APP1, EXIF_HEADER)) if apple.is_apple(packet) else None
    if headroom is not None and not iso:
        description, curve = Description(apple.describe(headroom), b""), apple.curve(headroom)
    else:
        description, curve = read_description(packet, iso), None
    own_iso = _content(own, _APP2, ISO_NAME)
    return GainMap(data=data, size=size, is_gray=mode == "L", description=description, iso=own_iso[:4], curve=curve)


def _content(found: _Segments, marker: int, name: bytes) -> bytes:
    """Return the content of the first segment with a name, without it; empty for none."""
    return next((content[len(name) :] for each, content in found if each == marker and content.startswith(name)), b"")
