"""Every pixel mode becomes one that its output holds, scaled and never clipped."""

import io
import struct
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from forkresize.formats import OUTPUT_FORMATS
from forkresize.image.errors import PictureError
from forkresize.image.picture import Picture, View
from forkresize.image.steps.modes import normalize_mode
from forkresize.outcome import Failed, Outcome, Reason, Written

Scene = Callable[..., Image.Image]
Make = Callable[..., Image.Image]
Render = Callable[..., Outcome]


def png_chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def unpacked(image: Image.Image, output: str = "jpeg") -> Image.Image:
    return normalize_mode(Picture(image=image, view=View.whole(image.size)), OUTPUT_FORMATS[output].modes).image


def ramp(mode: str = "I;16") -> Image.Image:
    """Return all values of 16 bits, from left to right and from top to bottom."""
    order = ">" if mode == "I;16B" else "<"
    return Image.frombytes(mode, (256, 256), struct.pack(f"{order}65536H", *range(65_536)))


def row(mode: str, values: list[float]) -> Image.Image:
    image = Image.new(mode, (len(values), 1))
    image.putdata(values)
    return image


@pytest.mark.parametrize(
    ("mode", "becomes"),
    [
        ("1", "L"),
        ("L", "L"),
        ("P", "L"),
        ("PA", "RGBA"),
        ("LA", "LA"),
        ("La", "LA"),
        ("RGB", "RGB"),
        ("RGBX", "RGB"),
        ("RGBA", "RGBA"),
        ("RGBa", "RGBA"),
        ("CMYK", "CMYK"),
        ("YCbCr", "RGB"),
        ("LAB", "RGB"),
    ],
)
def test_every_mode_becomes_one_that_can_be_resampled(mode: str, becomes: str) -> None:
    assert unpacked(Image.new(mode, (3, 2))).mode == becomes


def test_an_unknown_mode_is_refused_by_name() -> None:
    with pytest.raises(PictureError, match="pixels of mode HSV can't be resized"):
        unpacked(Image.new("HSV", (3, 2)))


@pytest.mark.parametrize(
    ("mode", "transparent", "becomes"),
    [("L", 5, "LA"), ("1", 0, "LA"), ("RGB", (5, 5, 5), "RGBA"), ("P", 5, "LA"), ("P", bytes(5) + b"\x80", "LA")],
)
def test_a_transparent_color_becomes_alpha(mode: str, transparent: Any, becomes: str) -> None:
    image = Image.new(mode, (2, 1), 5 if mode != "RGB" else (5, 5, 5))
    if mode == "1":
        image = Image.new(mode, (2, 1), 0)
    image.info["transparency"] = transparent
    image.putpixel((1, 0), 1 if mode != "RGB" else (1, 1, 1))
    alpha = unpacked(image)
    assert alpha.mode == becomes
    expected = b"\x80\0" if isinstance(transparent, bytes) else b"\0\xff"
    assert alpha.getchannel("A").tobytes() == expected


@pytest.mark.parametrize("mode", ["I;16", "I;16B"])
@pytest.mark.parametrize("output", ["png", "tiff", "jpeg2000", "ppm"])
def test_sixteen_bits_stay_where_the_output_holds_them(mode: str, output: str) -> None:
    kept = unpacked(ramp(mode), output)
    assert kept.mode == "I;16"
    assert kept.tobytes() == ramp().tobytes()


@pytest.mark.parametrize("mode", ["I;16", "I;16B", "I"])
def test_sixteen_bits_are_scaled_and_not_clipped_elsewhere(mode: str) -> None:
    scaled = unpacked(ramp().convert("I") if mode == "I" else ramp(mode))
    assert scaled.mode == "L"
    assert list(scaled.tobytes()) == [int(value / 257 + 0.5) for value in range(65_536)]


