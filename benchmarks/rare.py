"""Small pictures in formats that Pillow reads but does not write, byte by byte."""

import struct
from collections.abc import Mapping
from random import Random

WIDTH, HEIGHT = 37, 23


def _noise(channels: int) -> bytes:
    return Random(channels).randbytes(WIDTH * HEIGHT * channels)


def _sun() -> bytes:
    rows = b"".join(_noise(3)[row * 111 : row * 111 + 111] + b"\0" for row in range(HEIGHT))
    return struct.pack(">8I", 0x59A66A95, WIDTH, HEIGHT, 24, len(rows), 1, 0, 0) + rows


def _sun_packed() -> bytes:
    run = b"\x80\x17\x55" * (38 * HEIGHT // 24 + 1)
    return struct.pack(">8I", 0x59A66A95, WIDTH, HEIGHT, 8, len(run), 2, 0, 0) + run


def _pcx() -> bytes:
    header = struct.pack("<4B4H2H48sxBHH", 10, 5, 1, 8, 0, 0, WIDTH - 1, HEIGHT - 1, 72, 72, bytes(48), 1, 38, 1)
    return header.ljust(128, b"\0") + b"\xe6\x55" * HEIGHT + b"\x0c" + bytes(range(256)) * 3


def _pcx_unpacked() -> bytes:
    header = struct.pack("<4B4H2H48sxBHH", 10, 5, 0, 8, 0, 0, WIDTH - 1, HEIGHT - 1, 72, 72, bytes(48), 3, 37, 1)
    return header.ljust(128, b"\0") + _noise(3)


def _sgi() -> bytes:
    """Return rows of one run each, without a zero at their ends."""
    rows = 3 * HEIGHT
    start = 512 + 8 * rows
    tables = struct.pack(f">{2 * rows}I", *range(start, start + 2 * rows, 2), *[2] * rows)
    header = struct.pack(">HBBHHHH", 474, 1, 1, 3, WIDTH, HEIGHT, 3).ljust(512, b"\0")
    return header + tables + b"".join(bytes((WIDTH, level)) for level in range(rows))


def _dcx() -> bytes:
    return struct.pack("<4I", 0x3ADE68B1, 16, 16 + len(_pcx()), 0) + _pcx() * 2


def _xpm() -> bytes:
    rows = ",\n".join(f'"{"ab" * 18}a"' for _ in range(HEIGHT))
    return (
        f'/* XPM */\nstatic char *a[] = {{\n"{WIDTH} {HEIGHT} 2 1",\n"a c #ff0000",\n"b c None",\n{rows}}};\n'.encode()
    )


def _pixar() -> bytes:
    header = b"\x80\xe8\0\0".ljust(416, b"\0") + struct.pack("<6H", HEIGHT, WIDTH, 0, 0, 14, 2)
    return header.ljust(1024, b"\0") + _noise(3)


def _xv_thumbnail() -> bytes:
    return b"P7 332\n#XVVERSION:Version 2.28\n#END_OF_COMMENTS\n%d %d 255\n" % (WIDTH, HEIGHT) + _noise(1)


def _ftex() -> bytes:
    data = _noise(3)
    return b"FTEX" + struct.pack("<8i", 1, WIDTH, HEIGHT, 1, 1, 1, 36, 0)[:28] + struct.pack("<i", len(data)) * 2 + data


def _brush() -> bytes:
    name = b"a brush\0"
    header = struct.pack(">5I4sI", 28 + len(name), 2, WIDTH, HEIGHT, 4, b"GIMP", 10)
    return header + name + _noise(4)


def _fli() -> bytes:
    header = struct.pack("<I4H4xI2x", 0, 0xAF12, 2, WIDTH, HEIGHT, 40)
    header = struct.pack("<I5HHI", 0, 0xAF12, 2, WIDTH, HEIGHT, 8, 3, 40).ljust(128, b"\0")
    palette = struct.pack("<IHHBB", 10 + 768, 4, 1, 0, 0) + bytes(range(256)) * 3
    pixels = struct.pack("<IH", 6 + WIDTH * HEIGHT, 16) + _noise(1)
    first = struct.pack("<IHH8x", 16 + len(palette) + len(pixels), 0xF1FA, 2) + palette + pixels
    second = struct.pack("<IHH8x", 16 + len(pixels), 0xF1FA, 1) + pixels
    return header + first + second


def _area() -> bytes:
    words = [0, 4, 0, 0, 0, 0, 0, 0, HEIGHT, WIDTH, 1, 0, 0, 1, *([0] * 18), 0, 256, *([0] * 30)][:64]
    words[33] = 256
    return struct.pack(">64i", *words) + _noise(1)


def _psd(mode: int, channels: int, *, packed: bool = False) -> bytes:
    header = b"8BPS" + struct.pack(">H6xHIIHH", 1, channels, HEIGHT, WIDTH, 8, mode)
    resources = b"8BIM\x04\x0f\0\0" + struct.pack(">I", 8) + b"profile!"
    head = header + struct.pack(">I", 0) + struct.pack(">I", len(resources)) + resources + struct.pack(">I", 0)
    if not packed:
        return head + b"\0\0" + _noise(channels)
    row = b"\xdc\x55"
    lengths = struct.pack(">H", len(row)) * (HEIGHT * channels)
    return head + b"\0\1" + lengths + row * (HEIGHT * channels)


def _ascii(kind: int, depth: str, values: str) -> bytes:
    return f"P{kind}\n# a comment\n{WIDTH} {HEIGHT}\n{depth}{values * (WIDTH * HEIGHT)}".encode()


def _interlaced_run() -> bytes:
    header = struct.pack("<2sI2HI", b"BM", 0, 0, 0, 54 + 1024) + struct.pack(
        "<I2i2H6I", 40, WIDTH, HEIGHT, 1, 8, 1, 0, 72, 72, 256, 0
    )
    return header + bytes(range(256)) * 4 + b"\x25\x55\0\0" * HEIGHT + b"\0\1"


RARE: Mapping[str, bytes] = {
    "sun.ras": _sun(),
    "packed.ras": _sun_packed(),
    "pages.dcx": _dcx(),
    "hand.pcx": _pcx(),
    "unpacked.pcx": _pcx_unpacked(),
    "runs.sgi": _sgi(),
    "a.xpm": _xpm(),
    "a.pxr": _pixar(),
    "a.xv": _xv_thumbnail(),
    "a.ftu": _ftex(),
    "a.gbr": _brush(),
    "a.flc": _fli(),
    "a.area": _area(),
    "rgb.psd": _psd(3, 3),
    "packed.psd": _psd(4, 4, packed=True),
    "ascii.pbm": _ascii(1, "", "1 "),
    "ascii.ppm": _ascii(3, "255\n", "1 2 3 "),
    "runs.bmp": _interlaced_run(),
}
"""Files by name; the name ends in a suffix of the format."""
