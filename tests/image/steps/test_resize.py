"""Exactly the visible part is resized."""

from collections.abc import Callable

import pytest
from PIL import Image, ImageChops, ImageOps

from forkresize.image.geometry.layout import layout
from forkresize.image.picture import Picture, View
from forkresize.image.steps.resize import resize
from forkresize.recipe import Resize, Size

Scene = Callable[..., Image.Image]
Make = Callable[..., Image.Image]


def farthest(one: Image.Image, other: Image.Image) -> int:
    bands = ImageChops.difference(one, other).split()
    return max(band.getextrema()[1] for band in bands)  # type: ignore[return-value]


def test_pixels_that_are_not_scaled_are_not_touched(noise: Scene, make: Make) -> None:
    assert make(noise(size=(60, 40)), width=60).tobytes() == noise(size=(60, 40)).tobytes()
    cut = make(noise(size=(60, 41)), width=60, height=20, fit="cover")
    assert cut.tobytes() == noise(size=(60, 41)).crop((0, 10, 60, 30)).tobytes()


def test_a_picture_that_keeps_its_size_is_not_even_copied(noise: Scene) -> None:
    picture = Picture(image=noise(), view=View.whole((97, 61)))
    plan = layout((97, 61), Size(width=200), Resize())
    assert resize(picture, plan, Resize()).image is picture.image


@pytest.mark.parametrize("resample", ["lanczos", "hamming", "box", "nearest"])
@pytest.mark.parametrize(
    ("gravity", "centering"), [("center", (0.5, 0.5)), ("north-west", (0, 0)), ("south", (0.5, 1))]
)
def test_cover_is_what_pillow_calls_fit(
    gravity: str, centering: tuple[float, float], resample: str, scene: Scene, make: Make
) -> None:
    expected = ImageOps.fit(scene(), (31, 32), Image.Resampling[resample.upper()], centering=centering)
    made = make(scene(), width=31, height=32, fit="cover", gravity=gravity, resample=resample)
    # Lanczos overshoots between its two passes, whose order differs.
    assert farthest(made, expected) <= 20


@pytest.mark.parametrize(("gravity", "color"), [("west", "red"), ("center", "blue"), ("east", "lime")])
@pytest.mark.parametrize("suffix", ["png", "jpg"])
def test_gravity_chooses_the_part(suffix: str, gravity: str, color: str, make: Make) -> None:
    image = Image.new("RGB", (960, 320), "red")
    image.paste("blue", (320, 0, 640, 320))
    image.paste("lime", (640, 0, 960, 320))
    made = make(image, f"a.{suffix}", {"quality": 95}, width=32, height=32, fit="cover", gravity=gravity)
    assert farthest(made.crop((2, 0, 30, 32)), Image.new("RGB", (28, 32), color)) <= 8


@pytest.mark.parametrize("background", ["black", "white", "red"])
@pytest.mark.parametrize("resample", ["box", "bilinear"])
def test_transparent_edges_look_the_same_on_any_background(
    resample: str, background: str, scene: Scene, make: Make
) -> None:
    image = scene("RGBA")
    behind = Image.new("RGBA", image.size, background)
    first = Image.alpha_composite(behind, image).convert("RGB")
    expected = make(first, "a.png", width=31, resample=resample)
    made = make(image, "b.png", width=31, resample=resample)
    shown = Image.alpha_composite(Image.new("RGBA", made.size, background), made).convert("RGB")
    assert farthest(shown, expected) <= 2


def test_a_jpeg_decoded_at_half_its_size_looks_like_the_whole_one(scene: Scene, make: Make) -> None:
    drawn = scene(size=(1201, 803))
    made = make(drawn, "a.jpg", {"quality": 95}, width=300, format="png")
    expected = make(drawn, "b.png", width=300)
    apart = ImageChops.difference(made, expected).convert("L")
    assert made.size == expected.size == (300, 201)
    assert sum(apart.tobytes()) / len(apart.tobytes()) < 1.5
