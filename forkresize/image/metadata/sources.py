"""Finds XMP and IPTC in opened files. Does not parse them."""

from typing import Any

from PIL.Image import Image

from forkresize.formats import tiff
from forkresize.formats.metadata import IPTC_RESOURCE

_PHOTOSHOP_IPTC = 0x0404


def xmp(image: Image) -> bytes:
    """Return the XMP packet, unfiltered; empty for none.

    Raises:
        ValueError: it is not bytes.
    """
    return _in_bytes(image.info.get("xmp") or _raw_profile(image, "xmp"))


def iptc(image: Image) -> bytes:
    """Return the IPTC datasets, unfiltered; empty for none.

    Raises:
        ValueError: it is not bytes.
    """
    if image.format == "TIFF":
        # As Pillow's own getiptcinfo() does: Photoshop declares the bytes as numbers, and Pillow gives only the first.
        tags: Any = image.tag_v2  # type: ignore[attr-defined]
        return _in_bytes(tags._tagdata.get(tiff.IPTC, b""))  # noqa: SLF001
    resources = image.info.get("photoshop")
    if isinstance(resources, dict) and _PHOTOSHOP_IPTC in resources:
        return _in_bytes(resources[_PHOTOSHOP_IPTC])
    return _resource(_raw_profile(image, "iptc"))


def _in_bytes(block: Any) -> bytes:
    if isinstance(block, str):
        return block.encode()
    if not isinstance(block, bytes):
        raise ValueError(f"it is of type {type(block).__name__}")  # noqa: TRY004 -- the file is wrong, not the caller.
    return block


def _raw_profile(image: Image, name: str) -> bytes:
    """Return a block that ImageMagick stored as a PNG's text in hexadecimal digits; empty for none."""
    text = image.info.get(f"Raw profile type {name}", "")
    return bytes.fromhex("".join(text.split("\n")[3:]))


def _resource(block: bytes) -> bytes:
    """Return the content of the IPTC resource if the block consists of Photoshop's resources, else the block."""
    _before, found, rest = block.partition(IPTC_RESOURCE)
    return rest[4 : 4 + int.from_bytes(rest[:4], "big")] if found else block
