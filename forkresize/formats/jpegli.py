"""JPEGs by the optional encoder jpegli: fewer bytes for the same look, in the same time."""

from functools import cache
from types import ModuleType

from forkresize.formats import spec
from forkresize.formats.jpeg_segments import SOS, segments
from forkresize.formats.package import OptionalPackage

JPEGLI = OptionalPackage("jpegli", "pyjpegli", "pyjpegli")

_QUALITY_STEP = 1
"""How much higher its quality is where SSIMULACRA2 finds no difference, on the mean of 16 photographs: 81.3 for 80."""

_MAX_QUALITY = 100

_SOI = b"\xff\xd8"
_MARKER_AND_LENGTH = 4

_APP0, _APP15, _COMMENT = 0xE0, 0xEF, 0xFE
"""Markers of what is kept of a file: segments of applications, and comments."""


def uses_jpegli(request: spec.EncodeRequest) -> bool:
    """Return whether jpegli is asked for, and makes what is asked for: baseline JPEGs in color with 4:2:0 alone."""
    is_asked = not request.lossless and (request.effort or 0) >= spec.THOROUGH_EFFORT and request.quality is not None
    return is_asked and request.mode == "RGB" and request.chroma == "4:2:0" and not request.progressive


@cache
def jpegli() -> ModuleType | None:
    """Return the optional package, loaded on the first call; None if it is not installed."""
    return JPEGLI.load()


def encode(images: spec.Images, request: spec.EncodeRequest, file: bytes) -> bytes:
    """Return a picture encoded by jpegli, or the file if that is smaller, or if jpegli cannot be used.

    Args:
        images: one picture.
        request: how to encode it.
        file: a JPEG of it, whose metadata and profile are kept.

    Raises:
        spec.UnsupportedContainerError: the file is damaged.
    """
    module = jpegli() if uses_jpegli(request) else None
    if module is None or request.quality is None:
        return file
    (image,) = images
    quality = min(_MAX_QUALITY, request.quality + _QUALITY_STEP)
    made: bytes = module.encode(image.tobytes(), *image.size, quality)
    return min(file, _with_segments_of(file, made), key=len)


def _with_segments_of(file: bytes, made: bytes) -> bytes:
    """Return a JPEG that has no metadata with that of another one."""
    kept = [_SOI]
    for segment in segments(file):
        if segment.marker == SOS:
            break
        if _APP0 <= segment.marker <= _APP15 or segment.marker == _COMMENT:
            kept.append(file[segment.start - _MARKER_AND_LENGTH : segment.end])
    return b"".join((*kept, made[len(_SOI) :]))
