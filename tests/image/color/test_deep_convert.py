"""16 bits per channel are converted by profiles as the definitions of the color spaces say."""

import io
import struct
from collections.abc import Sequence
from pathlib import Path

import pytest
from PIL import Image, ImageCms

from forkresize.image.color import icc
from forkresize.image.color.cicp import BT709, DISPLAY_P3, CicpColorSpace
from forkresize.image.color.convert import p3_profile, srgb_profile
from forkresize.image.color.deep_convert import convert_deep
from forkresize.image.color.matrix_profile import parse_matrix_profile
from forkresize.image.deep_image import DeepImage
from forkresize.image.transform import transform
from forkresize.recipe import Recipe
from tests.image import sixteen

PROPHOTO: icc.Primaries = ((0.7347, 0.2653), (0.1596, 0.8404), (0.0366, 0.0001), (0.3457, 0.3585))

PROFILES = {
    "p3": p3_profile(),
    "power": icc.color_profile(BT709, icc.power(563 / 256)),
    "linear": icc.color_profile(BT709, icc.power(1)),
    "prophoto": icc.color_profile(PROPHOTO, icc.power(1.8)),
    "sampled": icc.color_profile(DISPLAY_P3, icc.sample_curve([(level / 1023) ** 2.4 for level in range(1024)])),
    "pq": CicpColorSpace(9, 16).profile(is_gray=False) or b"",
}

SIZE = 64, 48


def drawn() -> tuple[DeepImage, list[int]]:
    values = sixteen.noise(SIZE, 3)
    planes = (struct.pack("<3072H", *values[channel::3]) for channel in range(3))
    return DeepImage(Image.frombytes("I;16", SIZE, plane) for plane in planes), values


def encoded(light: float) -> float:
    light = min(max(light, 0), 1)
    return float(65_535 * (12.92 * light if light <= 0.0031308 else 1.055 * light ** (1 / 2.4) - 0.055))


def exact(pixel: Sequence[int], profile: bytes) -> list[float]:
    space, srgb = parse_matrix_profile(profile), parse_matrix_profile(srgb_profile())
    assert space
    assert srgb
    lights = [curve(value / 65_535) for curve, value in zip(space.curves, pixel, strict=True)]
    xyz = [sum(a * b for a, b in zip(row, lights, strict=True)) for row in space.matrix]
    return [encoded(sum(a * b for a, b in zip(row, xyz, strict=True))) for row in icc.invert(srgb.matrix)]


def with_profile(values: Sequence[int], profile: bytes) -> bytes:
    source = sixteen.made(values, (len(values) // 30, 10), 3).copy()
    source.set_type(sixteen.vips().GValue.blob_type, "icc-profile-data", profile)
    data: bytes = source.write_to_buffer(".png")
    return data


@pytest.mark.parametrize("name", PROFILES)
def test_colors_match_the_definition(name: str) -> None:
    image, values = drawn()
    made = convert_deep(image, PROFILES[name], srgb_profile())
    assert made
    found = memoryview(made.tobytes()).cast("H")
    errors = [
        abs(found[start + channel] - level)
        for start in range(0, len(values), 3)
        for channel, level in enumerate(exact(values[start : start + 3], PROFILES[name]))
    ]
    assert sum(errors) / len(errors) <= 0.5
    assert max(errors) <= {"pq": 60, "sampled": 12}.get(name, 2)


@pytest.mark.parametrize("name", [name for name in PROFILES if name != "pq"])
def test_colors_match_little_cms(name: str, tmp_path: Path) -> None:
    image, values = drawn()
    for each, profile in (("source", PROFILES[name]), ("srgb", srgb_profile())):
        (tmp_path / f"{each}.icc").write_bytes(profile)
    reference = sixteen.made(values, SIZE, 3).icc_transform(
        str(tmp_path / "srgb.icc"), input_profile=str(tmp_path / "source.icc"), intent="relative", depth=16, pcs="xyz"
    )
    expected = list(memoryview(reference.write_to_memory()).cast("H"))
    made = convert_deep(image, PROFILES[name], srgb_profile())
    assert made
    found = memoryview(made.tobytes()).cast("H")
    # littleCMS is coarse near the border of sRGB, whose curve it inverts as a table.
    inside = [
        at
        for at in range(0, len(expected), 3)
        if 8_000 < min(expected[at : at + 3]) <= max(expected[at : at + 3]) < 65_000
    ]
    errors = [abs(found[at + channel] - expected[at + channel]) for at in inside for channel in range(3)]
    assert len(errors) > 1_000
    assert sum(errors) / len(errors) <= 50
    assert sum(error > 257 for error in errors) <= len(errors) / 20


def test_there_and_back_is_the_same() -> None:
    image, values = drawn()
    # P3 has room for all colors of sRGB.
    there = convert_deep(image, srgb_profile(), p3_profile())
    assert there
    back = convert_deep(there, p3_profile(), srgb_profile())
    assert back
    assert max(abs(a - b) for a, b in zip(values, memoryview(back.tobytes()).cast("H"), strict=True)) <= 12


@pytest.mark.parametrize("output", ["png", "tiff"])
@pytest.mark.parametrize("color", ["srgb", "keep", "p3"])
def test_an_embedded_profile_is_used_at_16_bits(color: str, output: str) -> None:
    values = [40_000, 30_001, 35_002] * 100
    [made] = transform(with_profile(values, PROFILES["prophoto"]), Recipe.of(format=output, color=color))
    assert made.warnings == ()
    with Image.open(io.BytesIO(made.data)) as image:
        profile = image.info.get("icc_profile")
    assert profile == {"srgb": None, "keep": PROFILES["prophoto"], "p3": p3_profile()}[color]
    found = sixteen.read(made.data)[0][:3]
    if color == "keep":
        assert found == values[:3]
    else:
        expected = exact(values[:3], PROFILES["prophoto"])
        for one, other in zip(exact(found, profile or srgb_profile()), expected, strict=True):
            assert one == pytest.approx(other, abs=12)


def test_a_profile_of_srgb_changes_nothing() -> None:
    values = sixteen.noise((10, 10), 3)
    usual = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    [made] = transform(with_profile(values, usual), Recipe.of(format="png"))
    assert (made.warnings, sixteen.read(made.data)[0]) == ((), values)


@pytest.mark.parametrize("color", ["srgb", "p3"])
def test_a_profile_with_tables_is_used_at_8_bits_with_a_warning(color: str, table_profile: bytes) -> None:
    values = [40_000] * 300
    data = with_profile(values, table_profile)
    [made] = transform(data, Recipe.of(format="png", color=color))
    assert made.warnings == ("reduced from 16 to 8 bits per channel: an operation supports only 8",)
    with Image.open(io.BytesIO(made.data)) as image:
        assert image.info.get("icc_profile") == (p3_profile() if color == "p3" else None)
    [made] = transform(data, Recipe.of(format="png", color="keep"))
    assert (made.warnings, sixteen.read(made.data)[0]) == ((), values)
