"""Colors in Display P3, compared with littleCMS and its own profiles."""

import io
from collections.abc import Callable
from typing import Any

import pytest
from PIL import Image

from benchmarks.colors import delta_e_2000
from forkresize.image.color.convert import p3_profile
from forkresize.image.color.srgb import to_light
from forkresize.image.transform import transform
from forkresize.recipe import Recipe
from tests.image.conftest import FEWER_COLORS

Scene = Callable[..., Image.Image]
Profile = Callable[..., bytes]

HOLDING = ["jpeg", "png", "webp", "avif", "tiff"]


def patches(limit: int = 256) -> Image.Image:
    """Draw colors through the cube, large enough for any encoder."""
    steps = range(0, limit, 50)
    colors = [(red, green, blue) for red in steps for green in steps for blue in steps]
    image = Image.new("RGB", (len(colors), 1))
    image.putdata(colors)
    return image.resize((len(colors) * 8, 8), Image.Resampling.NEAREST)


def made(image: Image.Image, profile: bytes | None, **recipe: Any) -> tuple[Image.Image, tuple[str, ...]]:
    file = io.BytesIO()
    options = {"compression": "raw", "icc_profile": profile} if profile else {}
    image.save(file, "TIFF", **options)
    [rendered] = transform(file.getvalue(), Recipe.of(**{"format": "png", "color": "p3", **recipe}))
    return Image.open(io.BytesIO(rendered.data)), rendered.warnings


SRGB, WIDE, ADOBE = (
    ((0.4361, 0.2225, 0.0139), (0.3851, 0.7169, 0.0971), (0.1431, 0.0606, 0.7139)),
    ((0.5151, 0.2412, -0.0011), (0.2920, 0.6922, 0.0419), (0.1571, 0.0666, 0.7841)),
    ((0.6097, 0.3111, 0.0195), (0.2053, 0.6257, 0.0609), (0.1492, 0.0632, 0.7446)),
)
"""Red, green and blue as XYZ under D50, as the vendors' own profiles have them."""


def labs(image: Image.Image, colorants: Any) -> list[tuple[float, float, float]]:
    """Return CIE L*a*b* under D50 (CIE 15:2004, 8.2.1)."""
    values = image.convert("RGB").tobytes()
    is_adobe = colorants is ADOBE
    light = [(v / 255) ** 2.2 if is_adobe else to_light(v / 255) for v in range(256)]
    found = []
    for pixel in zip(values[::3], values[1::3], values[2::3], strict=True):
        xyz = [sum(light[level] * own[axis] for level, own in zip(pixel, colorants, strict=True)) for axis in range(3)]
        x, y, z = (_root(value / white) for value, white in zip(xyz, (0.9642, 1.0, 0.8249), strict=True))
        found.append((116 * y - 16, 500 * (x - y), 200 * (y - z)))
    return found


def _root(share: float) -> float:
    return share ** (1 / 3) if share > 0.008856 else 7.787 * share + 16 / 116


def worst(one: Image.Image, colorants: Any, other: Image.Image, its: Any) -> float:
    pairs = zip(labs(one, colorants), labs(other, its), strict=True)
    return max(delta_e_2000(mine, theirs) for mine, theirs in pairs)


def test_colors_of_srgb_look_the_same() -> None:
    image, warnings = made(patches(), None)
    assert image.info["icc_profile"] == p3_profile()
    assert warnings == ()
    assert worst(patches(), SRGB, image, WIDE) <= 1


def test_colors_outside_of_srgb_are_kept(rgb_profile: Profile) -> None:
    # Saturated greens of Adobe RGB: outside of sRGB, inside of P3.
    greens = Image.new("RGB", (64, 8), (90, 210, 80))
    wide, _ = made(greens, rgb_profile())
    narrow, _ = made(greens, rgb_profile(), color="srgb")
    assert worst(greens, ADOBE, wide, WIDE) <= 1
    assert worst(greens, ADOBE, narrow, SRGB) > 4


def test_pixels_in_p3_stay_as_they_are(scene: Scene) -> None:
    image, _ = made(scene(), p3_profile())
    assert image.tobytes() == scene().tobytes()
    assert image.info["icc_profile"] == p3_profile()


@pytest.mark.parametrize("output", HOLDING)
@pytest.mark.parametrize("mode", ["RGB", "RGBA", "CMYK"])
def test_every_format_with_profiles_holds_it(output: str, mode: str, scene: Scene) -> None:
    image, _ = made(scene(mode), None, format=output, width=60)
    assert image.info["icc_profile"] == p3_profile()
    assert image.mode in {"RGB", "RGBA"}


@pytest.mark.parametrize("mode", ["L", "LA", "I;16"])
def test_gray_stays_gray(mode: str, scene: Scene) -> None:
    image, warnings = made(scene(mode), None)
    assert (image.mode, image.info.get("icc_profile"), warnings) == (mode, None, ())


def test_a_format_without_profiles_gets_srgb_with_a_warning(scene: Scene) -> None:
    _, warnings = made(scene(), None, format="gif")
    assert warnings == ("converted to sRGB: the format has no place for a color profile", FEWER_COLORS)


def test_a_profile_that_cannot_be_used_counts_as_srgb(scene: Scene) -> None:
    image, warnings = made(scene(), b"no profile" * 20)
    assert [text.partition(":")[0] for text in warnings] == ["assuming sRGB"]
    assert image.tobytes() == made(scene(), None)[0].tobytes()
