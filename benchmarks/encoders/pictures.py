"""Draws the pictures that the encoders are given, from a seed."""

import random
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path

from PIL import Image, ImageCms, ImageDraw, TiffImagePlugin

SIZE = 97, 61
"""Odd, so that blocks and tiles are cut at the edges."""


def draw(folder: Path) -> dict[str, str]:
    """Write the pictures into a folder; return their paths by the names that commands use."""
    folder.mkdir(parents=True, exist_ok=True)
    images = _images()
    for name, image in images.items():
        image.save(folder / f"{name}.png")
        (folder / f"{name}.bytes").write_bytes(image.convert("RGBA").tobytes())
    images["rgb"].save(folder / "rgb.ppm")
    images["gray"].save(folder / "gray.pgm")
    images["bw"].save(folder / "bw.pbm")
    images["rgb"].save(folder / "rgb.tif")
    images["rgb"].save(folder / "jpeg.jpg", quality=90)
    images["rgb"].convert("CMYK").save(folder / "cmyk.tif")
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    (folder / "srgb.icc").write_bytes(profile)
    (folder / "rgb16.ppm").write_bytes(b"P6 %d %d 65535\n" % SIZE + b"".join(_deep(images["rgb"])))
    (folder / "gray16.pgm").write_bytes(b"P5 %d %d 65535\n" % SIZE + b"".join(_deep(images["gray"])))
    for mode, color in (("rgb", 2), ("rgba", 6), ("gray", 0), ("ga", 4)):
        (folder / f"{mode}16.png").write_bytes(_deep_png(images[mode], color))
    _write_float_tiff(folder / "float.tif", images["rgb"])
    for number in range(3):
        images["rgb"].rotate(number * 30).save(folder / f"frame{number}.png")
    paths = {path.name.replace(".", "_"): str(path) for path in folder.iterdir()}
    return paths | {path.stem: str(path) for path in folder.glob("*.png")} | {"w": str(SIZE[0]), "h": str(SIZE[1])}


def _images() -> dict[str, Image.Image]:
    slope, hill = Image.linear_gradient("L").resize(SIZE), Image.radial_gradient("L").resize(SIZE)
    rgb = Image.merge("RGB", (slope, Image.linear_gradient("L").rotate(90).resize(SIZE), hill))
    pencil, chance = ImageDraw.Draw(rgb), random.Random(14)
    for _ in range(12):
        left, top = chance.randrange(SIZE[0] - 20), chance.randrange(SIZE[1] - 15)
        pencil.ellipse((left, top, left + 18, top + 13), fill=tuple(chance.randbytes(3)))
    gray, alpha = rgb.convert("L"), hill.point(lambda level: max(0, 300 - 2 * level))
    rgba, ga = rgb.copy(), gray.convert("LA")
    rgba.putalpha(alpha.point(lambda level: min(level, 255)))
    ga.putalpha(rgba.getchannel("A"))
    return {
        "rgb": rgb,
        "rgba": rgba,
        "gray": gray,
        "ga": ga,
        "bw": gray.convert("1"),
        "pal": rgb.quantize(64),
        "pal4": rgb.quantize(4),
        "pal16": rgb.quantize(16),
    }


def _deep(image: Image.Image) -> Iterator[bytes]:
    """Yield each row with 16 bits per channel; the lower byte is another one."""
    width, height = image.size
    channels = len(image.getbands())
    pixels = image.tobytes()
    for row in range(height):
        levels = pixels[row * width * channels : (row + 1) * width * channels]
        yield b"".join(bytes((level, (level * 37) & 0xFF)) for level in levels)


def _deep_png(image: Image.Image, color: int) -> bytes:
    header = struct.pack(">IIBBBBB", *image.size, 16, color, 0, 0, 0)
    rows = b"".join(b"\0" + row for row in _deep(image))
    parts = (b"IHDR", header), (b"IDAT", zlib.compress(rows)), (b"IEND", b"")
    chunks = (
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data)) for name, data in parts
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


def _write_float_tiff(path: Path, image: Image.Image) -> None:
    """Write gray floating-point numbers from 0 to 1."""
    plane = image.convert("L").convert("F").point(lambda level: level * (1 / 255) + 0)
    plane.save(path, tiffinfo=TiffImagePlugin.ImageFileDirectory_v2())
