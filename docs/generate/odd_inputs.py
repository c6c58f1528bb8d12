"""Inputs that tools often handle wrongly, drawn from a seed, each as the bytes of a file."""

import io
import struct
import zlib
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from PIL import Image, ImageCms, ImageDraw

from examples.draw import DUSK, badge, landscape

SIZE = 300, 200
ORIENTATION = 0x0112
DISPLAY_P3 = (0.51512, 0.24120, -0.00105), (0.29198, 0.69225, 0.04189), (0.15710, 0.06657, 0.78407)
"""Red, green and blue of Display P3 as XYZ under D50, as in Apple's profile."""

TO_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}
"""How an upright picture is stored for each EXIF orientation."""


def scene(mode: str = "RGB") -> Image.Image:
    """Draw mountains with a letter in a corner, so that the orientation is visible."""
    picture = landscape(SIZE, DUSK, 3)
    ImageDraw.Draw(picture).text((12, 4), "F", (255, 220, 0), font_size=60)
    return picture.convert(mode)


def encoded(image: Image.Image, kind: str, **options: Any) -> bytes:
    """Encode a picture with Pillow."""
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def oriented(orientation: int) -> bytes:
    """Return a JPEG with an EXIF orientation."""
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    method = TO_UPRIGHT.get(orientation)
    picture = scene() if method is None else scene().transpose(method)
    return encoded(picture, "JPEG", exif=exif, quality=92)


def png(color_type: int, depth: int, rows: list[bytes], *chunks: tuple[bytes, bytes]) -> bytes:
    """Return a PNG of a kind that Pillow does not write, as in its specification."""
    header = struct.pack(">2I5B", *SIZE, depth, color_type, 0, 0, 0)
    data = zlib.compress(b"".join(b"\0" + row for row in rows))
    parts = (b"IHDR", header), *chunks, (b"IDAT", data), (b"IEND", b"")
    framed = (
        struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body)) for name, body in parts
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(framed)


def deep_png(mode: str) -> bytes:
    """Return a PNG with 16 bits per channel."""
    pixels, width = scene(mode).tobytes(), SIZE[0] * len(mode)
    doubled = bytes(level for value in pixels for level in (value, value))
    rows = [doubled[start : start + 2 * width] for start in range(0, len(doubled), 2 * width)]
    return png({"L": 0, "RGB": 2}[mode], 16, rows)


def sixteen_bit() -> Image.Image:
    """Return gray of 16 bits, from black to white."""
    return scene("L").convert("I").point(lambda value: value * 257 + 0).convert("I;16")


def profile(colorants: tuple[tuple[float, float, float], ...]) -> bytes:
    """Return an ICC profile of version 2.1 (ICC.1:2001-04) for three colors with a gamma of 2.2."""

    def xyz(values: tuple[float, ...]) -> bytes:
        return b"XYZ \0\0\0\0" + struct.pack(">3i", *(round(value * 65536) for value in values))

    white = 0.9642, 1.0, 0.8249
    curve = b"curv\0\0\0\0" + struct.pack(">IH", 1, round(2.2 * 256)) + bytes(2)
    tags = {b"wtpt": xyz(white)}
    tags |= {name + b"XYZ": xyz(values) for name, values in zip((b"r", b"g", b"b"), colorants, strict=True)}
    tags |= {name + b"TRC": curve for name in (b"r", b"g", b"b")}
    start = 128 + 4 + 12 * len(tags)
    table, body = b"", b""
    for name, data in tags.items():
        table += struct.pack(">4s2I", name, start + len(body), len(data))
        body += data
    kinds = b"docs\x02\x10\0\0mntrRGB XYZ " + bytes(12) + b"acsp" + bytes(28)
    header = kinds + struct.pack(">3i", *(round(value * 65536) for value in white)) + bytes(48)
    return struct.pack(">I", start + len(body)) + header + struct.pack(">I", len(tags)) + table + body


def profiled(icc: bytes) -> bytes:
    """Return a PNG that looks like the scene with its profile, and wrong without."""
    space = ImageCms.ImageCmsProfile(io.BytesIO(icc))
    converted = ImageCms.profileToProfile(scene(), ImageCms.createProfile("sRGB"), space)
    assert converted is not None  # noqa: S101 -- it is for conversions in place.
    return encoded(converted, "PNG", icc_profile=icc)


