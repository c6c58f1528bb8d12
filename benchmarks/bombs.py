"""Small files that take much memory when they are decoded, and JPEG XL pictures of several sizes and kinds."""

import io
import struct
import zlib
from collections.abc import Callable, Iterator, Mapping
from importlib import import_module
from importlib.util import find_spec
from random import Random
from typing import Any

from PIL import Image

from benchmarks.photographs import scene

_WIDE, _HIGH = 14_000, 14_000
"""Sides of 196 megapixels, below the limit of 200."""

_HALF = 7000, 7000


def bombs() -> Iterator[tuple[str, bytes]]:
    """Yield the name and the content of each bomb."""
    for kind in (_pngs, _gifs, _tiffs, _saved, _packed, _jxls):
        for name, make in kind().items():
            yield name, make()


def jxl_pictures(megapixels: tuple[float, ...] = (1, 4, 12)) -> Iterator[tuple[str, bytes]]:
    """Yield honest JPEG XL pictures of these sizes: lossy and lossless, with and without alpha, gray and deep."""
    for size in megapixels:
        height = round((size * 1e6 / 1.5) ** 0.5)
        photo = scene((height * 3 // 2, height), Random(1))
        alpha = photo.convert("RGBA")
        alpha.putalpha(Image.linear_gradient("L").resize(photo.size))
        deep = photo.convert("I").point(lambda value: value * 257).convert("I;16")
        for name, image, options in (
            ("lossy", photo, {"effort": 3}),
            ("lossless", photo, {"effort": 1, "lossless": True}),
            ("alpha", alpha, {"effort": 3}),
            ("lossless-alpha", alpha, {"effort": 1, "lossless": True}),
            ("gray", photo.convert("L"), {"effort": 3}),
            ("deep", deep, {"effort": 1, "lossless": True}),
        ):
            yield f"{size:g}-{name}.jxl", _encode(image, "JXL", **options)


def _encode(image: Image.Image, kind: str, **options: Any) -> bytes:
    if kind == "JXL":
        import_module("pillow_jxl")
    image.save(file := io.BytesIO(), kind, **options)
    return file.getvalue()


def _flat(mode: str, size: tuple[int, int], kind: str, **options: Any) -> Callable[[], bytes]:
    return lambda: _encode(Image.new(mode, size), kind, **options)


def png(size: tuple[int, int], *chunks: tuple[bytes, bytes], color: int = 2, depth: int = 8, rows: int = 0) -> bytes:
    """Return a PNG of zeros; ``rows`` bytes of them, and as many as it needs by default."""
    channels = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}[color]
    packer, total = zlib.compressobj(), rows or ((size[0] * channels * depth + 7) // 8 + 1) * size[1]
    block = bytes(1 << 20)
    data = b"".join(packer.compress(block[: min(len(block), total - done)]) for done in range(0, total, len(block)))
    header = struct.pack(">2I5B", *size, depth, color, 0, 0, 0)
    parts = (b"IHDR", header), *chunks, (b"IDAT", data + packer.flush()), (b"IEND", b"")
    framed = (
        struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body)) for name, body in parts
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(framed)


def _pngs() -> Mapping[str, Callable[[], bytes]]:
    bloated = zlib.compress(bytes(1 << 28))
    return {
        "beyond-limit.png": lambda: png((60_000, 60_000), rows=1000),
        "row.png": lambda: png((2**31 - 1, 1), rows=1000),
        "rgb.png": lambda: png((_WIDE, _HIGH)),
        "rgba.png": lambda: png((_WIDE, _HIGH), color=6),
        "deep.png": lambda: png(_HALF, color=6, depth=16),
        "gray.png": lambda: png((_WIDE, _HIGH), color=0, depth=1),
        "pixels.png": lambda: png((8, 8), rows=1 << 28),
        "text.png": lambda: png((8, 8), (b"zTXt", b"Comment\0\0" + bloated)),
        "international.png": lambda: png((8, 8), (b"iTXt", b"Comment\0\1\0\0\0" + bloated)),
        "profile.png": lambda: png((8, 8), (b"iCCP", b"p\0\0" + bloated)),
        "frames.png": lambda: png((8, 8), (b"acTL", struct.pack(">II", 2**31 - 1, 0))),
        "in.ico": lambda: _icon(png(_HALF, color=6)),
        "in.icns": lambda: _icns(png(_HALF, color=6)),
    }


def _icon(data: bytes) -> bytes:
    return struct.pack("<HHHBBBBHHII", 0, 1, 1, 16, 16, 0, 0, 1, 32, len(data), 22) + data


def _icns(data: bytes) -> bytes:
    return b"icns" + struct.pack(">I4sI", len(data) + 16, b"ic07", len(data) + 8) + data


def _gif(canvas: tuple[int, int], frames: int) -> bytes:
    header = b"GIF89a" + struct.pack("<HHBBB", *canvas, 0x80, 0, 0) + b"\0\0\0\xff\xff\xff"
    frame = b"\x21\xf9\x04\x04\x02\0\0\0\x2c" + struct.pack("<HHHHB", 0, 0, 1, 1, 0) + b"\x02\x02\x44\x01\0"
    return header + frame * frames + b"\x3b"


def _gifs() -> Mapping[str, Callable[[], bytes]]:
    return {
        "frames.gif": lambda: _gif((1000, 1000), 190),
        "canvas.gif": lambda: _gif((_WIDE, _HIGH), 1),
        "canvases.gif": lambda: _gif((10_000, 10_000), 1000),
    }


def _tiff(size: tuple[int, int], *tags: tuple[int, int, int, int]) -> bytes:
    """Return a TIFF of one deflated strip of zeros, with additional tags."""
    data = zlib.compress(bytes(size[0] * size[1]))
    plain = [(256, 4, 1, size[0]), (257, 4, 1, size[1]), (258, 3, 1, 8), (259, 3, 1, 8), (262, 3, 1, 1)]
    plain += [(273, 4, 1, 300), (277, 3, 1, 1), (278, 4, 1, size[1]), (279, 4, 1, len(data))]
    entries = b"".join(struct.pack("<HHII", *tag) for tag in sorted([*plain, *tags]))
    return (b"II*\0" + struct.pack("<IH", 8, len(plain) + len(tags)) + entries).ljust(300, b"\0") + data


def _tiffs() -> Mapping[str, Callable[[], bytes]]:
    return {
        "strip.tiff": lambda: _tiff((_WIDE, _HIGH)),
        "comment.tiff": lambda: _tiff((8, 8), (270, 2, 2**31 - 1, 150)),
        "profile.tiff": lambda: _tiff((8, 8), (34_675, 7, 2**31 - 1, 8)),
        "deep.tiff": _flat("F", _HALF, "TIFF", compression="tiff_adobe_deflate"),
        "pages.tiff": lambda: _encode(
            Image.new("RGB", (3000, 3000)),
            "TIFF",
            compression="tiff_lzw",
            save_all=True,
            append_images=[Image.new("RGB", (3000, 3000))] * 20,
        ),
    }


def _saved() -> Mapping[str, Callable[[], bytes]]:
    return {
        "progressive.jpg": _flat("RGB", _HALF, "JPEG", progressive=True, subsampling=0),
        "cmyk.jpg": _flat("CMYK", _HALF, "JPEG"),
        "flat.webp": _flat("RGBA", (16_000, 12_000), "WEBP", lossless=True, method=0, quality=0),
        "flat.avif": _flat("RGB", _HALF, "AVIF", speed=10),
        "flat.jp2": _flat("RGBA", (4000, 4000), "JPEG2000"),
        "flat.qoi": _flat("RGBA", (4000, 4000), "QOI"),
        "rle.tga": _flat("RGBA", _HALF, "TGA", compression="tga_rle"),
    }


def _packed() -> Mapping[str, Callable[[], bytes]]:
    psd = b"8BPS\0\1" + bytes(6) + struct.pack(">HIIHH", 3, _HIGH, _WIDE, 8, 3) + bytes(12) + b"\0\1"
    return {
        "header.ppm": lambda: b"P6 14000 14000 255\n" + bytes(1000),
        "header.psd": lambda: psd + bytes(2 * 3 * _HIGH),
        "header.dds": lambda: b"DDS " + struct.pack("<7I", 124, 0x1007, _HIGH, _WIDE, 0, 0, 0) + bytes(44)
        + struct.pack("<2I4s5I", 32, 4, b"DXT1", 0, 0, 0, 0, 0) + bytes(1000),
    }  # fmt: skip


def _jxls() -> Mapping[str, Callable[[], bytes]]:
    if not find_spec("pillow_jxl"):
        return {}
    return {
        "flat.jxl": _flat("RGB", (_WIDE, _HIGH), "JXL", effort=1, lossless=True),
        "alpha.jxl": _flat("RGBA", _HALF, "JXL", effort=1, lossless=True),
        "lossy.jxl": _flat("RGBA", _HALF, "JXL", effort=1),
        "float.jxl": _flat("F", _HALF, "JXL", effort=1, lossless=True),
        "channels.jxl": lambda: many_channels(_HALF),
        "cut.jxl": lambda: _encode(Image.new("RGB", _HALF), "JXL", effort=1)[:2000],
    }


def many_channels(size: tuple[int, int]) -> bytes:
    """Return the header of a JPEG XL with 4,097 extra channels, and zeros for its pixels."""
    number, position = 0, 16
    for bits, value in ((1, 0), (2, 2), (18, size[1] - 1), (3, 0), (2, 2), (18, size[0] - 1), (1, 0), (1, 0)):
        number |= value << position
        position += bits
    # 8 bits; 16 bits are enough; 12 bits of a number of channels; each is alpha by default.
    for bits, value in ((1, 0), (2, 0), (1, 1), (2, 3), (12, 4095), (4097, (1 << 4097) - 1), (1, 0), (1, 1)):
        number |= value << position
        position += bits
    return (number | 0x0AFF).to_bytes(-(-position // 8), "little") + bytes(2000)