def test_a_transparent_value_of_sixteen_bits_becomes_alpha(make: Make) -> None:
    image = Image.new("I;16", (8, 8), 300)
    image.paste(65_535, (0, 0, 4, 8))
    made = make(image, "a.png", {"transparency": 300})
    assert made.mode == "LA"
    assert made.crop((0, 0, 4, 8)).getextrema() == ((255, 255), (255, 255))
    assert made.getchannel("A").crop((4, 0, 8, 8)).getextrema() == (0, 0)


@pytest.mark.parametrize(("suffix", "mode"), [("png", "I;16"), ("tif", "I;16"), ("pgm", "I")])
def test_a_gradient_of_sixteen_bits_stays_a_fine_one(suffix: str, mode: str, make: Make) -> None:
    gradient = Image.linear_gradient("L").convert("I").point(lambda value: value * 257 + 0)
    fine = gradient.resize((64, 1024), Image.Resampling.BILINEAR).convert("I;16")
    made = make(fine, f"a.{suffix}", height=700)
    assert made.mode == mode
    column = [made.getpixel((0, y)) for y in range(20, 680)]
    assert column == sorted(column)  # type: ignore[type-var]
    assert len(set(column)) > 500
    assert make(fine, f"a.{suffix}", height=700, format="jpeg").mode == "L"


@pytest.mark.parametrize(("least", "most"), [(-1, 5), (0, 65_536), (-70_000, 70_000)])
def test_integers_without_a_range_are_refused_unless_the_output_keeps_them(least: int, most: int) -> None:
    image = row("I", [least, most])
    with pytest.raises(PictureError, match=f"32-bit integer pixels from {least} to {most} have no agreed range"):
        unpacked(image)
    assert unpacked(image, "tiff").tobytes() == image.tobytes()


def test_floats_from_nought_to_one_are_scaled() -> None:
    assert unpacked(row("F", [0, 0.5, 1])).tobytes() == b"\0\x80\xff"


@pytest.mark.parametrize("values", [[0, 1.5], [-0.25, 1], [float("nan"), float("nan")]])
def test_floats_without_a_range_are_refused_unless_the_output_keeps_them(values: list[float], result: Render) -> None:
    file = io.BytesIO()
    row("F", values).save(file, "TIFF")
    outcome = result(file.getvalue(), "a.tif", format="jpeg")
    assert isinstance(outcome.detail, Failed)
    assert outcome.reason is Reason.UNSUPPORTED
    assert outcome.error == (
        f"32-bit float pixels from {min(values):g} to {max(values):g} have no agreed range: choose TIFF as the output "
        "format, which keeps them"
    )
    assert unpacked(row("F", values), "tiff").mode == "F"


def test_lab_is_converted_before_resampling() -> None:
    # a = -1 and a = 1 are 255 and 1 as bytes; their mean must not be 128.
    image = Image.frombytes("LAB", (2, 1), bytes([128, 255, 0, 128, 1, 0]))
    red, green, blue = zip(*unpacked(image).get_flattened_data(), strict=True)
    for channel in (red, green, blue):
        assert all(abs(value - 119) < 6 for value in channel)


def test_a_palette_of_rgba_keeps_its_transparency(tmp_path: Path, result: Callable[..., Outcome]) -> None:
    header = struct.pack("<BBBHHBHHHHBB", 0, 1, 1, 0, 2, 32, 0, 0, 2, 2, 8, 0x28)
    content = header + bytes((0, 0, 255, 255)) + bytes(4) + bytes((0, 1, 1, 0))
    outcome = result(content, "a.tga", format="png")
    assert isinstance(outcome.detail, Written), outcome
    with Image.open(tmp_path / "out/a.tga") as made:
        assert made.convert("RGBA").getpixel((1, 0)) == (0, 0, 0, 0)
        assert made.convert("RGBA").getpixel((0, 0)) == (255, 0, 0, 255)


