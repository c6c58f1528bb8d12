"""SGI whose run-length encoded rows end with a zero or without one, as ffmpeg writes them."""

import io
import struct
from collections.abc import Callable

import pytest
from PIL import Image

from forkresize.image.errors import PictureError
from forkresize.image.transform import transform
from forkresize.recipe import Recipe

Scene = Callable[..., Image.Image]


def packed(row: bytes, depth: int) -> bytes:
    """Return a row of one channel in literal runs, without a zero behind it."""
    count, runs = 100 * depth, b""
    for start in range(0, len(row), count):
        part = row[start : start + count]
        runs += (0x80 | len(part) // depth).to_bytes(depth) + part
    return runs


def sgi(image: Image.Image, depth: int = 1, *, zero: bool = False) -> bytes:
    """Return a file by the specification of the SGI image file format, 1.00; 16 bits repeat the 8 bits."""
    width, height = image.size
    bands = len(image.getbands())
    header = struct.pack(">HBBHHHH", 474, 1, depth, 3 if bands > 1 else 2, width, height, bands)
    planes = [plane.transpose(Image.Transpose.FLIP_TOP_BOTTOM).tobytes() for plane in image.split()]
    rows = [
        packed(b"".join(bytes([level]) * depth for level in plane[start : start + width]), depth) + bytes(depth * zero)
        for plane in planes
        for start in range(0, len(plane), width)
    ]
    start, starts = 512 + 8 * len(rows), []
    for row in rows:
        starts.append(start)
        start += len(row)
    tables = struct.pack(f">{2 * len(rows)}I", *starts, *map(len, rows))
    return header.ljust(512, b"\0") + tables + b"".join(rows)


def read(data: bytes, **recipe: object) -> Image.Image:
    [made] = transform(data, Recipe.of(format="png", depth="8", **recipe), name="a.sgi")
    return Image.open(io.BytesIO(made.data))


@pytest.mark.parametrize("zero", [False, True])
@pytest.mark.parametrize("depth", [1, 2])
@pytest.mark.parametrize("mode", ["L", "RGB", "RGBA"])
def test_all_rows_are_read(mode: str, depth: int, zero: bool, scene: Scene) -> None:
    image = scene(mode, (130, 50))
    assert read(sgi(image, depth, zero=zero)).convert(mode).tobytes() == image.tobytes()


def test_a_row_outside_the_file_is_damage(scene: Scene) -> None:
    image = scene("L", (130, 50))
    data = sgi(image)
    for damaged in (data[:-700], data[:520], data[:512] + b"\xff" * 4 + data[516:], data[:712] + b"\xff" + data[713:]):
        with pytest.raises(PictureError, match="overrun"):
            read(damaged)
    # The rows are stored from below.
    salvaged = read(data[:-700], on_truncated="salvage").convert("L")
    assert salvaged.crop((0, 20, 130, 50)).tobytes() == image.crop((0, 20, 130, 50)).tobytes()
