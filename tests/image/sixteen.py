"""Pictures of 16 bits per channel in color: drawn, written and read without the code under test."""

import io
import struct
import zlib
from collections.abc import Callable, Sequence
from math import ceil, floor, sin
from random import Random
from typing import Any

import pytest
from PIL import Image

from tests.image.decode.pngs import joined

Values = Sequence[int]
"""The levels of a picture, 0 to 65535, pixel by pixel, and in each channel by channel."""

COLOR_TYPES = {2: 4, 3: 2, 4: 6}


def smooth(size: tuple[int, int], channels: int) -> list[int]:
    """Return slopes that differ in every channel."""
    width, height = size
    levels = [
        (
            (37 * x + 11) * 65_535 // (37 * width)
            if channel % 2
            else (7 * y + 2 * x) * 65_535 // (7 * height + 2 * width)
        )
        for y in range(height)
        for x in range(width)
        for channel in range(channels)
    ]
    return [level % 65_536 for level in levels]


def noise(size: tuple[int, int], channels: int, seed: int = 1) -> list[int]:
    random = Random(seed)  # noqa: S311 (seeded on purpose)
    return [random.randrange(65_536) for _ in range(size[0] * size[1] * channels)]


def doubled(image: Image.Image) -> list[int]:
    """Return the levels of an image of 8 bits in 16: white stays white."""
    return [level * 257 for level in image.tobytes()]


def png(values: Values, size: tuple[int, int], channels: int, chunks: Sequence[tuple[bytes, bytes]] = ()) -> bytes:
    """Return a PNG without filters."""
    row = size[0] * channels
    lines = (values[start : start + row] for start in range(0, len(values), row))
    pixels = b"".join(b"\0" + struct.pack(f">{row}H", *line) for line in lines)
    header = struct.pack(">2I5B", *size, 16, COLOR_TYPES[channels], 0, 0, 0)
    return joined([(b"IHDR", header), *chunks, (b"IDAT", zlib.compress(pixels)), (b"IEND", b"")])


def vips() -> Any:
    """Return the bindings of libvips, an independent reader and writer."""
    return pytest.importorskip("pyvips")


def made(values: Values, size: tuple[int, int], channels: int) -> Any:
    """Return an image of libvips."""
    image = vips().Image.new_from_memory(struct.pack(f"{len(values)}H", *values), *size, channels, "ushort")
    return image.copy(interpretation="grey16" if channels < 3 else "rgb16")


def read(data: bytes, **options: Any) -> tuple[list[int], tuple[int, int], int]:
    """Return the levels, the size and the number of channels of a file, as libvips reads them."""
    image = vips().Image.new_from_buffer(data, "", **options)
    assert image.format == "ushort"
    return list(memoryview(image.write_to_memory()).cast("H")), (image.width, image.height), image.bands


def eight(image: Image.Image, kind: str = "PNG", **options: Any) -> bytes:
    image.save(file := io.BytesIO(), kind, **options)
    return file.getvalue()


def exact_png(draw: Callable[..., list[int]], size: tuple[int, int], channels: int) -> tuple[bytes, list[int]]:
    values = draw(size, channels)
    return png(values, size, channels), values


def gradient(width: int, white: int) -> list[list[int]]:
    """Return a row of red, one of green and one of blue, whose levels change slowly from 0 to white."""
    rise = [round(x * white / (width - 1)) for x in range(width)]
    return [rise, [white - level for level in rise], [round(white * (0.3 + 0.29 * sin(x / 190))) for x in range(width)]]


def repeated(rows: Sequence[Values], height: int) -> list[int]:
    """Return the levels of a picture all of whose rows are the same, given by channel."""
    return [level for pixel in zip(*rows, strict=True) for level in pixel] * height


def sinc(x: float) -> float:
    return 1.0 if x == 0 else sin(3.141592653589793 * x) / (3.141592653589793 * x)


def lanczos(row: list[float], width: int) -> list[float]:
    """Reduce a row by Lanczos's kernel of three lobes, in floating point."""
    scale, resized = len(row) / width, []
    for number in range(width):
        center = (number + 0.5) * scale
        places = range(max(0, floor(center - 3 * scale)), min(len(row), ceil(center + 3 * scale)))
        distances = [(place + 0.5 - center) / scale for place in places]
        weights = [sinc(each) * sinc(each / 3) if abs(each) < 3 else 0.0 for each in distances]
        resized.append(sum(w * row[place] for w, place in zip(weights, places, strict=True)) / sum(weights))
    return resized


def errors_of_gradient(data: bytes, rows: Sequence[Sequence[float]]) -> tuple[float, float]:
    """Return the mean and the largest error of a file of 800 columns to rows that are reduced in floating point.

    Args:
        data: the file.
        rows: of red, green and blue, with levels from 0 to 65535.
    """
    found, (width, _height), channels = read(data)
    assert (width, channels) == (800, 3)
    expected = [lanczos([float(level) for level in row], width) for row in rows]
    errors = [abs(found[3 * x + channel] - expected[channel][x]) for x in range(width) for channel in range(3)]
    return sum(errors) / len(errors), max(errors)
