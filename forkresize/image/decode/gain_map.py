"""The other images in a picture's file: gain maps, from which HDR is made, previews and further views."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from PIL.ImageFile import ImageFile

from forkresize.image.decode.head import read_head

_IN_JPEG = (
    b"http://ns.adobe.com/hdr-gain-map/1.0/",  # Ultra HDR
    b"urn:iso:std:iso:ts:21496:-1\0",
    b"http://ns.apple.com/HDRGainMap/1.0/",
    b"urn:com:apple:photo:2020:aux:hdrgainmap",
)

_IN_BOXES = rb"(?s)infe[\x02\x03].{7,9}tmap|urn:com:apple:photo:2020:aux:hdrgainmap"
"""In AVIF and HEIF: an image item of ISO 21496-1, or Apple's auxiliary image."""

_MP_ENTRIES = 0xB002

_PREVIEW = "Large Thumbnail"


def has_gain_map(image: ImageFile) -> bool:
    """Return whether an opened picture has a gain map: by Ultra HDR, ISO 21496-1 or Apple."""
    if image.format in {"AVIF", "HEIF"}:
        return re.search(_IN_BOXES, read_head(image)) is not None
    if image.format not in {"JPEG", "MPO"}:
        return False
    return is_gain_map(_application_segments(image)) or any(map(is_gain_map, _heads(image, other_images(image))))


def count_visible_images(image: ImageFile) -> int:
    """Return the number of images in an opened MPO, without previews and gain maps."""
    others = [entry for entry in other_images(image) if not entry["Attribute"]["MPType"].startswith(_PREVIEW)]
    return 1 + sum(not is_gain_map(content) for content in _heads(image, others))


def is_gain_map(content: bytes) -> bool:
    """Return whether the first bytes of a JPEG, or its application segments, are those of a gain map."""
    return any(name in content for name in _IN_JPEG)


def _application_segments(image: ImageFile) -> bytes:
    return b"".join(content for _name, content in getattr(image, "applist", ()))


def other_images(image: ImageFile) -> list[Mapping[str, Any]]:
    """Return an MPO's index entries of all images but the first (CIPA DC-007, 5.2.3)."""
    index: Mapping[int, Any] = getattr(image, "mpinfo", {})
    return list(index.get(_MP_ENTRIES, ()))[1:]


def _heads(image: ImageFile, entries: list[Mapping[str, Any]]) -> Iterator[bytes]:
    """Yield the first bytes of images; their offsets count from the end of the index segment's name."""
    if not entries:
        return
    start = read_head(image).find(b"MPF\0") + len(b"MPF\0")
    for entry in entries:
        yield read_head(image, start + entry["DataOffset"], entry["Size"])
