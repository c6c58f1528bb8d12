"""Reads how bright an HDR picture gets. Converts no pixel."""

import re

from PIL.ImageFile import ImageFile

from forkresize.image.decode.head import read_head

# In PNG, chunks with numbers in ten-thousandths (third edition, 11.3.2.7 and 11.3.2.8); in AVIF and HEIF, boxes
# (ISO/IEC 14496-12, 12.1.5 to 12.1.7), whose light levels are whole numbers.
_LEVELS = {"PNG": (re.compile(rb"cLL[Ii](.{4})", re.DOTALL), 1e-4), None: (re.compile(rb"clli(..)", re.DOTALL), 1.0)}
_DISPLAY = re.compile(rb"(?:mDC[Vv]|mdcv).{16}(.{4})", re.DOTALL)
_DISPLAY_UNIT = 1e-4

_LEAST, _MOST = 1, 10_000
"""Candelas per square meter; others are mistakes."""


def read_peak(image: ImageFile) -> float | None:
    """Return the brightest light in candelas per square meter; None if the file does not have it.

    It is the brightest pixel, or else that of the display on which the picture was graded.

    Args:
        image: opened, but not loaded.
    """
    head = read_head(image)
    levels, unit = _LEVELS.get(image.format) or _LEVELS[None]
    found = ((levels.search(head), unit), (_DISPLAY.search(head), _DISPLAY_UNIT))
    lights = (int.from_bytes(match[1]) * scale for match, scale in found if match)
    return next((light for light in lights if _LEAST <= light <= _MOST), None)
