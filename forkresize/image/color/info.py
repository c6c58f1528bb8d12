"""Reads color information other than ICC profiles, as an ICC profile. Converts no pixel."""

import re
import struct
from itertools import takewhile

from msgspec import Struct
from PIL.ImageFile import ImageFile

from forkresize.formats import png
from forkresize.image.color import icc
from forkresize.image.color.cicp import BT709, CicpColorSpace, srgb_curve
from forkresize.image.decode.head import read_head, rewound
from forkresize.image.diagnostics import Diagnostics

_ADOBE_RGB: icc.Primaries = (BT709[0], (0.210, 0.710), BT709[2], BT709[3])
_ADOBE_RGB_GAMMA = 563 / 256
"""Adobe RGB (1998) Color Image Encoding, 4.3.1.2."""

_IN_ADOBE_RGB = rb"\x00\x01\x00\x02\x00{3}\x04R03\x00|\x01\x00\x02\x00\x04\x00{3}R03\x00"
"""EXIF's InteroperabilityIndex R03, of cameras that shoot in Adobe RGB and embed no profile (DCF 2.0)."""

_IN_SRGB = rb"\xa0\x01\x00\x03\x00{3}\x01\x00\x01|\x01\xa0\x03\x00\x01\x00{3}\x01\x00"
"""EXIF's ColorSpace with the value sRGB."""

_GRAY = frozenset({"1", "L", "LA", "I;16", "I;16B", "I", "F"})

_NCLX = rb"(?s)colrnclx(..)(..)"

_SRGB_GAMMA = 0.45455
_ALIKE = 0.05
"""Gammas that differ by less count as equal, as in libpng."""


class ColorInfo(Struct, frozen=True):
    """The color space of a file.

    Attributes:
        profile: the ICC profile that the pixels follow; None for the embedded one, or sRGB if there is none.
        is_hdr: whether values can be above white, which the profile compresses.
    """

    profile: bytes | None = None
    is_hdr: bool = False


_CICP_BYTES = 4
"""Primaries, transfer, matrix and range (PNG, third edition, 11.3.2.6)."""


def read_color_info(image: ImageFile, diagnostics: Diagnostics) -> ColorInfo:
    """Return the color space of a file; warn about color information that is invalid or unknown.

    Supported are CICP in PNG, AVIF and HEIF, gAMA and cHRM in PNG, and EXIF's Adobe RGB. An embedded profile takes
    precedence, except over a PNG's CICP (PNG, third edition, 4.3).

    Args:
        image: opened, but not loaded.
        diagnostics: receives warnings.
    """
    space = _cicp(image)
    if space:
        return _from_cicp(space, image, diagnostics)
    if "icc_profile" in image.info or "srgb" in image.info:
        return ColorInfo()
    try:
        return ColorInfo(_from_gamma(image) or _adobe_rgb(image))
    except (ZeroDivisionError, struct.error):
        diagnostics.warn("invalid color information; assuming sRGB")
        return ColorInfo()


def _cicp(image: ImageFile) -> CicpColorSpace | None:
    if image.format == "PNG":
        return _cicp_chunk(image)
    if "icc_profile" in image.info:
        return None
    heif = image.info.get("nclx_profile")
    if heif:
        return CicpColorSpace(heif["color_primaries"], heif["transfer_characteristics"])
    # The first is that of the picture, before those of its alpha and of its gain map.
    nclx = re.search(_NCLX, read_head(image)) if image.format == "AVIF" else None
    return CicpColorSpace(*(int.from_bytes(number) for number in nclx.groups())) if nclx else None


def _read_peak(image: ImageFile) -> float | None:
    # Few pictures are HDR.
    from forkresize.image.color.peak import read_peak

    return read_peak(image)


def _from_cicp(space: CicpColorSpace, image: ImageFile, diagnostics: Diagnostics) -> ColorInfo:
    if space.is_srgb:
        return ColorInfo()
    peak = _read_peak(image) if space.is_hdr else None
    profile = space.profile(is_gray=image.mode in _GRAY, peak=peak)
    if profile is None:
        diagnostics.warn(f"unknown color space: CICP {space.primaries}/{space.transfer}; assuming sRGB")
    return ColorInfo(profile, space.is_hdr)


def _from_gamma(image: ImageFile) -> bytes | None:
    gamma, points = image.info.get("gamma", _SRGB_GAMMA), image.info.get("chromaticity")
    is_srgb_curve = abs(gamma / _SRGB_GAMMA - 1) < _ALIKE
    if image.format != "PNG" or (is_srgb_curve and not points):
        return None
    curve = srgb_curve() if is_srgb_curve else icc.power(1 / gamma)
    if image.mode in _GRAY:
        return None if is_srgb_curve else icc.gray_profile(curve)
    white, red, green, blue = zip(points[::2], points[1::2], strict=True) if points else (BT709[3], *BT709[:3])
    return icc.color_profile((red, green, blue, white), curve)


def _adobe_rgb(image: ImageFile) -> bytes | None:
    exif = image.info.get("exif", b"")
    if image.format not in {"JPEG", "MPO"} or not re.search(_IN_ADOBE_RGB, exif) or re.search(_IN_SRGB, exif):
        return None
    return icc.color_profile(_ADOBE_RGB, icc.power(_ADOBE_RGB_GAMMA))


def _cicp_chunk(image: ImageFile) -> CicpColorSpace | None:
    with rewound(image) as file:
        for name, length in takewhile(lambda chunk: chunk[0] != b"IDAT", png.chunks(file)):
            if name == b"cICP" and length == _CICP_BYTES:
                return CicpColorSpace(*file.read(2))
    return None
