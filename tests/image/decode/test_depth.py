"""Warnings about depth: every picture with more than 8 bits per channel keeps them, or has one."""

import io
import struct
import zlib
from collections.abc import Callable

import pytest
from PIL import Image

from forkresize.formats import EXTRAS
from forkresize.image.decode.depth import read_depth
from forkresize.image.decode.identify import load_decoder
from forkresize.image.transform import transform
from forkresize.loss import Loss, loss_of
from forkresize.recipe import Recipe
from tests.image.conftest import REPLACED

SIZE = 32, 24
LEVELS = [(x * 2000 + y * 31) % 65_536 for y in range(24) for x in range(32)]


def _png(color: int, channels: int) -> bytes:
    """Return a PNG with 16 bits per channel, which Pillow writes for grays only."""
    rows = b"".join(
        b"\0" + b"".join(struct.pack(">H", level) * channels for level in LEVELS[32 * y : 32 * y + 32])
        for y in range(24)
    )
    parts = (b"IHDR", struct.pack(">2I5B", *SIZE, 16, color, 0, 0, 0)), (b"IDAT", zlib.compress(rows)), (b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body)) for name, body in parts
    )


def _ppm(largest: int) -> bytes:
    body = b"".join(struct.pack(">3H", *(level % (largest + 1),) * 3) for level in LEVELS)
    return b"P6 32 24 %d\n%s" % (largest, body)


def _heic() -> bytes:
    heif = pytest.importorskip("pillow_heif")
    file = io.BytesIO()
    heif.from_bytes("RGB;16", SIZE, b"".join(struct.pack("<3H", *(level,) * 3) for level in LEVELS)).save(file)
    return file.getvalue()


def _jxl() -> bytes:
    pytest.importorskip("pillow_jxl")
    assert load_decoder(EXTRAS["jxl"])
    file = io.BytesIO()
    Image.frombytes("I;16", SIZE, struct.pack("<768H", *LEVELS)).save(file, "JXL", lossless=True)
    return file.getvalue()


def _gray(kind: str, mode: str = "I;16") -> bytes:
    file = io.BytesIO()
    deep = Image.frombytes("I;16", SIZE, struct.pack("<768H", *LEVELS))
    if mode == "F":
        deep = deep.convert("I").convert("F").point(lambda level: level * (1 / 65_535) + 0)
    deep.save(file, kind)
    return file.getvalue()


SOURCES: dict[str, tuple[Callable[[], bytes], int]] = {
    "rgb.png": (lambda: _png(2, 3), 16),
    "rgba.png": (lambda: _png(6, 4), 16),
    "la.png": (lambda: _png(4, 2), 16),
    "rgb.ppm": (lambda: _ppm(65_535), 16),
    "ten.ppm": (lambda: _ppm(1_023), 10),
    "rgb.heic": (_heic, 10),
}


@pytest.mark.parametrize("name", SOURCES)
@pytest.mark.parametrize("output", ["jpeg", "png", "webp", "tiff"])
def test_deep_colors_are_kept_or_reduced_with_a_warning(name: str, output: str) -> None:
    encode, bits = SOURCES[name]
    [made] = transform(encode(), Recipe.of(width=16, format=output), name=name)
    is_kept = name.endswith((".png", ".heic")) and output in {"png", "tiff"}
    reduced, replaced = f"reduced from {bits} to 8 bits per channel", (REPLACED,) * (output == "jpeg" and "a." in name)
    assert made.warnings == (() if is_kept else (reduced, *replaced))
    [made] = transform(encode(), Recipe.of(width=16, format=output, depth="8"), name=name)
    assert made.warnings == replaced


@pytest.mark.parametrize(("flags", "bits"), [(0, 8), (0x40, 10), (0x60, 12)])
def test_the_header_of_an_avif_shows_its_depth(flags: int, bits: int) -> None:
    file = io.BytesIO()
    Image.new("RGB", SIZE).save(file, "AVIF")
    with Image.open(file) as image:
        data = bytearray(file.getvalue())
        data[data.index(b"av1C") + 6] |= flags
        image.fp = io.BytesIO(data)
        assert read_depth(image) == bits


@pytest.mark.parametrize(
    ("name", "encode"),
    [
        ("a.png", lambda: _gray("PNG")),
        ("a.tif", lambda: _gray("TIFF")),
        ("a.pgm", lambda: _gray("PPM")),
        ("a.jxl", _jxl),
    ],
)
def test_deep_grays_are_reduced_only_for_formats_that_hold_no_more(name: str, encode: Callable[[], bytes]) -> None:
    source = encode()
    for output in ("png", "tiff"):
        [made] = transform(source, Recipe.of(width=16, format=output), name=name)
        assert made.warnings == ()
        assert Image.open(io.BytesIO(made.data)).mode == "I;16"
    for output in ("jpeg", "webp", "avif", "gif"):
        [made] = transform(source, Recipe.of(width=16, format=output), name=name)
        assert [loss_of(warning) for warning in made.warnings] == [Loss.DEPTH], output


def test_floating_point_is_reduced_with_a_warning() -> None:
    [made] = transform(_gray("TIFF", "F"), Recipe.of(width=16, format="jpeg"))
    assert made.warnings == ("reduced from 32-bit float to 8 bits per channel: the format holds no more",)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "AVIF", "GIF", "TIFF", "PPM", "BMP"])
def test_pictures_of_8_bits_have_no_warning(kind: str) -> None:
    file = io.BytesIO()
    Image.linear_gradient("L").convert("RGB").save(file, kind)
    [made] = transform(file.getvalue(), Recipe.of(width=16, format="jpeg"), name=f"a.{kind}")
    assert made.warnings == ()
