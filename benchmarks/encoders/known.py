"""Differences that are known, with their reasons."""

import re

from benchmarks.encoders.case import Case
from benchmarks.encoders.compare import Verdict

KNOWN: tuple[tuple[str, str, str], ...] = (
    ("refused", r"-compress WebP|compression=webp|-c webp", "Pillow's libtiff has no WebP"),
    ("refused", r"ga16.*tif|gm convert \{g.*16\}", "Pillow has no mode for 16-bit gray with alpha or palettes"),
    ("refused", r"floating-point|vips cast .* (float|double)|scrgb", "numbers without an agreed range"),
    ("refused", r"-depth 32|vips cast .* (char|short|uint|int)", "signed, or more than 16 bits per channel"),
    ("refused", r"vips colourspace \{rgb\} (lab|labs|xyz)", "signed or floating-point Lab and XYZ"),
    ("refused", r"ffmpeg .*yuv4(20|22|11)p.*raw", "Pillow reads YCbCr of reduced colors only if it is compressed"),
    ("refused", r"ffmpeg .*rgb444.*bmp", "BMP with 4 bits per channel"),
    ("refused", r"convert \{rgb\} \(pfm\)", "Pillow reads PFM of gray only"),
    ("refused", r"\(pam\)|\(fits\)", "forkresize does not read the format"),
    ("refused", r"rgb16.*psd", "PSD of 16 bits per channel in color"),
    ("differs", r"alpha=unspecified|gm convert \{(rgba|ga|rgba16)\} .*tif", "the file does not call its alpha by name"),
    ("differs", r"-colorspace Lab", "Lab in TIFF has the white D50, and these programs take D65"),
    ("differs", r"vips colourspace \{rgb\} cmyk", "the file has a profile, which the other programs ignore"),
    ("differs", r"avifenc .*-y 42[02]", "libavif interpolates reduced colors, the others repeat them"),
    ("differs", r"avifenc .*\{gray\} -r limited", "the others do not expand the limited range of gray"),
    ("differs", r"avifenc .*-p \{rgba\}", "the others do not divide premultiplied colors by their alpha"),
    ("differs", r"ffmpeg .*bgra.*bmp", "the header of the BMP has no alpha"),
    ("differs", r"\(pfm\)", "the others scale the numbers in other ways"),
)
"""Verdict, regular expression of the case's name, reason."""


def reason_for(case: Case, verdict: Verdict) -> str:
    """Return why a difference is accepted; empty if it is not."""
    matching = (reason for word, names, reason in KNOWN if word == verdict.word and re.search(names, case.name))
    return next(matching, "")
