"""Source color spaces, conversion by littleCMS as a reference, and color differences."""

import io
import struct
from itertools import product
from math import atan2, cos, degrees, exp, hypot, radians, sin, sqrt

from PIL import Image, ImageCms

from forkresize.image.color import icc
from forkresize.image.color.cicp import srgb_curve

Lab = tuple[float, float, float]

_D65 = 0.3127, 0.3290

ADOBE_RGB = icc.color_profile(((0.64, 0.33), (0.21, 0.71), (0.15, 0.06), _D65), icc.power(563 / 256))
"""Adobe RGB (1998), 4.3.1 and 4.3.4."""

DISPLAY_P3 = icc.color_profile(((0.68, 0.32), (0.265, 0.69), (0.15, 0.06), _D65), srgb_curve())
"""The primaries of SMPTE EG 432-1 with sRGB's curve."""


def by_littlecms(image: Image.Image, profile: bytes) -> Image.Image:
    """Return an image in sRGB, relative colorimetric with black point compensation, without littleCMS's shortcuts."""
    own, srgb = ImageCms.ImageCmsProfile(io.BytesIO(profile)), ImageCms.createProfile("sRGB")
    intent, flags = (
        ImageCms.Intent.RELATIVE_COLORIMETRIC,
        ImageCms.Flags.BLACKPOINTCOMPENSATION | ImageCms.Flags.NOOPTIMIZE,
    )
    transform = ImageCms.buildTransform(own, srgb, image.mode, "RGB", intent, flags)
    return transform.apply(image)


def ink_profile() -> bytes:
    """Return an ICC profile of four inks: a table of its corners in CIE L*a*b* (ICC.1:2001-04, 6.5.11)."""
    corners = (
        (level * (255 - 70 * (c + m + y)), 128 + level * (60 * m - 50 * c), 128 + level * (70 * y - 40 * c))
        for c, m, y, level in product((0, 1), (0, 1), (0, 1), (1, 0))
    )
    unit = struct.pack(">9i", *[65536, 0, 0, 0] * 2, 65536)
    straight = bytes(range(256))
    table = b"mft1\0\0\0\0\4\3\2\0" + unit + straight * 4 + b"".join(map(bytes, corners)) + straight * 3
    white = struct.pack(">3i", 63190, 65536, 54061)
    kinds = struct.pack(">IiI", 176 + len(table), 0, 0x02100000) + b"prtrCMYKLab "
    header = kinds + bytes(12) + b"acsp" + bytes(28) + white
    entries = struct.pack(">I4sII4sII", 2, b"wtpt", 156, 20, b"A2B0", 176, len(table))
    return header.ljust(128, b"\0") + entries + b"XYZ \0\0\0\0" + white + table


def labs(image: Image.Image) -> list[Lab]:
    """Return the CIE L*a*b* of pixels in sRGB, under the white of D65 (IEC 61966-2-1:1999, 5.2; CIE 15:2004, 8.2.1)."""
    light = [v / 255 / 12.92 if v / 255 <= 0.04045 else ((v / 255 + 0.055) / 1.055) ** 2.4 for v in range(256)]  # noqa: PLR2004 (the formula's)
    values = image.convert("RGB").tobytes()
    return [_lab(light[r], light[g], light[b]) for r, g, b in zip(values[::3], values[1::3], values[2::3], strict=True)]


def _lab(red: float, green: float, blue: float) -> Lab:
    x = _cube_root((0.4124 * red + 0.3576 * green + 0.1805 * blue) / 0.9505)
    y = _cube_root(0.2126 * red + 0.7152 * green + 0.0722 * blue)
    z = _cube_root((0.0193 * red + 0.1192 * green + 0.9505 * blue) / 1.089)
    return 116 * y - 16, 500 * (x - y), 200 * (y - z)


def _cube_root(light: float) -> float:
    return light ** (1 / 3) if light > (6 / 29) ** 3 else light * (29 / 6) ** 2 / 3 + 4 / 29


def delta_e_2000(one: Lab, other: Lab) -> float:
    """Return the perceived difference of two colors (Sharma, Wu and Dalal 2005, equations 2 to 22)."""
    (l1, a1, b1), (l2, a2, b2) = one, other
    stretch = 1.5 - 0.5 * _vividness((hypot(a1, b1) + hypot(a2, b2)) / 2)
    c1, c2 = hypot(stretch * a1, b1), hypot(stretch * a2, b2)
    h1, h2 = (degrees(atan2(b, stretch * a)) % 360 for a, b in ((a1, b1), (a2, b2)))
    turn = (h2 - h1 + 180) % 360 - 180 if c1 * c2 else 0
    hue = h1 + turn / 2 if c1 * c2 else h1 + h2
    lightness, chroma = (l1 + l2) / 2 - 50, (c1 + c2) / 2
    waves = ((-0.17, 1, -30), (0.24, 2, 0), (0.32, 3, 6), (-0.2, 4, -63))
    t = 1 + sum(height * cos(radians(times * hue + phase)) for height, times, phase in waves)
    light = (l2 - l1) / (1 + 0.015 * lightness**2 / sqrt(20 + lightness**2))
    vivid = (c2 - c1) / (1 + 0.045 * chroma)
    tint = 2 * sqrt(c1 * c2) * sin(radians(turn / 2)) / (1 + 0.015 * chroma * t)
    twist = -sin(radians(60 * exp(-(((hue % 360 - 275) / 25) ** 2)))) * 2 * _vividness(chroma)
    return sqrt(light**2 + vivid**2 + tint**2 + twist * vivid * tint)


def _vividness(chroma: float) -> float:
    """Return the term by which both the stretch and the rotation of the formula grow with chroma."""
    return sqrt(chroma**7 / (chroma**7 + 25**7))