def animation(kind: str, **options: Any) -> bytes:
    """Return a disk that moves over a transparent background in three frames."""
    frames = []
    for number in range(3):
        frame = Image.new("RGBA", (150, 100))
        left = 10 + 40 * number
        ImageDraw.Draw(frame).ellipse((left, 25, left + 50, 75), fill=(255, 80 + 70 * number, 0, 255))
        frames.append(frame)
    return encoded(frames[0], kind, save_all=True, append_images=frames[1:], duration=100, loop=0, **options)


def pages() -> bytes:
    """Return a TIFF of three pages of different kinds."""
    images = [scene(), scene("L"), scene("1")]
    return encoded(images[0], "TIFF", save_all=True, append_images=images[1:])


def see_through(picture: Image.Image) -> Image.Image:
    """Return a picture that fades out from left to right, with green in fully transparent pixels."""
    fading = Image.linear_gradient("L").rotate(90).resize(SIZE).point(lambda level: max(0, 2 * level - 255))
    seen = fading.point(lambda level: 255 * (level > 0))
    hidden = Image.composite(picture.convert("RGB"), Image.new("RGB", SIZE, "lime"), seen)
    return Image.merge("RGBA", (*hidden.split(), fading))


def key_color() -> bytes:
    """Return a PNG with one color declared transparent."""
    picture = scene()
    ImageDraw.Draw(picture).ellipse((170, 20, 290, 140), fill=(1, 2, 3))
    return encoded(picture, "PNG", transparency=(1, 2, 3))


def lab() -> bytes:
    """Return a TIFF in CIE L*a*b*."""
    srgb, space = ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB")
    return encoded(ImageCms.buildTransform(srgb, space, "RGB", "LAB").apply(scene()), "TIFF")


def cut(data: bytes) -> bytes:
    """Return the first three fifths of a file."""
    return data[: len(data) * 3 // 5]


ODD: Mapping[str, Callable[[], bytes]] = {
    **{f"EXIF orientation {number}": partial(oriented, number) for number in range(1, 9)},
    "CMYK JPEG": lambda: encoded(scene("CMYK"), "JPEG", quality=92),
    "CMYK TIFF": lambda: encoded(scene("CMYK"), "TIFF"),
    "LAB TIFF": lab,
    "Display P3": lambda: profiled(profile(DISPLAY_P3)),
    "profile with red for blue": lambda: profiled(profile(DISPLAY_P3[::-1])),
    "16-bit gray PNG": lambda: encoded(sixteen_bit(), "PNG"),
    "16-bit gray TIFF": lambda: encoded(sixteen_bit(), "TIFF"),
    "16-bit RGB PNG": lambda: deep_png("RGB"),
    "32-bit float TIFF": lambda: encoded(scene("F").point(lambda value: value / 255 + 0), "TIFF"),
    "1-bit PNG": lambda: encoded(scene("1"), "PNG"),
    "gray JPEG": lambda: encoded(scene("L"), "JPEG", quality=92),
    "gray and alpha": lambda: encoded(see_through(scene("L")).convert("LA"), "PNG"),
    "RGBA, lime hidden under alpha": lambda: encoded(see_through(scene()), "PNG"),
    "RGBA with round edges": lambda: encoded(badge(200), "PNG"),
    "palette with alpha": lambda: encoded(badge(200).quantize(64), "PNG"),
    "one transparent color": key_color,
    "animated GIF, frames disposed": lambda: animation("GIF", disposal=2),
    "animated PNG": lambda: animation("PNG"),
    "animated WebP": lambda: animation("WEBP"),
    "TIFF of three pages": pages,
    "truncated JPEG, salvaged": lambda: cut(encoded(scene(), "JPEG", quality=92)),
    "truncated PNG, salvaged": lambda: cut(encoded(scene(), "PNG")),
    "JPEG 2000": lambda: encoded(scene(), "JPEG2000"),
}
"""The title of each input, and the function that draws it."""
