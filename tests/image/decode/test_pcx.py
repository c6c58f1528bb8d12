"""PCX with and without compression."""

import io
import struct
from collections.abc import Callable

import pytest
from PIL import Image

from forkresize.image.errors import PictureError
from forkresize.image.transform import transform
from forkresize.recipe import Recipe

Scene = Callable[..., Image.Image]


def uncompressed(image: Image.Image) -> bytes:
    """Return a PCX as GraphicsMagick writes it: no compression, rows of odd lengths."""
    (width, height), planes = image.size, image.split()
    header = struct.pack("<BBBBHHHHHH", 10, 5, 0, 8, 0, 0, width - 1, height - 1, 300, 300) + bytes(49)
    header += bytes([len(planes)]) + struct.pack("<HH", width, 1)
    pixels = [plane.tobytes() for plane in planes]
    rows = (plane[row * width : (row + 1) * width] for row in range(height) for plane in pixels)
    return header.ljust(128, b"\0") + b"".join(rows)


def read(data: bytes) -> Image.Image:
    [made] = transform(data, Recipe.of(format="png"), name="a.pcx")
    return Image.open(io.BytesIO(made.data))


@pytest.mark.parametrize("mode", ["L", "RGB"])
def test_pixels_without_compression_are_read(mode: str, scene: Scene) -> None:
    image = scene(mode, (97, 61))
    assert read(uncompressed(image)).tobytes() == image.tobytes()
    with pytest.raises(PictureError, match="truncated"):
        read(uncompressed(image)[:-400])


@pytest.mark.parametrize("mode", ["1", "L", "P", "RGB"])
def test_compressed_pixels_are_read(mode: str, scene: Scene) -> None:
    image = scene(mode, (97, 61))
    image.save(file := io.BytesIO(), "PCX")
    assert read(file.getvalue()).convert("RGB").tobytes() == image.convert("RGB").tobytes()