def test_a_deep_color_s_transparent_value_is_found(tmp_path: Path, result: Callable[..., Outcome]) -> None:
    header = struct.pack(">IIBBBBB", 2, 1, 16, 2, 0, 0, 0)
    rows = zlib.compress(b"\0" + struct.pack(">6H", 0x1234, 0x5678, 0x9ABC, 0, 0, 0))
    transparent = png_chunk(b"tRNS", struct.pack(">3H", 0x1234, 0x5678, 0x9ABC))
    chunks = png_chunk(b"IHDR", header) + transparent + png_chunk(b"IDAT", rows) + png_chunk(b"IEND", b"")
    assert isinstance(result(b"\x89PNG\r\n\x1a\n" + chunks, "a.png", quality=80).detail, Written)
    with Image.open(tmp_path / "out/a.png") as made:
        assert [made.convert("RGBA").getpixel((x, 0))[3] for x in (0, 1)] == [0, 255]  # type: ignore[index]


@pytest.mark.parametrize("bits", [2, 4])
def test_a_shallow_gray_s_transparent_value_is_found(bits: int, tmp_path: Path, result: Callable[..., Outcome]) -> None:
    per_row = 8 * bits // 8
    header = struct.pack(">IIBBBBB", 8, 2, bits, 0, 0, 0, 0)
    first = sum(1 << bits * position for position in range(8)).to_bytes(per_row)
    rows = zlib.compress(b"\0" + first + b"\0" + bytes(per_row))
    transparent = png_chunk(b"tRNS", struct.pack(">H", 1))
    png = (
        b"\x89PNG\r\n\x1a\n"
        + png_chunk(b"IHDR", header)
        + transparent
        + png_chunk(b"IDAT", rows)
        + png_chunk(b"IEND", b"")
    )
    outcome = result(png, "a.png", quality=80)
    assert isinstance(outcome.detail, Written), outcome
    with Image.open(tmp_path / "out/a.png") as made:
        assert [made.convert("RGBA").getpixel((0, y))[3] for y in (0, 1)] == [0, 255]  # type: ignore[index]


def palette(*colors: tuple[int, int, int]) -> Image.Image:
    image = Image.new("P", (len(colors), 1))
    image.putpalette([channel for color in colors for channel in color])
    image.putdata(range(len(colors)))
    return image


@pytest.mark.parametrize("suffix", ["png", "gif"])
def test_a_palette_of_grays_is_gray(suffix: str, make: Make) -> None:
    grays = palette((0, 0, 0), (7, 7, 7), (255, 255, 255), (130, 130, 130))
    made = make(grays, f"a.{suffix}", format="png")
    assert made.mode == "L"
    assert made.tobytes() == bytes((0, 7, 255, 130))
    assert make(palette((0, 0, 0), (7, 7, 8)), f"b.{suffix}", format="png").mode == "RGB"


def test_a_transparent_color_of_others_becomes_alpha(make: Make) -> None:
    made = make(palette((0, 0, 0), (7, 7, 8)), "a.png", {"transparency": 1})
    assert made.mode == "RGBA"
    assert made.getchannel("A").tobytes() == b"\xff\0"


@pytest.mark.parametrize("transparency", [1, bytes((255, 0, 128))])
def test_a_palette_of_grays_keeps_its_transparency(transparency: int | bytes, make: Make) -> None:
    grays = palette((0, 0, 0), (7, 7, 7), (255, 255, 255))
    made = make(grays, "a.png", {"transparency": transparency})
    assert made.mode == "LA"
    assert made.getchannel("A").tobytes() == bytes((255, 0, 255 if transparency == 1 else 128))


def test_a_palette_of_grays_stays_in_the_space_of_its_profile(rgb_profile: Callable[..., bytes], make: Make) -> None:
    options = {"icc_profile": rgb_profile()}
    made = make(palette((0, 0, 0), (255, 255, 255)), "a.png", options, color="keep")
    assert (made.mode, made.info["icc_profile"]) == ("RGB", rgb_profile())
