"""Quarter turns and flips only move pixels, in every orientation of the stored picture."""

from collections.abc import Callable
from typing import Any

import pytest
from PIL import Image
from PIL.Image import Transpose

Scene = Callable[..., Image.Image]
Make = Callable[..., Image.Image]

QUARTERS = {0: None, 90: Transpose.ROTATE_270, 180: Transpose.ROTATE_180, 270: Transpose.ROTATE_90}
FLIPS = {"h": Transpose.FLIP_LEFT_RIGHT, "v": Transpose.FLIP_TOP_BOTTOM}
STORED = {1: None, 3: Transpose.ROTATE_180, 5: Transpose.TRANSPOSE, 6: Transpose.ROTATE_90}
"""From upright to how a picture with that orientation is stored."""


def moved(image: Image.Image, method: Transpose | None) -> Image.Image:
    return image if method is None else image.transpose(method)


@pytest.mark.parametrize("orientation", STORED)
@pytest.mark.parametrize("flip", [None, "h", "v"])
@pytest.mark.parametrize("degrees", [0, 90, 180, 270, -90, 360])
def test_pixels_are_moved_and_nothing_else(
    degrees: int, flip: str | None, orientation: int, noise: Scene, make: Make
) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    made = make(moved(noise(), STORED[orientation]), "a.png", {"exif": exif}, rotate=degrees, flip=flip, quality=80)
    expected = moved(moved(noise(), QUARTERS[degrees % 360]), FLIPS[flip] if flip else None)
    assert made.size == expected.size
    assert made.tobytes() == expected.tobytes()


def test_a_crop_follows_the_rotation(noise: Scene, make: Make) -> None:
    made = make(noise(), rotate=90, flip="v", crop="20x30+5+9")
    turned = noise().transpose(Transpose.ROTATE_270).transpose(Transpose.FLIP_TOP_BOTTOM)
    assert made.tobytes() == turned.crop((5, 9, 25, 39)).tobytes()


@pytest.mark.parametrize("suffix", ["png", "jpg"])
def test_another_angle_shows_the_background_in_the_corners(suffix: str, make: Make) -> None:
    image = Image.new("RGB", (800, 400), "red")
    made = make(image, f"a.{suffix}", rotate=45, width=100, background=(0, 0, 255, 255), format="png")
    assert made.size == (100, 100)
    assert made.getpixel((2, 2)) == made.getpixel((97, 97)) == (0, 0, 255)
    red, green, blue = made.getpixel((50, 50))  # type: ignore[misc]
    assert red > 250
    assert green + blue < 5


def test_without_auto_orient_the_pixels_stay_as_they_are_stored(noise: Scene, make: Make) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    made = make(noise(), "a.png", {"exif": exif}, auto_orient=False, quality=80)
    assert made.tobytes() == noise().tobytes()
    assert made.getexif().get(0x0112, 1) == 1


@pytest.mark.parametrize("gravity", ["attention", "entropy"])
@pytest.mark.parametrize("orientation", STORED)
def test_a_content_aware_gravity_sees_the_picture_upright(
    orientation: int, gravity: str, scene: Scene, make: Make
) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    drawn = Image.new("RGB", (300, 100), "white")
    drawn.paste(scene(size=(80, 60)), (210, 20))
    options: dict[str, Any] = {"width": 50, "height": 50, "fit": "cover", "gravity": gravity, "crop": "280x90+10+5"}
    made = make(moved(drawn, STORED[orientation]), "a.png", {"exif": exif}, **options)
    seen = made.convert("L").resize((1, 1), Image.Resampling.BOX).getpixel((0, 0))
    assert seen < 200  # type: ignore[operator]
