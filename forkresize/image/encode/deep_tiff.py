"""Writes TIFFs with pages of 16 bits per channel in color or with alpha (TIFF 6.0). Pillow writes all other pages."""

import io
import zlib
from collections.abc import Iterator, Mapping, Sequence
from itertools import accumulate
from typing import IO, TYPE_CHECKING, Any

from PIL import Image

from forkresize.formats import tiff
from forkresize.image.arithmetic import evaluate
from forkresize.image.deep_image import MAX_LEVEL, DeepImage

_STRIP = 1 << 16
"""Bytes of a strip before compression, as Pillow and libtiff write them."""

_LEVEL = 6

_LITTLE_ENDIAN = b"II*\0\0\0\0\0"

_WIDTH, _LENGTH, _BITS, _COMPRESSION, _PHOTOMETRIC = 256, 257, 258, 259, 262
_OFFSETS, _SAMPLES, _ROWS, _COUNTS, _X_RESOLUTION, _Y_RESOLUTION = 273, 277, 278, 279, 282, 283
_PLANAR, _UNIT, _PREDICTOR, _EXTRA = 284, 296, 317, 338
"""Tags (TIFF 6.0, section 8 and later)."""

_DEFLATE, _TOGETHER, _HORIZONTAL, _STRAIGHT_ALPHA, _INCH = 8, 1, 2, 2, 2
_BLACK_IS_ZERO, _RGB = 1, 2

if TYPE_CHECKING:
    from PIL.TiffImagePlugin import ImageFileDirectory_v2


def save_tiff(images: Sequence[Image.Image], options: Mapping[str, Any]) -> bytes:
    """Return a TIFF.

    Args:
        images: a page each.
        options: as for Pillow's ``Image.save``.
    """
    # A run without work does not need it.
    from PIL.TiffImagePlugin import AppendingTiffWriter

    file = io.BytesIO()
    if len(images) == 1:
        _write_page(file, images[0], options)
        return file.getvalue()
    with AppendingTiffWriter(file) as writer:
        for image in images:
            _write_page(writer, image, options)
            writer.newFrame()
    return file.getvalue()


def _write_page(file: IO[bytes], image: Image.Image, options: Mapping[str, Any]) -> None:
    if not isinstance(image, DeepImage):
        from PIL import TiffImagePlugin

        image.encoderinfo, image.encoderconfig = dict(options), ()
        TiffImagePlugin._save(image, file, "")  # noqa: SLF001 -- the public way begins another file.
        return
    rows = max(1, _STRIP // (2 * len(image.planes) * image.width))
    strips = [zlib.compress(strip, _LEVEL) for strip in _strips(image, rows)]
    tags = _metadata_tags(options)
    for tag, value in _pixel_tags(image, rows, strips).items():
        tags[tag] = value
    tags.save(file)
    file.write(b"".join(strips))


def _metadata_tags(options: Mapping[str, Any]) -> "ImageFileDirectory_v2":
    from PIL.TiffImagePlugin import ImageFileDirectory_v2
    from PIL.TiffTags import TAGS_V2_GROUPS

    tags = ImageFileDirectory_v2(_LITTLE_ENDIAN)
    info = options.get("tiffinfo") or Image.Exif()
    for tag in info:
        tags[tag] = info.get_ifd(tag) if tag in TAGS_V2_GROUPS else info[tag]
    if options.get("icc_profile"):
        tags[tiff.ICC_PROFILE] = options["icc_profile"]
    if options.get("dpi"):
        across, down = options["dpi"]
        tags[_UNIT] = _INCH
        tags[_X_RESOLUTION], tags[_Y_RESOLUTION] = across, down
    return tags


def _pixel_tags(image: DeepImage, rows: int, strips: Sequence[bytes]) -> dict[int, Any]:
    channels = len(image.planes)
    lengths = tuple(map(len, strips))
    tags: dict[int, Any] = {
        _WIDTH: image.width,
        _LENGTH: image.height,
        _BITS: (16,) * channels,
        _COMPRESSION: _DEFLATE,
        _PHOTOMETRIC: _BLACK_IS_ZERO if image.mode == "LA;16" else _RGB,
        # Relative to the end of the tags.
        _OFFSETS: tuple(accumulate(lengths[:-1], initial=0)),
        _SAMPLES: channels,
        _ROWS: rows,
        _COUNTS: lengths,
        _PLANAR: _TOGETHER,
        _PREDICTOR: _HORIZONTAL,
    }
    if image.mode != "RGB;16":
        tags[_EXTRA] = _STRAIGHT_ALPHA
    return tags


def _strips(image: DeepImage, rows: int) -> Iterator[bytes]:
    """Yield rows in which each value is the difference to the one on its left (TIFF 6.0, section 14)."""
    for top in range(0, image.height, rows):
        strip = image.crop((0, top, image.width, min(top + rows, image.height)))
        yield strip.map_planes(_subtract_left).tobytes()


def _subtract_left(plane: Image.Image) -> Image.Image:
    left = plane.crop((-1, 0, plane.width - 1, plane.height))
    difference = evaluate(
        lambda of: (of["here"] - of["left"]) & MAX_LEVEL, here=plane.convert("I"), left=left.convert("I")
    )
    return difference.convert("I;16")
