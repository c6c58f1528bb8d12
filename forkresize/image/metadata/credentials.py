"""Finds content credentials (C2PA), which say where a picture comes from. Neither reads nor checks them.

The places are those of the C2PA Technical Specification 2.1, section "Embedding manifests into various file formats".
"""

import struct
from collections.abc import Callable, Iterator, Mapping
from itertools import islice
from typing import IO

from PIL.ImageFile import ImageFile

from forkresize.formats.boxes import boxes_in_file
from forkresize.image.decode.head import read_head, rewound

REMOVED = "content credentials removed"
"""The warning about an output without the credentials of its source. They are signed for its exact bytes."""

_UUID = bytes.fromhex("d8fec3d61b0e483c92975828877ec481")
"""The extended type of the box of AVIF and HEIF."""

_JUMBF = b"jumb"
_LABEL = b"c2pa"

_TIFF_TAG = 0xCD41

_GIF_EXTENSION = b"!\xff\x0bC2PA_GIF"

_MOST_CHUNKS = 4096
"""Chunks to look at; the credentials of an animation come before or after all of its frames."""

_HEADER = 8
"""Bytes of the name and the size of a chunk."""

_BOX_HEAD = 64
"""Bytes of a box in which its purpose is seen."""


def has_credentials(image: ImageFile) -> bool:
    """Return whether a picture has content credentials.

    Args:
        image: opened, but not loaded. Credentials after the pixels of a PNG are found once it is loaded.
    """
    find = _FINDERS.get(str(image.format))
    return find is not None and find(image)


def _in_jpeg(image: ImageFile) -> bool:
    return any(
        name == "APP11" and _JUMBF in content and _LABEL in content for name, content in getattr(image, "applist", ())
    )


def _in_png(image: ImageFile) -> bool:
    return any(chunk[0] == b"caBX" for chunk in getattr(image, "private_chunks", ()))


def _in_webp(image: ImageFile) -> bool:
    with rewound(image) as file:
        return any(name == b"C2PA" for name in islice(_riff_chunks(file), _MOST_CHUNKS))


def _in_boxes(image: ImageFile) -> bool:
    with rewound(image) as file:
        for name, size in boxes_in_file(file):
            head = file.read(min(size, _BOX_HEAD))
            if (name == b"uuid" and head.startswith(_UUID)) or (name == _JUMBF and _LABEL in head):
                return True
    return False


def _in_tiff(image: ImageFile) -> bool:
    return _TIFF_TAG in getattr(image, "tag_v2", ())


def _in_gif(image: ImageFile) -> bool:
    return _GIF_EXTENSION in read_head(image)


_FINDERS: Mapping[str, Callable[[ImageFile], bool]] = {
    "JPEG": _in_jpeg,
    "MPO": _in_jpeg,
    "PNG": _in_png,
    "WEBP": _in_webp,
    "AVIF": _in_boxes,
    "HEIF": _in_boxes,
    "JXL": _in_boxes,
    "TIFF": _in_tiff,
    "GIF": _in_gif,
}


def _riff_chunks(file: IO[bytes]) -> Iterator[bytes]:
    """Yield the name of each chunk (RFC 9649, 2.3)."""
    position = 12
    file.seek(position)
    while len(head := file.read(_HEADER)) == _HEADER:
        name, size = struct.unpack("<4sI", head)
        yield name
        position += _HEADER + size + size % 2
        file.seek(position)
