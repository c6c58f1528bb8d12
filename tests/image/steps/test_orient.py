"""Pictures are turned upright."""

from collections.abc import Callable
from typing import Any

import pytest
from PIL import Image
from PIL.Image import Transpose

Scene = Callable[..., Image.Image]
Make = Callable[..., Image.Image]

STORED = {
    1: None,
    2: Transpose.FLIP_LEFT_RIGHT,
    3: Transpose.ROTATE_180,
    4: Transpose.FLIP_TOP_BOTTOM,
    5: Transpose.TRANSPOSE,
    6: Transpose.ROTATE_90,
    7: Transpose.TRANSVERSE,
    8: Transpose.ROTATE_270,
}
"""From upright to how a picture with that orientation is stored."""


def tagged(orientation: int) -> Image.Exif:
    exif = Image.Exif()
    exif[0x0112] = orientation
    return exif


def stored(image: Image.Image, orientation: int) -> Image.Image:
    method = STORED[orientation]
    return image if method is None else image.transpose(method)


@pytest.mark.parametrize(
    "resample",
    [
        "lanczos",
        "nearest",
        *(pytest.param(name, marks=pytest.mark.slow) for name in ("bicubic", "bilinear", "hamming", "box")),
    ],
)
@pytest.mark.parametrize("mode", ["RGB", "L", "RGBA", "LA", "I;16"])
@pytest.mark.parametrize(
    "recipe",
    [
        {"width": 33},
        {"height": 200, "enlarge": True},
        {"width": 31, "height": 30, "fit": "cover", "gravity": "north-east"},
        {"width": 50, "height": 50, "fit": "contain", "gravity": "south"},
        {"width": 40, "height": 61, "fit": "cover", "gravity": "west"},
        {},
    ],
)
def test_all_orientations_of_a_picture_give_the_same_pixels(
    recipe: dict[str, Any], mode: str, resample: str, noise: Scene, scene: Scene, make: Make
) -> None:
    drawn = scene(mode, (97, 61)) if mode == "I;16" else noise(mode)
    made = {
        orientation: make(
            stored(drawn, orientation), f"{orientation}.png", {"exif": tagged(orientation)}, resample=resample, **recipe
        )
        for orientation in STORED
    }
    assert {image.size for image in made.values()} == {made[1].size}
    assert [number for number, image in made.items() if image.tobytes() != made[1].tobytes()] == []
    assert [number for number, image in made.items() if image.getexif().get(0x0112, 1) != 1] == []


@pytest.mark.parametrize("orientation", STORED)
@pytest.mark.parametrize("suffix", ["jpg", "webp", "avif", "tif"])
def test_every_format_that_knows_an_orientation_comes_out_upright(
    suffix: str, orientation: int, scene: Scene, make: Make
) -> None:
    made = make(stored(scene(), orientation), f"a.{suffix}", {"exif": tagged(orientation)}, width=30)
    assert made.size == (30, 20)
    red, green, blue = made.convert("RGB").resize((3, 2), Image.Resampling.BOX).getpixel((0, 0))  # type: ignore[misc]
    assert red > 150 > green + blue
    assert made.getexif().get(0x0112, 1) == 1


def test_an_invalid_orientation_counts_as_upright(scene: Scene, make: Make) -> None:
    assert make(scene(), "a.jpg", {"exif": tagged(9)}, width=30).size == (30, 20)
