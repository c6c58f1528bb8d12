"""Which pictures have others beside them in the file: gain maps, of which HDR is made, and views. Decodes none."""

import re
from collections.abc import Mapping
from typing import Any

from PIL.ImageFile import ImageFile

from forkresize.image.decode.head import read_head

_IN_JPEG = re.compile(
    rb"http://ns\.adobe\.com/hdr-gain-map/1\.0/"  # Ultra HDR
    rb"|urn:iso:std:iso:ts:21496:-1\0"
    rb"|http://ns\.apple\.com/HDRGainMap/1\.0/|urn:com:apple:photo:2020:aux:hdrgainmap"
)

_IN_BOXES = re.compile(rb"infe[\x02\x03].{7,9}tmap|urn:com:apple:photo:2020:aux:hdrgainmap", re.DOTALL)
"""In AVIF and HEIF: a picture of the type that ISO 21496-1 makes, or Apple's auxiliary one."""

_MP_ENTRIES = 0xB002

_PREVIEW = "Large Thumbnail"


def has_gain_map(image: ImageFile) -> bool:
    """Whether a picture has a gain map beside it: by Ultra HDR, ISO 21496-1 or Apple.

    Args:
        image: opened, but not loaded.
    """
    if image.format in {"AVIF", "HEIF"}:
        return _IN_BOXES.search(read_head(image)) is not None
    if image.format not in {"JPEG", "MPO"}:
        return False
    return any(map(_is_marked, (_segments(image), *_heads(image, _further(image)))))


def count_visible_images(image: ImageFile) -> int:
    """Return how many pictures there are to see in an MPO: previews and a gain map are none.

    Args:
        image: opened, but not loaded.
    """
    further = [entry for entry in _further(image) if not entry["Attribute"]["MPType"].startswith(_PREVIEW)]
    return 1 + sum(not _is_marked(content) for content in _heads(image, further))


def _is_marked(content: bytes) -> bool:
    return _IN_JPEG.search(content) is not None


def _segments(image: ImageFile) -> bytes:
    """Return what a JPEG's application segments hold."""
    return b"".join(content for _name, content in getattr(image, "applist", ()))


def _further(image: ImageFile) -> list[Mapping[str, Any]]:
    """Return what an MPO tells of its pictures but the first (CIPA DC-007, 5.2.3)."""
    told: Mapping[int, Any] = getattr(image, "mpinfo", {})
    return list(told.get(_MP_ENTRIES, ()))[1:]


def _heads(image: ImageFile, entries: list[Mapping[str, Any]]) -> list[bytes]:
    """Return the beginnings of further pictures; their places count from behind the name of the segment that tells."""
    if not entries:
        return []
    start = read_head(image).find(b"MPF\0") + len(b"MPF\0")
    return [read_head(image, start + entry["DataOffset"], entry["Size"]) for entry in entries]
