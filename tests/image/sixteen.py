"""Pictures of 16 bits per channel in color: drawn, written and read without the code under test."""

import io
import struct
import zlib
from collections.abc import Callable, Sequence
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
