"""Writes PNGs of 16 bits per channel in color or with alpha (W3C, third edition). Pillow writes all but the pixels."""

import struct
import zlib
from collections.abc import Iterator, Mapping
from typing import Any

from PIL import Image, ImageChops

from forkresize.image.deep_image import DeepImage
from forkresize.image.encode.png_file import write_png

_COLOR_TYPES = {"LA;16": 4, "RGB;16": 2, "RGBA;16": 6}

_DEPTH = 16

_STRIP = 1 << 18
"""Bytes that are filtered at a time: they fit into the cache of a processor."""

_NO_FILTER, _SUB, _UP, _AVERAGE, _PAETH = range(5)

_SIGNED = [min(value, 256 - value) for value in range(256)]
"""How far a filtered byte is from 0, above or below."""

_POSITIVE = [0, *[255] * 255]

_MEMORY_LEVEL = 9


def save_png(image: DeepImage, options: Mapping[str, Any]) -> bytes:
    """Return a PNG.

    Args:
        image: the pixels.
        options: as for Pillow's ``Image.save``.
    """
    header = struct.pack(">2I5B", *image.size, _DEPTH, _COLOR_TYPES[image.mode], 0, 0, 0)
    return write_png(Image.new("RGB", (1, 1)), options, lambda _header: header, [_compress(image, options)])


def _compress(image: DeepImage, options: Mapping[str, Any]) -> bytes:
    level, strategy = options.get("compress_level", -1), options.get("compress_type", zlib.Z_DEFAULT_STRATEGY)
    stream = zlib.compressobj(level, zlib.DEFLATED, zlib.MAX_WBITS, _MEMORY_LEVEL, max(strategy, 0))
    return b"".join([*map(stream.compress, _filtered_rows(image)), stream.flush()])


def _filtered_rows(image: DeepImage) -> Iterator[bytes]:
    """Yield rows with the filter of each before it: the one whose bytes are the smallest (W3C, third edition, 12.7)."""
    step = 2 * len(image.planes)
    length = step * image.width
    rows = max(1, _STRIP // length)
    for top in range(0, image.height, rows):
        bottom = min(top + rows, image.height)
        # The row above the first of a picture counts as zeros, and so it is cropped.
        values = image.crop((0, top - 1, image.width, bottom)).tobytes("raw", "I;16B")
        both = Image.frombytes("L", (length, bottom - top + 1), values)
        candidates = _filter(both, step)
        sizes = [_row_sizes(candidate) for candidate in candidates]
        contents = [candidate.tobytes() for candidate in candidates]
        for row, each in enumerate(zip(*sizes, strict=True)):
            best = each.index(min(each))
            yield bytes([best]) + contents[best][row * length : (row + 1) * length]


def _row_sizes(candidate: Image.Image) -> list[float]:
    means = candidate.point(_SIGNED, "F").resize((1, candidate.height), Image.Resampling.BOX)
    return list(memoryview(means.tobytes()).cast("f"))


def _filter(both: Image.Image, step: int) -> list[Image.Image]:
    """Return rows by each filter (W3C, third edition, 9.2).

    Args:
        both: the bytes of the rows as mode L, and of the one above them.
        step: how far the bytes of a pixel are from those of the next.
    """
    width, height = both.size
    above, here = both.crop((0, 0, width, height - 1)), both.crop((0, 1, width, height))
    corner, left = (each.crop((-step, 0, width - step, height - 1)) for each in (above, here))
    average = ImageChops.add(left, above, scale=2)
    predictions = (left, above, average, _predict_by_paeth(left, above, corner))
    return [here, *(ImageChops.subtract_modulo(here, prediction) for prediction in predictions)]


def _predict_by_paeth(left: Image.Image, above: Image.Image, corner: Image.Image) -> Image.Image:
    """Return whichever of three bytes is nearest to ``left + above - corner``; in doubt, the first.

    The corner is the nearest only if it is between the other two. Then its distance is the difference of theirs.
    """
    from_left, from_above = ImageChops.difference(above, corner), ImageChops.difference(left, corner)
    from_corner = ImageChops.difference(from_left, from_above)
    falls = ImageChops.darker(ImageChops.subtract(left, corner), ImageChops.subtract(corner, above))
    rises = ImageChops.darker(ImageChops.subtract(above, corner), ImageChops.subtract(corner, left))
    is_nearest = ImageChops.darker(
        ImageChops.subtract(from_left, from_corner), ImageChops.subtract(from_above, from_corner)
    )
    is_corner = ImageChops.darker(ImageChops.lighter(falls, rises), is_nearest)
    predicted = left.copy()
    predicted.paste(above, mask=ImageChops.subtract(from_left, from_above).point(_POSITIVE))
    predicted.paste(corner, mask=is_corner.point(_POSITIVE))
    return predicted
