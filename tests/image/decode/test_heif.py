"""Pictures of 10 and 12 bits per channel in HEIC become 16 bits in PNG and TIFF."""

import io
import shutil
import struct
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from forkresize.image.color.convert import p3_profile
from forkresize.image.diagnostics import Diagnostics
from forkresize.image.source_image import SourceImage
from forkresize.image.transform import transform
from forkresize.recipe import Recipe
from tests.image import sixteen

pillow_heif = pytest.importorskip("pillow_heif")

MODES = {1: "I;16", 3: "RGB;16", 4: "RGBA;16"}

EXACT = {"quality": -1, "chroma": 444, "matrix_coefficients": 0}
"""Options of the encoder that keep every value."""

SIZE = 48, 36

MAPPED = "tone-mapped from HDR to the standard range"


@pytest.fixture(params=[10, 12])
def bits(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> int:
    monkeypatch.setattr(pillow_heif.options, "SAVE_HDR_TO_12_BIT", request.param == 12)
    return int(request.param)


def heic(values: Sequence[int], size: tuple[int, int], mode: str = "RGB;16", /, **options: Any) -> bytes:
    """Return a HEIC of levels from 0 to 65535. The encoder takes their upper bits."""
    pixels = struct.pack(f"<{len(values)}H", *values)
    pillow_heif.from_bytes(mode, size, pixels).save(file := io.BytesIO(), **(options or EXACT))
    return file.getvalue()


def quantized(values: Sequence[int], bits: int) -> list[int]:
    """Return levels from 0 to 65535 as a picture of fewer bits has them, in 16 bits."""
    return [round((level >> (16 - bits)) * 65_535 / ((1 << bits) - 1)) for level in values]


def render(data: bytes, warnings: tuple[str, ...] = (), **options: Any) -> bytes:
    [made] = transform(data, Recipe.from_options(options, effective=()))
    assert made.warnings == warnings
    return made.data


def far(found: Sequence[int], expected: Sequence[int]) -> int:
    return max(abs(one - other) for one, other in zip(found, expected, strict=True))


@pytest.mark.parametrize("output", ["png", "tiff"])
def test_a_gradient_is_resized_to_the_precision_of_16_bits(bits: int, output: str) -> None:
    white = (1 << bits) - 1
    rows = sixteen.gradient(3840, white)
    stored = [level << (16 - bits) for level in sixteen.repeated(rows, 24)]
    written = render(heic(stored, (3840, 24)), width=800, format=output)
    mean, worst = sixteen.errors_of_gradient(written, [[level * 65_535 / white for level in row] for row in rows])
    assert mean <= 1
    assert worst <= 8


@pytest.mark.parametrize("channels", MODES)
def test_every_level_is_kept(bits: int, channels: int) -> None:
    size = 1 << (bits // 2), 1 << (bits // 2)
    levels = [level << (16 - bits) for level in range(1 << bits) for _ in range(channels)]
    found, _, bands = sixteen.read(render(heic(levels, size, MODES[channels]), format="png"))
    assert bands == channels
    assert far(found, quantized(levels, bits)) <= 1
    assert (found[0], found[-1]) == (0, 65_535)


def test_premultiplied_colors_become_straight(bits: int) -> None:
    alpha = [40_000 + 20 * x for x in range(SIZE[0])] * SIZE[1]
    colors = [round(level * 0.6) for level in alpha]
    levels = [level for color, opacity in zip(colors, alpha, strict=True) for level in (color, 0, color, opacity)]
    data = heic(levels, SIZE, "RGBa;16")
    found, _, channels = sixteen.read(render(data, format="png"))
    assert channels == 4
    # The values of a picture of few bits are as far from the color as they are from each other.
    assert far(found[::4], [39_321] * len(alpha)) <= 65_536 >> (bits - 1)
    assert far(found[3::4], quantized(alpha, bits)) <= 1
    reduced = f"reduced from {bits} to 8 bits per channel"
    assert Image.open(io.BytesIO(render(data, (reduced,), format="webp"))).mode == "RGBA"


@pytest.mark.parametrize("orientation", range(1, 9))
def test_pictures_are_turned_upright(orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    values = sixteen.smooth(SIZE, 3)
    data = heic(values, SIZE, exif=exif.tobytes(), **EXACT)
    upright = sixteen.png(quantized(values, 10), SIZE, 3, [(b"eXIf", exif.tobytes().removeprefix(b"Exif\0\0"))])
    found, size, _ = sixteen.read(render(data, format="png"))
    expected, turned, _ = sixteen.read(render(upright, format="png"))
    assert size == turned
    assert far(found, expected) <= 1


@pytest.mark.parametrize("name", ["P3 by number", "P3 by profile", "PQ", "HLG"])
def test_colors_are_those_of_a_png_of_the_same_color_space(name: str) -> None:
    primaries, transfer = {"PQ": (9, 16), "HLG": (9, 18)}.get(name, (12, 13))
    by_profile = {"icc_profile": p3_profile()} if name == "P3 by profile" else {}
    # Colors of few primaries in BT.2020 are outside of sRGB, and darker ones inside.
    values = [20_000 + level // 4 for level in sixteen.smooth(SIZE, 3)]
    codes = {"color_primaries": primaries, "transfer_characteristics": transfer}
    data = heic(values, SIZE, **EXACT, **codes, **by_profile)
    png = sixteen.png(quantized(values, 10), SIZE, 3, [(b"cICP", bytes([primaries, transfer, 0, 1]))])
    warnings = (MAPPED,) if name in {"PQ", "HLG"} else ()
    found, expected = (sixteen.read(render(each, warnings, format="png"))[0] for each in (data, png))
    assert far(found, expected) <= 40
    assert far(found, values) > 500


def test_the_first_of_several_pictures_is_kept() -> None:
    first, second = (sixteen.noise(SIZE, 3, seed) for seed in (1, 2))
    file = pillow_heif.from_bytes("RGB;16", SIZE, struct.pack(f"<{len(first)}H", *first))
    file.add_frombytes("RGB;16", SIZE, struct.pack(f"<{len(second)}H", *second))
    file.save(written := io.BytesIO(), **EXACT)
    found, _, _ = sixteen.read(render(written.getvalue(), ("only the first of 2 frames was kept",), format="png"))
    assert far(found, quantized(first, 10)) <= 1


@pytest.mark.parametrize("modes", [frozenset(), frozenset({"RGB;16"})])
def test_the_bits_are_held_no_longer_than_needed(modes: frozenset[str]) -> None:
    source = SourceImage.open(io.BytesIO(heic(sixteen.noise(SIZE, 3), SIZE)), Recipe(), Diagnostics())
    source.load()
    assert source.image._decoded  # type: ignore[attr-defined]  # noqa: SLF001
    [picture] = source.decode(1, 1, modes)
    assert picture.image.mode == ("RGB;16" if modes else "RGB")
    assert source.image._decoded is None  # type: ignore[attr-defined]  # noqa: SLF001


needs_tools = pytest.mark.skipif(
    not (shutil.which("heif-enc") and shutil.which("heif-convert")), reason="libheif's tools are not installed"
)


@needs_tools
@pytest.mark.parametrize("options", [["-L", "-p", "chroma=444", "--matrix_coefficients=0"], ["-q", "90"]], ids=str)
@pytest.mark.parametrize("channels", [3, 4])
def test_files_of_another_encoder_are_read_as_another_decoder_does(
    bits: int, channels: int, options: list[str], tmp_path: Path
) -> None:
    values = sixteen.smooth(SIZE, channels)
    (tmp_path / "a.png").write_bytes(sixteen.png(values, SIZE, channels))
    for command in (
        ["heif-enc", "-b", str(bits), *options, "-o", "a.heic", "a.png"],
        ["heif-convert", "a.heic", "b.png"],
    ):
        subprocess.run(command, check=True, cwd=tmp_path, capture_output=True, timeout=60)
    found, _, bands = sixteen.read(render((tmp_path / "a.heic").read_bytes(), format="png"))
    assert bands == channels
    # What is below the bits of the picture, this decoder leaves empty or fills.
    expected, _, _ = sixteen.read((tmp_path / "b.png").read_bytes())
    beyond = 16 - bits
    assert far([level >> beyond for level in found], [level >> beyond for level in expected]) <= 1
    if "-L" in options:
        # That encoder's own conversion is off by one value.
        assert far(found, quantized(values, bits)) <= 2 << beyond
