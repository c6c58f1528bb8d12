"""The brightest light of a picture, as its file says."""

import io
import struct
import zlib

import pytest
from PIL import Image

from forkresize.image.color.peak import read_peak
from forkresize.image.transform import transform
from forkresize.recipe import Recipe


def _png(*chunks: tuple[bytes, bytes]) -> bytes:
    file = io.BytesIO()
    Image.linear_gradient("L").convert("RGB").save(file, "PNG")
    data = file.getvalue()
    added = b"".join(
        struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body)) for name, body in chunks
    )
    return data[:33] + added + data[33:]


def _light(brightest: float, mean: float = 100) -> tuple[bytes, bytes]:
    return b"cLLI", struct.pack(">2I", round(brightest * 10_000), round(mean * 10_000))


def _display(brightest: float) -> tuple[bytes, bytes]:
    return b"mDCV", bytes(16) + struct.pack(">2I", round(brightest * 10_000), 1)


@pytest.mark.parametrize(
    ("chunks", "peak"),
    [
        ([], None),
        ([_light(650)], 650),
        ([_display(4_000)], 4_000),
        ([_display(4_000), _light(650)], 650),
        ([_display(4_000), _light(0)], 4_000),
        ([_light(400_000)], None),
    ],
)
def test_the_brightest_pixel_precedes_the_display(chunks: list[tuple[bytes, bytes]], peak: float | None) -> None:
    with Image.open(io.BytesIO(_png(*chunks))) as image:
        assert read_peak(image) == peak


def test_a_box_of_avif_is_read() -> None:
    file = io.BytesIO()
    Image.new("RGB", (16, 16)).save(file, "AVIF")
    with Image.open(file) as image:
        assert read_peak(image) is None
        image.fp = io.BytesIO(file.getvalue()[:200] + struct.pack(">I4s2H", 12, b"clli", 800, 100))
        assert read_peak(image) == 800


def test_a_brighter_peak_makes_paper_darker() -> None:
    hdr = (b"cICP", bytes((9, 16, 0, 1)))
    levels = []
    for chunks in ([_light(203)], [], [_light(4_000)]):
        [made] = transform(_png(hdr, *chunks), Recipe.of(format="png", width=128))
        assert made.warnings == ("tone-mapped from HDR to the standard range",)
        levels.append(Image.open(io.BytesIO(made.data)).convert("L").getpixel((64, round(0.58 * 128))))
    assert levels[0] > levels[1] > levels[2] > 100  # type: ignore[operator]
