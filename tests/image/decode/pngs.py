"""PNGs drawn by code, in any mode, whole and damaged."""

import io
import struct
import zlib
from collections.abc import Iterator
from random import Random
from typing import Any

from PIL import Image, PngImagePlugin

SIGNATURE = b"\x89PNG\r\n\x1a\n"

ADAM7 = (0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)
"""Of each pass, the first column and row, and the steps (PNG, third edition, 8.1)."""


def chunk(name: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))


def chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    place = len(SIGNATURE)
    while place + 8 <= len(data):
        (length,) = struct.unpack_from(">I", data, place)
        yield data[place + 4 : place + 8], data[place + 8 : place + 8 + length]
        place += 12 + length


def joined(parts: list[tuple[bytes, bytes]]) -> bytes:
    return SIGNATURE + b"".join(chunk(*part) for part in parts)


def saved(image: Image.Image, **options: Any) -> bytes:
    image.save(file := io.BytesIO(), "PNG", **options)
    return file.getvalue()


def interlaced(image: Image.Image) -> bytes:
    """Return a PNG in seven passes, without filters."""
    rows = bytearray()
    for left, top, across, down in ADAM7:
        for y in range(top, image.height, down):
            row = [image.getpixel((x, y)) for x in range(left, image.width, across)]
            rows += b"\0" * bool(row) + b"".join(bytes(p if isinstance(p, tuple) else (p,)) for p in row)  # type: ignore[arg-type]
    color = {"L": 0, "RGB": 2, "RGBA": 6}[image.mode]
    header = struct.pack(">IIBBBBB", *image.size, 8, color, 0, 0, 1)
    return joined([(b"IHDR", header), (b"IDAT", zlib.compress(rows)), (b"IEND", b"")])


def drawn(random: Random) -> bytes:
    """Draw a picture of any mode, with chunks, its pixels in any number of parts."""
    mode, size = (
        random.choice(["L", "RGB", "RGBA", "P", "LA", "1", "I;16"]),
        (random.randrange(1, 70), random.randrange(1, 50)),
    )
    noise = Image.frombytes("RGBA", size, random.randbytes(size[0] * size[1] * 4))
    picture = noise if random.random() < 0.3 else Image.linear_gradient("L").resize(size).convert("RGBA")
    picture = picture.convert("L").convert("I").convert("I;16") if mode == "I;16" else picture.convert(mode)
    info = PngImagePlugin.PngInfo()
    options: dict[str, Any] = {"compress_level": random.randrange(10)}
    for name, content in (
        (b"gAMA", struct.pack(">I", random.randrange(100_000))),
        (b"sRGB", b"\0"),
        (b"cHRM", random.randbytes(32)),
        (b"iCCP", b"p\0\0" + zlib.compress(b"profile")),
        (b"zTXt", b"Comment\0\0" + zlib.compress(b"comment")),
        (b"eXIf", b"MM\0*\0\0\0\x08\0\0\0\0\0\0"),
    ):
        if random.random() < 0.2:
            info.add(name, content, after_idat=random.random() < 0.3)
    if mode in {"L", "RGB", "P"} and random.random() < 0.2:
        options["transparency"] = (1, 2, 3) if mode == "RGB" else 5
    if mode in {"L", "RGB", "RGBA"} and random.random() < 0.1:
        options |= {"save_all": True, "append_images": [picture.rotate(180)]}
    parts = list(chunks(saved(picture, pnginfo=info, **options)))
    return joined(list(split(parts, random.choice((1, 3, 100, 5000)))))


def split(parts: list[tuple[bytes, bytes]], length: int) -> Iterator[tuple[bytes, bytes]]:
    for name, content in parts:
        starts = range(0, len(content), length) if name == b"IDAT" else [0]
        yield from ((name, content[start : start + length] if name == b"IDAT" else content) for start in starts)


def damaged(data: bytes, random: Random) -> bytes:
    """Damage a file: its bytes, its chunks with right checksums, or what its pixels are compressed from."""
    parts, kind = (
        list(chunks(data)),
        random.choice(["none", "end", "flip", "content", "drop", "repeat", "short", "rows"]),
    )
    number = random.randrange(len(parts))
    name, content = parts[number]
    if kind in {"end", "flip"}:
        return data[: random.randrange(len(data))] if kind == "end" else flipped(data, random)
    if kind == "content":
        parts[number] = name, flipped(content, random)
    elif kind == "drop":
        del parts[number]
    elif kind == "repeat":
        parts.insert(random.randrange(len(parts) + 1), parts[number])
    elif kind == "short":
        parts[number] = name, content[: random.randrange(len(content) + 1)]
    elif kind == "rows":
        parts = with_other_rows(parts, random)
    return joined(parts)


def flipped(data: bytes, random: Random) -> bytes:
    changed = bytearray(data)
    if changed:
        changed[random.randrange(len(changed))] ^= 1 << random.randrange(8)
    return bytes(changed)


def with_other_rows(parts: list[tuple[bytes, bytes]], random: Random) -> list[tuple[bytes, bytes]]:
    """Return chunks whose rows have unknown filters, or are too few or too many."""
    rows = bytearray(zlib.decompress(b"".join(content for name, content in parts if name == b"IDAT")))
    kind = random.choice(["filter", "few", "many"])
    if kind == "filter" and rows:
        rows[random.randrange(len(rows))] = random.randrange(256)
    rows = rows[: random.randrange(len(rows) + 1)] if kind == "few" else rows
    pixels = zlib.compress(bytes(rows) + random.randbytes(random.randrange(1, 200)) * (kind == "many"))
    first = next(number for number, (name, _) in enumerate(parts) if name == b"IDAT")
    return [
        (name, pixels if number == first else content)
        for number, (name, content) in enumerate(parts)
        if name != b"IDAT" or number == first
    ]


def is_huge(data: bytes) -> bool:
    width, height = struct.unpack(">II", data[16:24].ljust(8, b"\0"))
    return bool(width * height > 1 << 20)


def has_wrong_sum(data: bytes) -> bool:
    """Return whether the checksum of all compressed pixels is wrong."""
    try:
        zlib.decompress(b"".join(content for name, content in chunks(data) if name == b"IDAT"))
    except zlib.error as error:
        return "incorrect data check" in str(error)
    return False
